"""The allowed contents of a model. Each rejected model is complete, has valid digests, and must not be loaded."""

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml

from housing_price_model.artefact import allowed_contents
from housing_price_model.artefact.allowed_contents import EARLIER_CODE, check_contents, known_code, open_export
from housing_price_model.artefact.allowed_graph import OPERATORS
from housing_price_model.artefact.export import MANIFEST, MODEL, digest_of, read_export, write_export
from housing_price_model.artefact.kinds import COMPARABLES, GRAPH, PRICE
from housing_price_model.errors import ArtefactError
from housing_price_model.fitting.pack import SERVED_FILE

# Warnings inside MLflow while the model is trained.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]


@pytest.fixture
def model(export: Path, tmp_path: Path) -> Path:
    """A copy of a quickly trained model that the test may change."""
    shutil.copytree(export / MODEL, tmp_path / "model")
    return tmp_path / "model"


def change_metadata(model: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = yaml.safe_load((model / "MLmodel").read_text())
    change(document)
    (model / "MLmodel").write_text(yaml.safe_dump(document))


def change_flavour(**changes: object) -> Callable[[Path], None]:
    return lambda model: change_metadata(model, lambda document: document["flavors"]["python_function"].update(changes))


def change_graph(change: Callable[[onnx.ModelProto], object]) -> Callable[[Path], None]:
    def changed(model: Path) -> None:
        graph = onnx.load_model(model / GRAPH, load_external_data=False)
        change(graph)
        (model / GRAPH).write_bytes(graph.SerializeToString())

    return changed


def add_node(operator: str, domain: str = "", **attributes: Any) -> Callable[[Path], None]:
    node = onnx.helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)
    return change_graph(lambda graph: graph.graph.node.append(node))


def in_a_new_folder(name: str) -> Callable[[Path], None]:
    """Add an empty file, in a folder that the model does not have."""

    def changed(model: Path) -> None:
        file = model / name
        file.parent.mkdir()
        file.touch()

    return changed


def keep_numbers_elsewhere(graph: onnx.ModelProto) -> None:
    tensor = graph.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def a_graph() -> onnx.GraphProto:
    return onnx.helper.make_graph([], "inner", [], [])


FORBIDDEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pickle": (
        lambda model: (model / "python_model.pkl").write_bytes(pickle.dumps(1)),
        r"python_model\.pkl is not an allowed file",
    ),
    "a joblib": (
        lambda model: (model / "artifacts" / "model.joblib").write_bytes(b""),
        "model.joblib is not an allowed file",
    ),
    "a module": (lambda model: (model / "numpy.py").write_text(""), r"numpy\.py is not an allowed file"),
    "a folder of code": (
        in_a_new_folder("code/a.py"),
        r"code/a\.py is not an allowed file",
    ),
    "the code of a comparables model": (
        lambda model: (model / COMPARABLES.code).write_text(""),
        r"served_comparables\.py is not an allowed file",
    ),
    "an array": (
        lambda model: (model / "artifacts" / "prices.npy").touch(),
        r"artifacts/prices\.npy is not an allowed file",
    ),
    "no code": (lambda model: (model / PRICE.code).unlink(), r"served\.py or served_comparables\.py is missing"),
    "bytecode": (
        in_a_new_folder("__pycache__/served.pyc"),
        "__pycache__/served.pyc is not an allowed file",
    ),
    "no graph": (lambda model: (model / GRAPH).unlink(), r"artifacts/graph\.onnx is missing"),
    "other code": (
        lambda model: (model / PRICE.code).write_bytes(SERVED_FILE.read_bytes() + b"\n"),
        "is not code of this package",
    ),
    "no YAML": (lambda model: (model / "MLmodel").write_text("]["), "does not describe"),
    "another document": (lambda model: (model / "MLmodel").write_text("flavors: 1"), "does not describe"),
    "a Python object in YAML": (
        lambda model: (model / "MLmodel").write_text("!!python/object/apply:os.abort []"),
        "does not describe",
    ),
    "a second flavour": (
        lambda model: change_metadata(model, lambda document: document["flavors"].update(sklearn={})),
        "flavours other than python_function: python_function, sklearn",
    ),
    "another loader": (change_flavour(loader_module="mlflow.sklearn"), "runs code other than"),
    "another file of code": (change_flavour(model_code_path="conda.yaml"), "runs code other than"),
    "a path of code": (change_flavour(code="artifacts"), "runs code other than"),
    "a pickled model": (change_flavour(python_model="python_model.pkl"), "keys not allowed: python_model"),
    "another function": (change_flavour(predict_fn="__class__"), "keys not allowed: predict_fn"),
    "a folder of data": (change_flavour(data="/etc"), "keys not allowed: data"),
    "another graph": (change_flavour(artifacts={"graph": {"path": "../graph.onnx"}}), "does not|are not"),
    "a file outside": (
        lambda model: change_metadata(
            model,
            lambda document: document["flavors"]["python_function"]["artifacts"].update(x={"path": "../../etc/passwd"}),
        ),
        r"refers to the file \.\./\.\./etc/passwd",
    ),
    "an example outside": (
        lambda model: change_metadata(
            model, lambda document: document["saved_input_example_info"].update(artifact_path="/etc/passwd")
        ),
        "refers to the file /etc/passwd",
    ),
    "a truncated graph": (
        lambda model: (model / GRAPH).write_bytes((model / GRAPH).read_bytes()[:-1000]),
        "not an ONNX graph",
    ),
    "an empty graph": (lambda model: (model / GRAPH).write_bytes(b""), "it has no nodes"),
    "a custom operator": (add_node("PyOp", "com.microsoft.extensions"), "PyOp of com.microsoft.extensions"),
    "an operator that we do not use": (add_node("Loop", body=a_graph()), "operator Loop of ai.onnx is not allowed"),
    "a nested graph": (add_node("Add", body=a_graph()), "Add contains a nested graph"),
    "a function": (
        change_graph(lambda graph: graph.functions.append(onnx.FunctionProto(name="Add"))),
        "functions of its own",
    ),
    "numbers in another file": (change_graph(keep_numbers_elsewhere), "is in another file"),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_forbidden_content_is_rejected_and_named(model: Path, kind: str) -> None:
    change, message = FORBIDDEN[kind]
    assert check_contents(model) is PRICE
    change(model)
    with pytest.raises(ArtefactError, match=message):
        check_contents(model)


