"""Reads of files that are missing, too large or damaged."""

import json
from pathlib import Path

import pytest

from housing_price_platform.files import DamagedFile, FileTooLarge, read_document, read_if_exists


def test_a_missing_file_is_read_as_none(tmp_path: Path) -> None:
    assert read_if_exists(tmp_path / "document") is None
    (tmp_path / "document").write_bytes(b"content")
    assert read_if_exists(tmp_path / "document") == b"content"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_if_exists(tmp_path)


def test_a_file_over_the_limit_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"12345")
    assert read_if_exists(path, max_bytes=5) == b"12345"
    with pytest.raises(FileTooLarge, match="document: larger than 4 bytes"):
        read_if_exists(path, max_bytes=4)


def test_a_document_is_parsed_and_a_missing_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "document"
    assert read_document(path, json.loads, remedy="delete it") is None
    path.write_text('{"a": 1}')
    assert read_document(path, json.loads, remedy="delete it") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\0" * 4096, "the file is empty"),
        (b'{"a": ', "Expecting value"),
        (b"\xff\xfe{", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"b": 1}', "missing key 'a'"),
        (b"7", "damaged"),
        (b"x" * 200_001, "larger than 200000 bytes"),
    ],
)
def test_a_damaged_document_is_named_with_the_reason_and_the_remedy(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "document"
    path.write_bytes(content)
    with pytest.raises(DamagedFile) as raised:
        read_document(path, lambda read: json.loads(read)["a"], remedy="delete it", max_bytes=200_000)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert message.endswith(": delete it")
    assert len(message.splitlines()) == 1


def test_a_document_that_cannot_be_read_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="cannot be read"):
        read_document(tmp_path, json.loads, remedy="delete it")
