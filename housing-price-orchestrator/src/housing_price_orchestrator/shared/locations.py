"""Where the files of a job may be that are not sent along: below URIs that the operator has named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

FORMAT_OF_SUFFIX = {".csv": "csv", ".ndjson": "ndjson", ".parquet": "parquet"}
"""What a file is, by the end of its name."""
REFUSED_SUFFIX = ".refused.ndjson"
"""What the name of the file of refused rows has behind that of the result."""
MAX_URI = 1_000

# No login, no question, no fragment, nothing that is encoded or that is a pattern to somebody, no space.
_SIGNS = r"[^\s\x00-\x20\x7f?#%@\\*\[\]{}|<>\"^`]"
_URI = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]{{0,30}})://(?P<path>{_SIGNS}+)")


class LocationRefused(ValueError):
    """No file may be read or written there; the text, which does not repeat the URI, is for whoever asked for it."""


@dataclass(frozen=True)
class Location:
    """A file below an allowed URI."""

    uri: str
    prefix: str
    """The allowed URI that it is below; ends with a slash."""
    names: tuple[str, ...]
    """The folders between that and the file, and the file: none is empty, `.` or `..`."""

    @property
    def format(self) -> str:
        """csv, ndjson or parquet."""
        return FORMAT_OF_SUFFIX["." + self.uri.rpartition(".")[2]]


class AllowedLocations:
    """The URIs below which jobs may read and write."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        """Allow what is below `prefixes`, each checked by `checked_prefix`."""
        self._prefixes = tuple(prefixes)

    def find(self, uri: str) -> Location:
        """Check a URI.

        Raises:
            LocationRefused: it is none, or not below an allowed one, or its name does not say what it is; says why.
        """
        _check(uri)
        # The longest: two that lie in each other may have different rights.
        for prefix in sorted(self._prefixes, key=len, reverse=True):
            if uri.startswith(prefix):
                names = tuple(uri.removeprefix(prefix).split("/"))
                if not names[-1].endswith(tuple(FORMAT_OF_SUFFIX)) or names[-1] in FORMAT_OF_SUFFIX:
                    raise LocationRefused(f"the name must end with {', '.join(FORMAT_OF_SUFFIX)}")
                return Location(uri, prefix, names)
        if not self._prefixes:
            raise LocationRefused("files cannot be named here, only sent: no stores are configured")
        raise LocationRefused("it is not below one of the stores that are configured")


def checked_prefix(uri: str) -> str:
    """Give an allowed URI with a slash at its end.

    Raises:
        LocationRefused: it cannot be one.
    """
    prefix = uri if uri.endswith("/") else f"{uri}/"
    scheme = _check(prefix[:-1])
    if scheme in _NOT_SHARED:
        raise LocationRefused(f"{scheme} is nothing that the API and its workers share")
    if scheme == "file" and not prefix.startswith("file:///"):
        raise LocationRefused("a folder of this machine is written as file:///FOLDER")
    return prefix


_NOT_SHARED = frozenset({"memory", "data", "local"})


def _check(uri: str) -> str:
    match = _URI.fullmatch(uri) if len(uri) <= MAX_URI else None
    if match is None:
        raise LocationRefused(
            f"it must be a URI like s3://bucket/folder/houses.csv of up to {MAX_URI} characters, "
            "without a login, without ? # % * and without spaces"
        )
    path = match["path"].removeprefix("/") if match["scheme"] == "file" else match["path"]
    # `::` chains file systems to fsspec.
    if "::" in uri or any(name in {"", ".", ".."} for name in path.split("/")):
        raise LocationRefused("it must go straight down: no empty names, no . and .. and no ::")
    return match["scheme"]
