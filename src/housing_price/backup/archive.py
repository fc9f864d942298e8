"""The format of a backup: a gzip-compressed tar file of plain files and folders.

The first member describes the backup, so that another archive is refused at once. The last one lists the digest of
every file. A backup that lost its end has no such list.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, cast

from housing_price.errors import StackError

HEADER: Final = "housing-price-backup.json"
MANIFEST: Final = "manifest.json"
CONTENT: Final = PurePosixPath("state")
"""Folder of the archive that holds the files of the state folder."""

FORMAT: Final = 1
MAX_HEADER_BYTES: Final = 65_536
MAX_MANIFEST_BYTES: Final = 512 * 1024 * 1024

_COPY_BYTES: Final = 1024 * 1024
# The files of models and the pages of databases compress well at the fastest level, where the disk is the limit.
_COMPRESSION_LEVEL: Final = 1


class UnusableBackup(StackError):
    """The file is not an intact backup. The message says what is wrong."""


@dataclass(frozen=True)
class Summary:
    """The content of a backup."""

    created: str
    """Time of the backup, in ISO 8601."""
    files: int
    """Number of files."""
    content_bytes: int
    """Size of all files together."""


class HashedFile:
    """An open file whose reads are hashed, so that the digest is that of the bytes that were read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read and hash up to `size` bytes."""
        content = self._file.read(size)
        self._digest.update(content)
        return content

    def copy_to(self, target: BinaryIO) -> None:
        """Copy the rest of the file."""
        while content := self.read(_COPY_BYTES):
            target.write(content)

    @property
    def sha256(self) -> str:
        """The digest of what was read."""
        return self._digest.hexdigest()


def write_archive(folder: Path, output: BinaryIO, *, created: datetime, release: str) -> Summary:
    """Write all files and folders of `folder` to an archive.

    Raises:
        OSError: A file cannot be read, or the archive cannot be written.
    """
    digests: dict[str, str] = {}
    content_bytes = 0
    at = created.isoformat(timespec="seconds")
    with tarfile.open(fileobj=output, mode="w:gz", compresslevel=_COMPRESSION_LEVEL) as archive:
        _add_document(archive, HEADER, {"format": FORMAT, "created": at, "release": release})
        for path in sorted(folder.rglob("*")):
            name = str(CONTENT / path.relative_to(folder).as_posix())
            with path.open("rb") if path.is_file() else io.BytesIO() as file:
                member = archive.gettarinfo(str(path), name)
                member.uid = member.gid = 0
                member.uname = member.gname = member.linkname = ""
                member.mtime = int(member.mtime)
                # Hard links of the same file would become links in the archive.
                member.type = tarfile.DIRTYPE if path.is_dir() else tarfile.REGTYPE
                member.size = 0 if path.is_dir() else path.stat().st_size
                hashed = HashedFile(cast("BinaryIO", file))
                archive.addfile(member, cast("BinaryIO", hashed))
            if not path.is_dir():
                digests[name] = hashed.sha256
                content_bytes += member.size
        _add_document(archive, MANIFEST, {"sha256": digests})
    return Summary(at, len(digests), content_bytes)


def _add_document(archive: tarfile.TarFile, name: str, document: dict[str, Any]) -> None:
    content = json.dumps(document).encode()
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[tarfile.TarFile, str]]:
    """Open a backup and read its header.

    Yields:
        The archive, behind its first member, and the time of the backup.

    Raises:
        UnusableBackup: The file cannot be read, or is not a backup of this format.
    """
    try:
        archive = tarfile.open(path, "r:gz")  # noqa: SIM115 - the context below closes it
    except (tarfile.TarError, EOFError) as error:
        raise UnusableBackup(
            f"{path} is not a backup of `housing-price backup`, or is damaged, nothing was restored: {error}"
        ) from error
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read: {error.strerror or error}") from error
    with archive:
        member = archive.next()
        if member is None or member.name != HEADER or not member.isreg():
            raise UnusableBackup(f"{path} is not a backup of `housing-price backup`")
        header = read_document(archive, member, MAX_HEADER_BYTES)
        if header.get("format") != FORMAT:
            raise UnusableBackup(
                f"{path} has the format {header.get('format')!r}, and this release reads {FORMAT}: restore it with the "
                f"release that wrote it ({header.get('release')})"
            )
        yield archive, str(header.get("created"))


def read_document(archive: tarfile.TarFile, member: tarfile.TarInfo, max_bytes: int) -> dict[str, Any]:
    """Read a JSON object of the archive.

    Raises:
        ValueError: It is too large, or not a JSON object.
    """
    file = archive.extractfile(member)
    if member.size > max_bytes or file is None:
        raise ValueError(f"{member.name} is too large")
    document = json.loads(file.read())
    if not isinstance(document, dict):
        raise TypeError(f"{member.name} is not a JSON object")
    return document


def path_in_state(name: str) -> PurePosixPath:
    """Return the path of a member, relative to the state folder.

    Raises:
        ValueError: The path leaves the state folder, or is not written in the shortest way.
    """
    path = PurePosixPath(name)
    is_shortest = str(path) == name and "\0" not in name
    if not is_shortest or ".." in path.parts or not path.is_relative_to(CONTENT) or path == CONTENT:
        raise ValueError(f"its member {name!r} is outside the state folder")
    return path.relative_to(CONTENT)
