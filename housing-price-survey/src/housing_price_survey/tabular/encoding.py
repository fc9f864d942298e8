"""Recognises files that are not text in UTF-8, to say what they are."""

from typing import Final

from housing_price_survey.tabular.errors import UnusableFile

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""The mark of UTF-8, which some programs write at the start of a file."""

_UTF_16: Final = "is encoded as UTF-16. Save it as UTF-8"
_UTF_32: Final = "is encoded as UTF-32. Save it as UTF-8"
_COMPRESSED: Final = "is compressed ({}). Unpack it first"

# The marks of UTF-32 come first: they begin with those of UTF-16.
_SIGNATURES: Final = (
    (b"\xff\xfe\x00\x00", _UTF_32),
    (b"\x00\x00\xfe\xff", _UTF_32),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
    (b"PAR1", "is a Parquet file. Submit it as Parquet"),
    (b"PK\x03\x04", "is a ZIP archive, perhaps an Excel workbook. Save it as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook. Save it as CSV in UTF-8"),
    (b"\x1f\x8b", _COMPRESSED.format("gzip")),
    (b"BZh", _COMPRESSED.format("bzip2")),
    (b"\xfd7zXZ", _COMPRESSED.format("xz")),
    (b"\x28\xb5\x2f\xfd", _COMPRESSED.format("zstd")),
)

HEAD_BYTES: Final = 4096
"""Length of the part of a file that is examined."""


def check_encoding(head: bytes, subject: str = "The file") -> None:
    """Check that the first bytes of a file can be text in UTF-8; rows are checked as they are read.

    Raises:
        UnusableFile: The file has another encoding or another format; the message begins with `subject`.
    """
    for signature, reason in _SIGNATURES:
        if head.startswith(signature):
            raise UnusableFile(f"{subject} {reason}.")
    # In UTF-16 without a mark, every second byte of English text is zero.
    if max(head[::2].count(0), head[1::2].count(0)) > len(head) // 4:
        raise UnusableFile(f"{subject} {_UTF_32 if head.count(0) > len(head) * 5 // 8 else _UTF_16}.")


def not_utf_8(error: UnicodeDecodeError) -> str:
    """Describe bytes that are not UTF-8."""
    byte = error.object[error.start]
    return f"not UTF-8: byte 0x{byte:02x} at position {error.start}. Perhaps Latin-1 or Windows-1252: save as UTF-8"
