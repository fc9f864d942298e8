"""A model's files on disk: their digest, and the export that is served without a tracking server.

An export is a folder with `model/` (what MLflow calls a model) and `manifest.json`, which is written last and removed
first: who sees a manifest sees a whole model, and the digest proves it.
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from housing_price_model.errors import ArtefactError

MODEL: Final = "model"
MANIFEST: Final = "manifest.json"

# MLflow writes this file into its own copy when it downloads a registered model; it is no part of the model.
_NOT_OF_THE_MODEL: Final = frozenset({"registered_model_meta"})


@dataclass(frozen=True)
class Manifest:
    """What an export contains.

    Attributes:
        name: The registered model's name.
        version: Its version in the registry; the `model_id` if it was never registered.
        model_id: The identity that the model gives with each price.
        digest: `sha256:` and the digest of all files of the model.
        run_id: The MLflow run that trained it.
        created_at: When it was exported, in UTC (ISO 8601).
    """

    name: str
    version: str
    model_id: str
    digest: str
    run_id: str
    created_at: str


def digest_of(model: Path) -> str:
    """Compute the digest of a model folder over the names and the bytes of all its files.

    Raises:
        ArtefactError: a file cannot be read, or is a link (what it points to could change unseen).
    """
    total = hashlib.sha256()
    try:
        for file in sorted(model.rglob("*"), key=lambda path: path.relative_to(model).as_posix()):
            if file.is_symlink():
                raise ArtefactError(f"{model}: {file.relative_to(model)} is a link")
            if file.is_dir() or file.name in _NOT_OF_THE_MODEL:
                continue
            name = file.relative_to(model).as_posix()
            total.update(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n".encode())
    except OSError as exc:
        raise ArtefactError(f"{model}: cannot be read ({exc})") from exc
    return f"sha256:{total.hexdigest()}"


def check_digest(model: Path, expected: str) -> None:
    """Compare a model folder with the digest that was recorded for it.

    Raises:
        ArtefactError: they differ: a file was changed, added or removed.
    """
    found = digest_of(model)
    if found != expected:
        raise ArtefactError(
            f"{model}: refused, its files are not those that were recorded (digest {found}, not {expected})"
        )


def write_export(model: Path, manifest: Manifest, folder: Path) -> None:
    """Copy a model folder and write its manifest, replacing an earlier export in the folder.

    The folder itself stays (it may be a mounted volume); its contents are prepared beside and renamed into place.

    Raises:
        ArtefactError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
        try:
            shutil.copytree(model, work / MODEL, ignore=shutil.ignore_patterns(*_NOT_OF_THE_MODEL))
            check_digest(work / MODEL, manifest.digest)
            (work / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
            (folder / MANIFEST).unlink(missing_ok=True)
            if (folder / MODEL).exists():
                (folder / MODEL).rename(work / "replaced")
            (work / MODEL).rename(folder / MODEL)
            (work / MANIFEST).replace(folder / MANIFEST)
            _make_readable(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as exc:
        raise ArtefactError(f"{folder}: the model cannot be exported there ({exc})") from exc


def read_export(folder: Path) -> Manifest:
    """Read the manifest of an export and check the model beside it.

    Raises:
        ArtefactError: there is no export, or its files are not those that the manifest records.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise ArtefactError(f"{folder}: there is no {MANIFEST}, so this is no exported model") from exc
    except (OSError, ValueError, TypeError) as exc:
        raise ArtefactError(f"{path}: cannot be read as a manifest ({exc})") from exc
    check_digest(folder / MODEL, manifest.digest)
    return manifest


def _make_readable(folder: Path) -> None:
    """Let other users read the export: in a shared volume the model server is often another one."""
    for path in (folder / MANIFEST, folder / MODEL, *(folder / MODEL).rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
