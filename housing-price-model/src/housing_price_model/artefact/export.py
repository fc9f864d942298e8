"""Model exports: a model folder with a manifest, servable without a tracking server.

An export is a folder with `model/` (an MLflow model) and `manifest.json`. The manifest is written last and removed
first, so a folder with a manifest holds a complete model.

**Use of the digest**: it detects damage, an incomplete copy and a mix of two exports. It does not stop an attacker
who can write the folder, and so the manifest. For that, pass a digest from another source, such as the registry, to
`read_export(folder, pinned_digest)`. `allowed_contents.py` checks what a model may contain, whatever its digest.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from housing_price_model.errors import ArtefactError

MODEL: Final = "model"
MANIFEST: Final = "manifest.json"

_STAGING: Final = ".export-"
_LEFTOVER_SECONDS: Final = 3600.0

_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
_MAX_NAMED: Final = 10
_SHA256: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`."""

    name: str
    """The name of the registered model."""
    version: str
    """The registered version; the `model_id` if it was never registered."""
    model_id: str
    """The content hash that the model returns with each price."""
    digest: str
    """`sha256:` and the digest of all files of the model."""
    run_id: str
    """The MLflow run that trained the model."""
    created_at: str
    """Time of the export, in UTC (ISO 8601)."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each file by its name, so that an error can name the file. `write_export` fills it in, and
    `digest` is computed over it. Empty in early exports."""


