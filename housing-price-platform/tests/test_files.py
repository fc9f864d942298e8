"""Atomic writes and tolerant reads."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from housing_price_platform import files
from housing_price_platform.files import FileTooLarge, read_if_exists, write_atomically


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "document"
    for content in (b"first" * 100_000, b"second"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_function_may_write_the_content(tmp_path: Path) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"one ")
        file.write(b"two")

    write_atomically(tmp_path / "document", write)
    assert (tmp_path / "document").read_bytes() == b"one two"


def test_a_failed_write_keeps_the_old_content_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half of the ")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, write)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_see_no_temporary_content_before_the_mode_is_set(tmp_path: Path) -> None:
    seen = []

    def write(_file: BinaryIO) -> None:
        (temporary,) = tmp_path.iterdir()
        seen.append((mode_of(temporary), temporary.name.startswith(".document.")))

    write_atomically(tmp_path / "document", write)
    assert seen == [(0o600, True)]


@pytest.mark.parametrize("mode", [files.OWNER_ONLY, files.READABLE, 0o640])
def test_a_file_has_the_given_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "document", b"", mode=mode)
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "document") == mode


def test_a_file_is_for_its_owner_only_unless_told_otherwise(tmp_path: Path) -> None:
    write_atomically(tmp_path / "document", b"")
    assert mode_of(tmp_path / "document") == 0o600


def test_missing_folders_are_created_on_request_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "document"
    with pytest.raises(FileNotFoundError):
        write_atomically(path, b"")
    write_atomically(path, b"content", parents=True)
    assert path.read_bytes() == b"content"


def test_a_name_of_maximum_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 255)
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize(("is_durable", "synced"), [(True, ["file", "folder"]), (False, [])])
def test_a_durable_write_syncs_the_file_and_then_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_durable: bool, synced: list[str]
) -> None:
    found = []

    def fsync(descriptor: int) -> None:
        found.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "document", b"content", is_durable=is_durable)
    assert found == synced


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