def test_trained_graph_uses_exactly_the_allowed_operators(export: Path) -> None:
    graph = onnx.load_model(export / MODEL / GRAPH)
    assert {(node.domain, node.op_type) for node in graph.graph.node} == OPERATORS


def test_current_code_is_allowed_without_being_listed(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    assert not EARLIER_CODE & {known_code(PRICE), known_code(COMPARABLES)}
    assert (model / PRICE.code).read_bytes() == SERVED_FILE.read_bytes()
    monkeypatch.setattr(allowed_contents, "EARLIER_CODE", frozenset())
    check_contents(model)


def test_earlier_code_is_allowed_while_it_is_listed(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    earlier = known_code(PRICE)
    monkeypatch.setattr(allowed_contents, "known_code", lambda _kind: "0" * 64)
    with pytest.raises(ArtefactError, match=earlier):
        check_contents(model)
    monkeypatch.setattr(allowed_contents, "EARLIER_CODE", frozenset({earlier}))
    check_contents(model)


def test_additional_json_artefacts_are_allowed(model: Path) -> None:
    (model / "artifacts" / "profile.json").write_text("{}")
    check_contents(model)


def test_open_export_yields_a_private_copy(export: Path, tmp_path: Path) -> None:
    shutil.copytree(export, tmp_path / "export")
    with open_export(tmp_path / "export") as (manifest, model):
        (tmp_path / "export" / MODEL / GRAPH).write_bytes(b"swapped after the check")
        assert manifest == read_export(export)
        assert digest_of(model) == manifest.digest
        assert model.parent.parent.stat().st_mode & 0o077 == 0
    assert not model.exists()


def test_export_with_a_pickle_is_rejected_despite_valid_digests(export: Path, model: Path, tmp_path: Path) -> None:
    (model / "python_model.pkl").write_bytes(pickle.dumps(1))
    write_export(model, replace(read_export(export), digest=digest_of(model)), tmp_path / "export")
    read_export(tmp_path / "export")
    with pytest.raises(ArtefactError, match=rf"{tmp_path / 'export'}.*python_model\.pkl is not an allowed file"):
        open_export(tmp_path / "export").__enter__()


def test_only_the_model_with_the_pinned_digest_is_opened(export: Path, model: Path, tmp_path: Path) -> None:
    pinned = read_export(export).digest
    with open_export(export, pinned):
        pass
    (model / "artifacts" / "profile.json").write_text("{}")  # harmless, but changes the digest
    write_export(model, replace(read_export(export), digest=digest_of(model)), tmp_path / "export")
    with open_export(tmp_path / "export"):
        pass
    with pytest.raises(ArtefactError, match=rf"rejected: its digest is sha256:\w+, expected {pinned}"):
        open_export(tmp_path / "export", pinned).__enter__()


def test_export_recorded_under_the_name_of_the_other_kind_is_rejected(
    export: Path, model: Path, tmp_path: Path
) -> None:
    swapped = replace(read_export(export), name=COMPARABLES.registered_name)
    write_export(model, swapped, tmp_path / "export")
    with pytest.raises(ArtefactError, match="recorded as housing-comparables, but the files are of housing-price"):
        open_export(tmp_path / "export").__enter__()


def test_manifest_with_a_wrong_digest_is_rejected(export: Path, tmp_path: Path) -> None:
    shutil.copytree(export, tmp_path / "export")
    path = tmp_path / "export" / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"digest": f"sha256:{'0' * 64}"}))
    with pytest.raises(ArtefactError, match="differ from those recorded"):
        read_export(tmp_path / "export")
