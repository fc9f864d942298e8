"""Allowlist of what a served model may contain, checked before any of it is loaded or executed.

A matching digest shows that a model is the one recorded, not that it is safe. So a model may contain only code that
this package knows (`served.py` or `served_comparables.py`), a graph of a few arithmetic operators or arrays of plain
numbers, and JSON. Pickles, other code and operators that need a library are rejected. An attacker who can write an
export or the registry can change answers, but not run code.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from housing_price_model.artefact.allowed_arrays import check_arrays
from housing_price_model.artefact.allowed_sales import check_sales
from housing_price_model.artefact.export import MANIFEST, MODEL, Manifest, file_digests, read_export
from housing_price_model.artefact.kinds import COMPARABLES, KINDS, Kind
from housing_price_model.errors import ArtefactError

METADATA: Final = "MLmodel"

_ALLOWED: Final = (
    METADATA,
    "artifacts/*.json",
    *("conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json", "serving_input_example.json"),
)

EARLIER_CODE: Final = frozenset(
    {
        # served.py that accepted numbers sent as strings.
        "98c573e18c686b2e7194e4e2416c5df5e2d1c2e6fa11ef184c3e4440ee2b809e",
        # served_comparables.py before its comments were reworded; it answers the same.
        "1bd062c6d1920c8e4e07634ab1434f3b8850ca3bb64b17d7f0848bd2c63b741f",
    }
)
"""The SHA-256 of each earlier code file whose models are still served; remove a line to reject its models."""

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
        ArtefactError: The export is rejected; none of its files was loaded.
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
            check_name(check_contents(copy / MODEL), manifest.name, copy)
        except ArtefactError as error:
            raise ArtefactError(str(error).replace(str(copy), str(folder))) from error
        yield manifest, copy / MODEL


def check_contents(model: Path) -> Kind:
    """Check that a model folder contains only what is allowed, and return its kind.

    Raises:
        ArtefactError: It contains something else, named in the message; none of its files was loaded or executed.
    """
    digests = file_digests(model)
    kind = _kind_of(model, digests)
    allowed = (*_ALLOWED, kind.code, *kind.artifacts.values())
    if missing := [name for name in (METADATA, *kind.artifacts.values()) if name not in digests]:
        raise ArtefactError(f"{model}: rejected: {', '.join(missing)} is missing")
    for name in digests:
        if not any(_matches(name, pattern) for pattern in allowed):
            raise ArtefactError(f"{model}: rejected: {name} is not an allowed file; retrain and export the model again")
    if digests[kind.code] not in EARLIER_CODE | {known_code(kind)}:
        raise ArtefactError(
            f"{model}: rejected: {kind.code} is not code of this package, current or earlier (SHA-256 "
            f"{digests[kind.code]}); retrain and export the model again, or add the SHA-256 to "
            "allowed_contents.EARLIER_CODE"
        )
    _check_metadata(model, kind, allowed)
    if kind is COMPARABLES:
        check_arrays(model)
        check_sales(model)
    else:
        # A server of comparables does not need the library, which is slow to import and large.
        from housing_price_model.artefact.allowed_graph import check_graph  # noqa: PLC0415

        check_graph(model)
    return kind


def check_name(kind: Kind, name: str, source: object) -> None:
    """Check that a model is not recorded under the name of another kind.

    Raises:
        ArtefactError: It is: the files of two models were swapped.
    """
    if name in {other.registered_name for other in KINDS if other is not kind}:
        raise ArtefactError(f"{source}: rejected: recorded as {name}, but the files are of {kind.registered_name}")


def known_code(kind: Kind) -> str:
    """Compute the SHA-256 of this package's own code of a kind of model from its file, without importing it."""
    return hashlib.sha256(Path(__file__).with_name(kind.code).read_bytes()).hexdigest()


def _kind_of(model: Path, digests: Mapping[str, str]) -> Kind:
    """Tell the kind of a model by the file of its code."""
    found = [kind for kind in KINDS if kind.code in digests]
    if not found:
        raise ArtefactError(f"{model}: rejected: {' or '.join(kind.code for kind in KINDS)} is missing")
    return found[0]


def _matches(name: str, pattern: str) -> bool:
    # `*` must not match across folders.
    return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)


def _check_metadata(model: Path, kind: Kind, allowed: Collection[str]) -> None:
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
    if loader != _LOADER or code != kind.code or flavour.get("code"):
        raise ArtefactError(f"{path}: rejected: it runs code other than {kind.code} by {_LOADER}")
    if any(str(artifacts.get(name)) != file for name, file in kind.artifacts.items()):
        expected = ", ".join(kind.artifacts.values())
        raise ArtefactError(f"{path}: rejected: {', '.join(kind.artifacts)} are not {expected}")
    for name in (*map(str, artifacts.values()), str(example)):
        if not any(_matches(name, pattern) for pattern in allowed):
            raise ArtefactError(f"{path}: rejected: it refers to the file {name}")
