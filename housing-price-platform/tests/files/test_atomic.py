"""Writes that replace a file as a whole, with unnamed files and where the file system has none."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from housing_price_platform import files
from housing_price_platform.files import is_temporary, new_file, write_atomically
from small_disk import SmallDisk

pytestmark = pytest.mark.usefixtures("has_unnamed_files")


@pytest.fixture(params=[True, False], ids=["unnamed", "named"])
def has_unnamed_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(new_file, "_open_unnamed", lambda *_: None)
    return bool(request.param)


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


def test_others_see_nothing_of_a_file_that_is_being_written(tmp_path: Path, has_unnamed_files: bool) -> None:
    seen: list[object] = []

    def write(_file: BinaryIO) -> None:
        seen.extend((mode_of(path), path.name.startswith(".document.")) for path in tmp_path.iterdir())

    write_atomically(tmp_path / "document", write, mode=files.READABLE)
    # Without a name, or with a name of its own for the owner only.
    assert seen == ([] if has_unnamed_files else [(0o600, True)])


def test_a_killed_writer_leaves_no_temporary_file(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from housing_price_platform.files import write_atomically\n"
        "def write(file):\n"
        "    file.write(b'x' * 1_000_000)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(Path(sys.argv[1]), write)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "document")], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    if hasattr(os, "O_TMPFILE"):
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_old_content_and_leaves_nothing_behind(
    small_disk: SmallDisk, has_unnamed_files: bool
) -> None:
    path = small_disk.folder / "document"
    write_atomically(path, b"old")
    small_disk.fill()
    for content in (b"new" * 10_000, lambda file: file.write(b"new" * 10_000)):
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, content)
    assert path.read_bytes() == b"old"
    assert small_disk.names() == ["document"]
    small_disk.free()
    write_atomically(path, b"new" * 10_000)
    assert path.read_bytes() == b"new" * 10_000
    assert has_unnamed_files in {True, False}


def test_a_write_waits_for_space(small_disk: SmallDisk) -> None:
    small_disk.fill()
    attempts: list[object] = []

    def write(file: BinaryIO) -> None:
        attempts.append(len(attempts))
        if len(attempts) == 2:
            small_disk.free()
        file.write(b"new" * 10_000)
        file.flush()

    write_atomically(small_disk.folder / "document", write, retry_seconds=60)
    assert len(attempts) in {2, 3}
    assert (small_disk.folder / "document").read_bytes() == b"new" * 10_000


def test_only_temporary_errors_are_tried_again(tmp_path: Path) -> None:
    attempts: list[object] = []

    def write(_file: BinaryIO) -> None:
        attempts.append(1)
        raise PermissionError(errno.EPERM, "no")

    with pytest.raises(PermissionError):
        write_atomically(tmp_path / "document", write, retry_seconds=60)
    assert len(attempts) == 1
    assert not is_temporary(ValueError())
    assert is_temporary(OSError(errno.EDQUOT, "quota"))


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


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "語" * 85])
def test_a_name_of_maximum_length_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
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
