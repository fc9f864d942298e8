"""Allowlist of what a served model may contain, checked before any of it is loaded or executed.

A matching digest shows that a model is the one recorded, not that it is safe. So a model may contain only code that
this package knows (`served.py`), a graph of a few arithmetic operators, and data. Pickles, other code and operators
that need a library are rejected. An attacker who can write an export or the registry can change prices, but not run
code.
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

from housing_price_model.artefact.export import MANIFEST, MODEL, Manifest, file_digests, read_export
from housing_price_model.errors import ArtefactError

CODE: Final = "served.py"
GRAPH: Final = "artifacts/graph.onnx"
SPECIFICATION: Final = "artifacts/spec.json"
METADATA: Final = "MLmodel"

_REQUIRED: Final = (METADATA, CODE, GRAPH, SPECIFICATION)
_ALLOWED: Final = (
    *_REQUIRED,
    "artifacts/*.json",
    *("conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json", "serving_input_example.json"),
)

EARLIER_CODE: Final = frozenset(
    {
        # Accepted numbers sent as strings.
        "98c573e18c686b2e7194e4e2416c5df5e2d1c2e6fa11ef184c3e4440ee2b809e",
    }
)
"""The SHA-256 of each earlier `served.py` whose models are still served; remove a line to reject its models."""

OPERATORS: Final = frozenset(
    {("", "Add"), ("", "Cast"), ("", "Max"), ("", "Mul"), ("", "ReduceSum"), ("ai.onnx.ml", "TreeEnsembleRegressor")}
)
"""Domain and type of each operator that `fitting/onnx_graph.py` writes."""

_LOADER: Final = "mlflow.pyfunc.loaders.code_model"
# The keys that our models use. Other keys make MLflow import more code, load a pickle or call another function.
_FLAVOUR_KEYS: Final = frozenset(
    {
        *("artifacts", "cloudpickle_version", "code", "env", "loader_module", "model_code_path", "python_version"),
        "streamable",
    }
)


@contextmanager
def open_export(folder: Path, pinned_digest: str | None = None) -> Iterator[tuple[Manifest, Path]]:
    """Copy an export to a private folder and check the copy, so that the checked bytes are the loaded ones.

    Args:
        folder: The export.
        pinned_digest: The required digest; see `read_export`.

    Yields:
        The manifest, and the copy of the model folder, which is deleted when the context exits.

    Raises:
        ArtefactError: The export is rejected; nothing of it was loaded.
    """
    read_export(folder, pinned_digest)
    with tempfile.TemporaryDirectory(prefix="housing-price-") as private:
        copy = Path(private) / "export"
        try:
            shutil.copytree(folder / MODEL, copy / MODEL, symlinks=True)
            shutil.copyfile(folder / MANIFEST, copy / MANIFEST)
        except OSError as error:
            raise ArtefactError(f"{folder}: cannot copy the export ({error})") from error
        try:
            manifest = read_export(copy, pinned_digest)
            check_contents(copy / MODEL)
        except ArtefactError as error:
            raise ArtefactError(str(error).replace(str(copy), str(folder))) from error
        yield manifest, copy / MODEL


def check_contents(model: Path) -> None:
    """Check that a model folder contains only what is allowed.

    Raises:
        ArtefactError: It contains something else, named in the message; nothing of it was loaded or executed.
    """
    digests = file_digests(model)
    if missing := [name for name in _REQUIRED if name not in digests]:
        raise ArtefactError(f"{model}: rejected: {', '.join(missing)} is missing")
    for name in digests:
        if not any(_matches(name, pattern) for pattern in _ALLOWED):
            raise ArtefactError(f"{model}: rejected: {name} is not an allowed file; retrain and export the model again")
    if digests[CODE] not in EARLIER_CODE | {known_code()}:
        raise ArtefactError(
            f"{model}: rejected: {CODE} is not code of this package, current or earlier (SHA-256 {digests[CODE]}); "
            "retrain and export the model again, or add the SHA-256 to allowed_contents.EARLIER_CODE"
        )
    _check_metadata(model)
    _check_graph(model / GRAPH)


def known_code() -> str:
    """Compute the SHA-256 of this package's own `served.py` from its file, without importing it."""
    return hashlib.sha256(Path(__file__).with_name(CODE).read_bytes()).hexdigest()


def _matches(name: str, pattern: str) -> bool:
    # `*` must not match across folders.
    return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)


def _check_metadata(model: Path) -> None:
    """Check `MLmodel`, which tells MLflow what module to import and what files to read."""
    path = model / METADATA
    try:
        document: Any = yaml.safe_load(path.read_bytes())
        flavours = document["flavors"]
        flavour = flavours["python_function"]
        artifacts = {name: PurePosixPath(artifact["path"]) for name, artifact in flavour["artifacts"].items()}
        code = PurePosixPath(flavour["model_code_path"]).name
        loader = flavour["loader_module"]
        example = (document.get("saved_input_example_info") or {}).get("artifact_path", "input_example.json")
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtefactError(f"{path}: rejected: it does not describe a model of this package ({error!r})") from error
    if len(flavours) != 1:
        raise ArtefactError(f"{path}: rejected: it has flavours other than python_function: {', '.join(flavours)}")
    if unknown := flavour.keys() - _FLAVOUR_KEYS:
        raise ArtefactError(f"{path}: rejected: keys not allowed: {', '.join(map(str, sorted(unknown)))}")
    if loader != _LOADER or code != CODE or flavour.get("code"):
        raise ArtefactError(f"{path}: rejected: it runs code other than {CODE} by {_LOADER}")
    if str(artifacts.get("graph")) != GRAPH or str(artifacts.get("spec")) != SPECIFICATION:
        raise ArtefactError(f"{path}: rejected: its graph and spec are not {GRAPH} and {SPECIFICATION}")
    for name in (*map(str, artifacts.values()), str(example)):
        if not any(_matches(name, pattern) for pattern in _ALLOWED):
            raise ArtefactError(f"{path}: rejected: it refers to the file {name}")


def _check_graph(path: Path) -> None:
    """Check the ONNX graph: only known operators, all tensors inside the file, no nested graph."""
    graph = onnx.ModelProto()
    try:
        graph.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ArtefactError(f"{path}: rejected: not an ONNX graph ({error})") from error
    if not graph.graph.node:
        raise ArtefactError(f"{path}: rejected: not an ONNX graph (it has no nodes)")
    if graph.functions or graph.training_info:
        raise ArtefactError(f"{path}: rejected: it defines functions of its own")
    tensors = [*graph.graph.initializer]
    for node in graph.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if (domain, node.op_type) not in OPERATORS:
            raise ArtefactError(f"{path}: rejected: operator {node.op_type} of {domain or 'ai.onnx'} is not allowed")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise ArtefactError(f"{path}: rejected: operator {node.op_type} contains a nested graph")
            tensors += [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    if graph.graph.sparse_initializer:
        raise ArtefactError(f"{path}: rejected: it has sparse tensors")
    for tensor in tensors:
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ArtefactError(f"{path}: rejected: the data of tensor {tensor.name} is in another file")
