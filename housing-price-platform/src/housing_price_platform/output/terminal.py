r"""Text of others, made safe for terminals and logs: no control characters, and no passwords in URLs.

A terminal obeys control characters in what it prints: a stored text such as `\x1b]0;...` can rename the window, hide
other output or imitate it. Only the standard library is used, so that every program can import this module.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

_CONTROL: Final = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL and C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the direction of the text
    r"\u2028\u2029"  # other line ends
    r"\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible annotations and tags
    r"\ud800-\udfff]"  # half of a character: it cannot be printed at all
)
_COLOUR: Final = r"\x1b\[[0-9;:]*m"
_UNSAFE: Final = re.compile(_CONTROL)
_UNSAFE_OR_COLOUR: Final = re.compile(f"{_COLOUR}|{_CONTROL}")

HIDDEN: Final = "***"
_USER: Final = re.compile(r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*://)([^\s\"'<>@:/?#]*)(:[^\s\"<>]*)?@", re.IGNORECASE)
"""User and password of a URL. The password may hold characters that should have been encoded, such as `/` and `@`."""
_PARAMETER: Final = re.compile(
    r"\b([\w.-]*(?:password|passwd|passphrase|secret|token|signature|credential|api[_-]?key)=)(?!\*)"
    r"('[^'\n]*'|[^\s&#\"'<>,;)\]}]+)",
    re.IGNORECASE,
)
"""A secret in a query (`?password=...`) or in the connection text of a database (`host=... password=...`)."""


def printable(text: str, *, keep_colours: bool = False) -> str:
    r"""Replace each control character by its visible escape, such as `\x1b`; line feeds and tabs stay.

    Args:
        text: Any text.
        keep_colours: Whether to keep the sequences that only change colours and weight, for the output of programs.
    """
    return (_UNSAFE_OR_COLOUR if keep_colours else _UNSAFE).sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if len(character) > 1:
        return character  # a colour
    return character.encode("unicode_escape").decode()


def printable_json(text: str) -> str:
    """Write the control characters in a JSON document as JSON escapes. The document stays the same."""
    return text if text.isascii() else _UNSAFE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def redact(text: str) -> str:
    """Hide the passwords and tokens of all URLs and database addresses in a text."""
    if "://" in text:
        text = _USER.sub(_hide_user, text)
    return _PARAMETER.sub(rf"\1{HIDDEN}", text) if "=" in text else text


def _hide_user(found: re.Match[str]) -> str:
    scheme, user, password = found.groups()
    if password is not None:
        return f"{scheme}{user}:{HIDDEN}@"
    # Without a password, the user of a web address is often a token.
    return f"{scheme}{HIDDEN}@" if scheme.lower().startswith("http") else found.group()


def has_unencoded_password(url: str) -> bool:
    """Return whether the password of a URL holds characters that end it, such as `/`, `#` or `@`."""
    found = _USER.match(url)
    return found is not None and re.search(r"[/?#\[\]@]", found.group(3) or "") is not None


def clean(text: object) -> str:
    """Return a text for a terminal or a log: without passwords in URLs and without control characters."""
    return printable(redact(str(text)))


def echo(text: object, *, err: bool = False) -> None:
    """Print a text of any origin, and a line feed."""
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{clean(text)}\n")
    stream.flush()


class CleanStream:
    """A text stream that cleans what is written to it, except for colours. Everything else is the stream's own."""

    def __init__(self, trusted: TextIO) -> None:
        """Write to `trusted`, which those use that clean their output themselves."""
        self.trusted = trusted

    def write(self, text: str) -> int:
        """Write the cleaned text; returns the length of the original."""
        self.trusted.write(printable(redact(text), keep_colours=True))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trusted, name)


@contextmanager
def clean_output() -> Iterator[None]:
    """Clean all that this process prints inside the context, including logs and tracebacks of libraries."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", CleanStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def trusted(stream: TextIO) -> TextIO:
    """Return the stream behind a `CleanStream`."""
    return stream.trusted if isinstance(stream, CleanStream) else stream
