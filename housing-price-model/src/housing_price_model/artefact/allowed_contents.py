"""What a served model may be made of: judged before anything of it is executed or loaded, whoever vouches for it.

A digest says that a model is the one that somebody recorded, not that it is harmless. So nothing but this is let
through: code that this package knows (`served.py`), a graph of a few arithmetic operators, and data. No pickle of any
kind, no code of the model's own, no operator that a library would have to be loaded for. Who manages to write an export
or the registry can so change prices, but not run code.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Final

import onnx
import yaml
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no types

from housing_price_model.artefact.export import MANIFEST, MODEL, Manifest, read_export, sums_of
from housing_price_model.errors import ArtefactError

CODE: Final = "served.py"
GRAPH: Final = "artifacts/graph.onnx"
SPECIFICATION: Final = "artifacts/spec.json"
METADATA: Final = "MLmodel"

_NEEDED: Final = (METADATA, CODE, GRAPH, SPECIFICATION)
_ALLOWED: Final = (
    *_NEEDED,
    "artifacts/*.json",
    *("conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json", "serving_input_example.json"),
)

EARLIER_CODE: Final = frozenset(
    {
        # Took a number that came as text for a number.
        "98c573e18c686b2e7194e4e2416c5df5e2d1c2e6fa11ef184c3e4440ee2b809e",
    }
)
"""The SHA-256 of each earlier `served.py` whose models are still served. A line that is removed withdraws them."""

OPERATORS: Final = frozenset(
    {("", "Add"), ("", "Cast"), ("", "Max"), ("", "Mul"), ("", "ReduceSum"), ("ai.onnx.ml", "TreeEnsembleRegressor")}
)
"""The domain and the type of each operator that `graph.py` writes."""

_LOADER: Final = "mlflow.pyfunc.loaders.code_model"
# What MLflow reads of a model. Others name further code to import, a pickle, or another function to call.
_FLAVOUR: Final = frozenset(
    {
        *("artifacts", "cloudpickle_version", "code", "env", "loader_module", "model_code_path", "python_version"),
        "streamable",
    }
)


@contextmanager
def opened(folder: Path, pinned: str | None = None) -> Iterator[tuple[Manifest, Path]]:
    """Copy an export to where nobody else writes, and check the copy: what is loaded is what was checked.

    Args:
        folder: The export.
        pinned: The digest that it has to have; see `artefact.read_export`.

    Yields:
        Its manifest, and the copy of its model, which lives as long as the context.

    Raises:
        ArtefactError: it is refused; nothing of it was loaded.
    """
    read_export(folder, pinned)
    with tempfile.TemporaryDirectory(prefix="housing-price-") as private:
        copy = Path(private) / "export"
        try:
            shutil.copytree(folder / MODEL, copy / MODEL, symlinks=True)
            shutil.copyfile(folder / MANIFEST, copy / MANIFEST)
        except OSError as exc:
            raise ArtefactError(f"{folder}: cannot be copied ({exc})") from exc
        try:
            manifest = read_export(copy, pinned)
            check_contents(copy / MODEL)
        except ArtefactError as exc:
            raise ArtefactError(str(exc).replace(str(copy), str(folder))) from exc
        yield manifest, copy / MODEL


def check_contents(model: Path) -> None:
    """Judge what a model folder holds.

    Raises:
        ArtefactError: it holds what a model of ours does not, and what; nothing of it was executed or loaded.
    """
    sums = sums_of(model)
    if missing := [name for name in _NEEDED if name not in sums]:
        raise ArtefactError(f"{model}: refused, {', '.join(missing)} is missing")
    for name in sums:
        if not any(_matches(name, pattern) for pattern in _ALLOWED):
            raise ArtefactError(
                f"{model}: refused, {name} is no file of a model that is trained here: train and export anew"
            )
    if sums[CODE] not in EARLIER_CODE | {known_code()}:
        raise ArtefactError(
            f"{model}: refused, {CODE} is not the code of this package or of an earlier one (SHA-256 {sums[CODE]}): "
            "train and export anew, or add it to contents.EARLIER_CODE"
        )
    _check_metadata(model)
    _check_graph(model / GRAPH)


def known_code() -> str:
    """Compute the SHA-256 of this package's own `served.py`, which is read and not imported."""
    return hashlib.sha256(Path(__file__).with_name(CODE).read_bytes()).hexdigest()


def _matches(name: str, pattern: str) -> bool:
    # `*` does not stand for a folder.
    return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)


def _check_metadata(model: Path) -> None:
    """Judge what MLflow is told to do: it imports the module and reads the files that `MLmodel` names."""
    path = model / METADATA
    try:
        document: Any = yaml.safe_load(path.read_bytes())
        flavours = document["flavors"]
        flavour = flavours["python_function"]
        artifacts = {name: PurePosixPath(artifact["path"]) for name, artifact in flavour["artifacts"].items()}
        code = PurePosixPath(flavour["model_code_path"]).name
        loader = flavour["loader_module"]
        example = (document.get("saved_input_example_info") or {}).get("artifact_path", "input_example.json")
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ArtefactError(f"{path}: refused, it does not describe a model of ours ({exc!r})") from exc
    if len(flavours) != 1:
        raise ArtefactError(f"{path}: refused, it has flavours other than python_function: {', '.join(flavours)}")
    if unknown := flavour.keys() - _FLAVOUR:
        raise ArtefactError(f"{path}: refused, it asks for {', '.join(map(str, sorted(unknown)))}")
    if loader != _LOADER or code != CODE or flavour.get("code"):
        raise ArtefactError(f"{path}: refused, it runs code other than {CODE} by {_LOADER}")
    if str(artifacts.get("graph")) != GRAPH or str(artifacts.get("spec")) != SPECIFICATION:
        raise ArtefactError(f"{path}: refused, its graph and spec are not {GRAPH} and {SPECIFICATION}")
    for name in (*map(str, artifacts.values()), str(example)):
        if not any(_matches(name, pattern) for pattern in _ALLOWED):
            raise ArtefactError(f"{path}: refused, it names the file {name}")


def _check_graph(path: Path) -> None:
    """Judge the graph: known operators only, all its numbers inside it, and nothing nested."""
    graph = onnx.ModelProto()
    try:
        graph.ParseFromString(path.read_bytes())
    except DecodeError as exc:
        raise ArtefactError(f"{path}: refused, it is no ONNX graph ({exc})") from exc
    if not graph.graph.node:
        raise ArtefactError(f"{path}: refused, it is no ONNX graph (it has no nodes)")
    if graph.functions or graph.training_info:
        raise ArtefactError(f"{path}: refused, it brings functions of its own")
    tensors = [*graph.graph.initializer]
    for node in graph.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if (domain, node.op_type) not in OPERATORS:
            raise ArtefactError(f"{path}: refused, it has the operator {node.op_type} of {domain or 'ai.onnx'}")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise ArtefactError(f"{path}: refused, its operator {node.op_type} holds another graph")
            tensors += [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    if graph.graph.sparse_initializer:
        raise ArtefactError(f"{path}: refused, it has sparse numbers")
    for tensor in tensors:
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ArtefactError(f"{path}: refused, the numbers of {tensor.name} lie in another file")