def file_digests(model: Path) -> dict[str, str]:
    """Compute the SHA-256 of each file in a model folder, keyed by relative name and sorted.

    Raises:
        ArtefactError: A file cannot be read, or is a link or device. The target of a link could change unnoticed.
    """
    digests = {}
    try:
        if model.is_symlink():
            raise ArtefactError(f"{model}: rejected: it is a symbolic link")
        for file in sorted(model.rglob("*"), key=lambda path: path.relative_to(model).as_posix()):
            name = file.relative_to(model).as_posix()
            if file.is_symlink():
                raise ArtefactError(f"{model}: rejected: {name} is a symbolic link")
            if file.is_dir():
                continue
            if not file.is_file():
                raise ArtefactError(f"{model}: rejected: {name} is neither a file nor a folder")
            digests[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ArtefactError(f"{model}: cannot read the model ({error})") from error
    return digests


def digest_of(model: Path) -> str:
    """Compute the digest of a model folder from the names and contents of its files.

    Raises:
        ArtefactError: See `file_digests`.
    """
    return _digest_of(file_digests(model))


def check_digest(model: Path, expected: str) -> None:
    """Compare a model folder with its recorded digest.

    Raises:
        ArtefactError: They differ: a file was changed, added or removed.
    """
    actual = digest_of(model)
    if actual != expected:
        raise ArtefactError(
            f"{model}: rejected: files differ from those recorded (digest {actual}, expected {expected})"
        )


def write_export(model: Path, manifest: Manifest, folder: Path) -> None:
    """Copy a model folder and write its manifest, replacing an earlier export in the folder.

    The contents are prepared in a temporary subfolder and renamed into place: the folder may be a mounted volume.

    Raises:
        ArtefactError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_replaceable(folder)
        _remove_leftovers(folder)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
        try:
            shutil.copytree(model, staging / MODEL, symlinks=True)
            check_digest(staging / MODEL, manifest.digest)
            manifest = replace(manifest, files=file_digests(staging / MODEL))
            (staging / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
            _sync(staging)
            (folder / MANIFEST).unlink(missing_ok=True)
            if (folder / MODEL).exists():
                (folder / MODEL).rename(staging / "replaced")
            (staging / MODEL).rename(folder / MODEL)
            (staging / MANIFEST).replace(folder / MANIFEST)
            _make_readable(folder)
            _sync_one(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except shutil.Error as error:
        _, target, reason = error.args[0][0]
        raise ArtefactError(f"{folder}: cannot write the export ({target}: {reason})") from error
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot write the export ({error})") from error


def read_export(folder: Path, pinned_digest: str | None = None) -> Manifest:
    """Read the manifest of an export and check every file of its model.

    Args:
        folder: The export.
        pinned_digest: The required digest, from a source that a writer of the folder cannot change.

    Raises:
        ArtefactError: The folder is not an export, has another digest than the pinned one, or has changed files.
    """
    manifest = _read_manifest(folder / MANIFEST)
    if pinned_digest is not None:
        check_pinned_digest(manifest.digest, pinned_digest, folder)
    digests = file_digests(folder / MODEL)
    if manifest.files and (differences := _differences(digests, manifest.files)):
        raise ArtefactError(f"{folder}: rejected: files differ from those recorded: {differences}")
    actual = _digest_of(digests)
    if actual != manifest.digest:
        raise ArtefactError(
            f"{folder}: rejected: files differ from those recorded (digest {actual}, expected {manifest.digest})"
        )
    return manifest


def check_pinned_digest(digest: str, pinned_digest: str, source: object) -> None:
    """Compare the digest of a model with the required one.

    Raises:
        ArtefactError: They differ, or `pinned_digest` is malformed.
    """
    if not _DIGEST.fullmatch(pinned_digest):
        raise ArtefactError(f"{pinned_digest!r} is not a digest: expected sha256: and 64 hexadecimal digits")
    if digest != pinned_digest:
        raise ArtefactError(f"{source}: rejected: its digest is {digest}, expected {pinned_digest}")


def _read_manifest(path: Path) -> Manifest:
    try:
        manifest = Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ArtefactError(f"{path.parent}: {MANIFEST} not found; not an exported model") from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ArtefactError(f"{path}: not a valid manifest ({error})") from error
    fields = (manifest.name, manifest.version, manifest.model_id, manifest.digest, manifest.run_id, manifest.created_at)
    if not all(isinstance(value, str) for value in fields) or not _DIGEST.fullmatch(manifest.digest):
        raise ArtefactError(f"{path}: not a valid manifest (all fields must be strings, and `digest` a SHA-256)")
    files: object = manifest.files
    if not isinstance(files, dict) or not all(
        isinstance(value, str) and _SHA256.fullmatch(value) for value in files.values()
    ):
        raise ArtefactError(f"{path}: not a valid manifest (`files` must map each file to its SHA-256)")
    return manifest


def _digest_of(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _differences(actual: Mapping[str, str], recorded: Mapping[str, str]) -> str:
    """List the files that differ from those recorded, at most ten."""
    differences = [
        *(f"{MODEL}/{name} is missing" for name in sorted(recorded.keys() - actual.keys())),
        *(f"{MODEL}/{name} was added" for name in sorted(actual.keys() - recorded.keys())),
        *(f"{MODEL}/{name} was changed" for name in sorted(actual.keys() & recorded) if actual[name] != recorded[name]),
    ]
    more = f", and {len(differences) - _MAX_NAMED} more" if len(differences) > _MAX_NAMED else ""
    return ", ".join(differences[:_MAX_NAMED]) + more


def _check_replaceable(folder: Path) -> None:
    """Check that `model/` is part of an export, also of an interrupted one, and not something of the user's own."""
    model = folder / MODEL
    if model.exists() and not (folder / MANIFEST).exists() and not (model / "MLmodel").exists():
        raise ArtefactError(f"{folder}: contains {MODEL}, which is no exported model: choose another folder")


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed exports left behind. A younger one may belong to an export in progress."""
    for leftover in folder.glob(f"{_STAGING}*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _LEFTOVER_SECONDS:
                shutil.rmtree(leftover)


def _sync(folder: Path) -> None:
    """Write a folder and everything in it to the disk: a manifest must not survive a power failure alone."""
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_readable(folder: Path) -> None:
    """Make the export readable by all: on a shared volume the model server often runs as another user."""
    for path in (folder / MANIFEST, folder / MODEL, *(folder / MODEL).rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
