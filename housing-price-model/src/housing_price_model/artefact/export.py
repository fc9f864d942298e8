"""A model's files on disk: their digests, and the export that is served without a tracking server.

An export is a folder with `model/` (what MLflow calls a model) and `manifest.json`, which is written last and removed
first: who sees a manifest sees a whole model, and the digest proves it.

**What the digest proves**: the manifest lies beside what it describes. It shows damage, a half-written copy and a mix
of two exports, but not an attacker who can write the folder and so both. Against that, the digest comes from elsewhere:
the registry recorded it, and `read_export(folder, pinned)` compares. What may be in a model at all is judged by
`contents.py`, whoever vouches for it.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from housing_price_model.errors import ArtefactError

MODEL: Final = "model"
MANIFEST: Final = "manifest.json"

_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
_MOST_NAMED: Final = 10
_SUM: Final = re.compile("[0-9a-f]{64}")


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
        files: The SHA-256 of each file of the model by its name, so that a refusal can name the file; `write_export`
            adds them. `digest` is the digest of this very list.
    """

    name: str
    version: str
    model_id: str
    digest: str
    run_id: str
    created_at: str
    files: Mapping[str, str] = field(default_factory=dict)


def sums_of(model: Path) -> dict[str, str]:
    """Compute the SHA-256 of each file of a model folder, by its name relative to the folder, in order.

    Raises:
        ArtefactError: a file cannot be read, or is none: a link (what it points to could change unseen) or a device.
    """
    sums = {}
    try:
        if model.is_symlink():
            raise ArtefactError(f"{model}: refused, it is a link")
        for file in sorted(model.rglob("*"), key=lambda path: path.relative_to(model).as_posix()):
            name = file.relative_to(model).as_posix()
            if file.is_symlink():
                raise ArtefactError(f"{model}: refused, {name} is a link")
            if file.is_dir():
                continue
            if not file.is_file():
                raise ArtefactError(f"{model}: refused, {name} is neither a file nor a folder")
            sums[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as exc:
        raise ArtefactError(f"{model}: cannot be read ({exc})") from exc
    return sums


def digest_of(model: Path) -> str:
    """Compute the digest of a model folder over the names and the bytes of all its files.

    Raises:
        ArtefactError: see `sums_of`.
    """
    return _digest_of(sums_of(model))


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
            shutil.copytree(model, work / MODEL, symlinks=True)
            check_digest(work / MODEL, manifest.digest)
            manifest = replace(manifest, files=sums_of(work / MODEL))
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


def read_export(folder: Path, pinned: str | None = None) -> Manifest:
    """Read the manifest of an export and check every file of the model beside it.

    Args:
        folder: The export.
        pinned: The digest that the model has to have, from a source that whoever writes the folder cannot write.

    Raises:
        ArtefactError: there is no export, it is not the one that is pinned, or its files are not those that the
            manifest records.
    """
    manifest = _read_manifest(folder / MANIFEST)
    if pinned is not None:
        check_pinned(manifest.digest, pinned, folder)
    sums = sums_of(folder / MODEL)
    if manifest.files and (differences := _differences(sums, manifest.files)):
        raise ArtefactError(f"{folder}: refused, its files are not those that were recorded: {differences}")
    found = _digest_of(sums)
    if found != manifest.digest:
        raise ArtefactError(
            f"{folder}: refused, its files are not those that were recorded (digest {found}, not {manifest.digest})"
        )
    return manifest


def check_pinned(digest: str, pinned: str, what: object) -> None:
    """Compare the digest of a model with the one that it has to have.

    Raises:
        ArtefactError: it is another, or the pinned one is no digest.
    """
    if not _DIGEST.fullmatch(pinned):
        raise ArtefactError(f"{pinned!r} is no digest: it should be sha256: and 64 hexadecimal digits")
    if digest != pinned:
        raise ArtefactError(f"{what}: refused, its digest is {digest}, and {pinned} was asked for")


def _read_manifest(path: Path) -> Manifest:
    try:
        manifest = Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise ArtefactError(f"{path.parent}: there is no {MANIFEST}, so this is no exported model") from exc
    except (OSError, ValueError, TypeError, RecursionError) as exc:
        raise ArtefactError(f"{path}: cannot be read as a manifest ({exc})") from exc
    texts = (manifest.name, manifest.version, manifest.model_id, manifest.digest, manifest.run_id, manifest.created_at)
    if not all(isinstance(text, str) for text in texts) or not _DIGEST.fullmatch(manifest.digest):
        raise ArtefactError(f"{path}: cannot be read as a manifest (it should hold texts, and a digest among them)")
    files: object = manifest.files
    if not isinstance(files, dict) or not all(
        isinstance(text, str) and _SUM.fullmatch(text) for text in files.values()
    ):
        raise ArtefactError(f"{path}: cannot be read as a manifest (`files` should give a SHA-256 for each file)")
    return manifest


def _digest_of(sums: Mapping[str, str]) -> str:
    lines = "".join(f"{total}  {name}\n" for name, total in sums.items())
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _differences(found: Mapping[str, str], recorded: Mapping[str, str]) -> str:
    """Say which files differ from what was recorded, at most ten of them."""
    differences = [
        *(f"{MODEL}/{name} is missing" for name in sorted(recorded.keys() - found.keys())),
        *(f"{MODEL}/{name} was added" for name in sorted(found.keys() - recorded.keys())),
        *(f"{MODEL}/{name} was changed" for name in sorted(found.keys() & recorded) if found[name] != recorded[name]),
    ]
    more = f", and {len(differences) - _MOST_NAMED} more" if len(differences) > _MOST_NAMED else ""
    return ", ".join(differences[:_MOST_NAMED]) + more


def _make_readable(folder: Path) -> None:
    """Let other users read the export: in a shared volume the model server is often another one."""
    for path in (folder / MANIFEST, folder / MODEL, *(folder / MODEL).rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
