"""The URIs that jobs may read and write: those under the stores that the operator configures."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

FORMAT_OF_SUFFIX: Final = {".csv": "csv", ".ndjson": "ndjson", ".parquet": "parquet"}
"""File formats by file name suffix."""
REFUSED_SUFFIX: Final = ".refused.ndjson"
"""Suffix that is appended to the result's name for the file of refused rows."""
MAX_URI_CHARACTERS: Final = 1_000
MAX_PATH_BYTES: Final = 1_024
"""Maximum length of the key of an object in S3 and GCS."""
MAX_NAME_BYTES: Final = 255
"""Maximum length of a file name on most file systems."""

# Excludes credentials, queries, fragments, percent-encoding, glob patterns and whitespace.
_CHARACTER: Final = r"[^\s\x00-\x20\x7f?#%@\\*\[\]{}|<>\"^`]"
_URI: Final = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]{{0,30}})://(?P<path>{_CHARACTER}+)")


class LocationRefused(ValueError):
    """The URI is not allowed. The message is shown to the caller and does not repeat the URI."""


@dataclass(frozen=True)
class Location:
    """A file under an allowed URI."""

    uri: str
    prefix: str
    """The allowed URI that the file is under; ends with a slash."""
    names: tuple[str, ...]
    """The path segments after the prefix, the file name last. None is empty, `.` or `..`."""

    @property
    def format(self) -> str:
        """The file format: `csv`, `ndjson` or `parquet`."""
        return FORMAT_OF_SUFFIX["." + self.uri.rpartition(".")[2]]

    @property
    def refused_rows(self) -> Self:
        """The file beside this result that lists the rows without a price."""
        return replace(self, uri=self.uri + REFUSED_SUFFIX, names=(*self.names[:-1], self.names[-1] + REFUSED_SUFFIX))

    @property
    def written_files(self) -> tuple[Self, Self]:
        """Every file that a job with this output writes."""
        return self.refused_rows, self

    @property
    def claim(self) -> str:
        """A text that two outputs share if their jobs could write the same file.

        Letter case and the composition of accents do not count: many file systems ignore them.
        """
        claim = _folded(self.uri)
        while claim.endswith(REFUSED_SUFFIX):
            claim = claim.removesuffix(REFUSED_SUFFIX)
        return claim

    def is_same_file(self, other: "Location") -> bool:
        """Return whether two names could be those of one file, on a file system that ignores letter case."""
        return _folded(self.uri) == _folded(other.uri)


class AllowedLocations:
    """The URIs under which jobs may read and write."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        """Allow everything under `prefixes`, each checked by `check_prefix`."""
        self._prefixes = tuple(prefixes)

    def find(self, uri: str) -> Location:
        """Check a URI and split it.

        Raises:
            LocationRefused: the URI is invalid or not under an allowed one, or the file format is unknown.
        """
        _check(uri)
        # The longest prefix wins: nested stores may have different permissions.
        for prefix in sorted(self._prefixes, key=len, reverse=True):
            if uri.startswith(prefix):
                names = tuple(uri.removeprefix(prefix).split("/"))
                if not names[-1].endswith(tuple(FORMAT_OF_SUFFIX)) or names[-1] in FORMAT_OF_SUFFIX:
                    raise LocationRefused(f"the file name must end with one of {', '.join(FORMAT_OF_SUFFIX)}")
                return Location(uri, prefix, names)
        if not self._prefixes:
            raise LocationRefused("no stores are configured here: upload the file instead")
        raise LocationRefused("the URI is not under a configured store")


def check_written_files(source: Location, output: Location) -> None:
    """Check the names of all files that a job will write, also those that are derived from its output.

    Raises:
        LocationRefused: A name is that of the input, or too long. The message names the file.
    """
    for written in output.written_files:
        name = written.names[-1]
        if written.is_same_file(source):
            raise LocationRefused(f"the job would write `{name}`, which is its `input`: choose another name")
        if len(name.encode()) > MAX_NAME_BYTES or len(written.uri.partition("://")[2].encode()) > MAX_PATH_BYTES:
            raise LocationRefused(
                f"the name is too long: the job also writes it with the ending {REFUSED_SUFFIX}, and a name may have "
                f"{MAX_NAME_BYTES} bytes, a path {MAX_PATH_BYTES}"
            )


def check_prefix(uri: str) -> str:
    """Return the URI of a store, with a trailing slash.

    Raises:
        LocationRefused: the URI cannot be a store.
    """
    prefix = uri if uri.endswith("/") else f"{uri}/"
    scheme = _check(prefix[:-1])
    if scheme in _NOT_SHARED:
        raise LocationRefused(f"{scheme}: not a storage that the API and its workers share")
    if scheme == "file" and not prefix.startswith("file:///"):
        raise LocationRefused("a local folder must be written as file:///FOLDER")
    return prefix


_NOT_SHARED: Final = frozenset({"memory", "data", "local"})


def _folded(uri: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", uri).casefold())


def _check(uri: str) -> str:
    match = _URI.fullmatch(uri) if len(uri) <= MAX_URI_CHARACTERS else None
    if match is None:
        raise LocationRefused(
            f"must be a URI such as s3://bucket/folder/houses.csv of up to {MAX_URI_CHARACTERS} characters, "
            "without credentials, spaces or any of ? # % *"
        )
    path = match["path"].removeprefix("/") if match["scheme"] == "file" else match["path"]
    # `::` chains file systems in fsspec.
    if "::" in uri or any(name in {"", ".", ".."} for name in path.split("/")):
        raise LocationRefused("the path must not contain empty segments, . or .. or ::")
    return match["scheme"]
