"""Creation of files that replaces nothing."""

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from housing_price_platform.files import create_file, new_file
from small_disk import SmallDisk

type Create = Callable[[str, bytes], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


@pytest.fixture(params=["unnamed", "named", "no-links", "unnamed-no-links"])
def create(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Create]:
    """Create files as each kind of file system allows."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "this file system has no hard links")

    if request.param in {"named", "no-links"}:
        monkeypatch.setattr(new_file, "_open_unnamed", lambda *_: None)
    if request.param.endswith("no-links"):
        monkeypatch.setattr(os, "link", refuse)
    descriptor = os.open(folder, os.O_RDONLY)

    def made(name: str, content: bytes) -> None:
        create_file(descriptor, name, lambda file: file.write(content))

    yield made
    os.close(descriptor)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_has_its_content_and_the_usual_mode(create: Create, folder: Path) -> None:
    create("a", b"content" * 100_000)
    (folder / "usual").touch()
    assert (folder / "a").read_bytes() == b"content" * 100_000
    assert (folder / "a").stat().st_mode == (folder / "usual").stat().st_mode
    assert (folder / "a").stat().st_nlink == 1
    assert names_in(folder) == ["a", "usual"]


@pytest.mark.parametrize("kind", ["file", "empty", "folder", "link", "dangling"])
def test_an_existing_name_is_left_as_it_is(create: Create, folder: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    match kind:
        case "file" | "empty":
            (folder / "a").write_text("old" if kind == "file" else "")
        case "folder":
            (folder / "a").mkdir()
        case "link" | "dangling":
            if kind == "link":
                target.write_text("old")
            (folder / "a").symlink_to(target)
    before = (folder / "a").lstat()
    with pytest.raises(FileExistsError):
        create("a", b"new")
    after = (folder / "a").lstat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    assert target.exists() == (kind == "link")
    assert not target.exists() or target.read_text() == "old"
    assert names_in(folder) == ["a"]


def test_of_many_creators_of_one_name_one_succeeds(create: Create, folder: Path) -> None:
    def try_to_create(number: int) -> bool:
        try:
            create("a", str(number).encode() * 10_000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        succeeded = list(threads.map(try_to_create, range(8)))
    assert succeeded.count(True) == 1
    assert (folder / "a").read_bytes() == str(succeeded.index(True)).encode() * 10_000
    assert names_in(folder) == ["a"]


def test_a_failed_creation_leaves_nothing(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_file(descriptor, "a", fail)
    os.close(descriptor)
    assert names_in(folder) == []


@pytest.mark.parametrize("kind", ["unnamed", "named", "no-links"])
def test_a_full_disk_leaves_nothing(small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "this file system has no hard links")

    if kind != "unnamed":
        monkeypatch.setattr(new_file, "_open_unnamed", lambda *_: None)
    if kind == "no-links":
        monkeypatch.setattr(os, "link", refuse)
        # The content fits once but not twice, so its copy fails.
        (small_disk.folder / "half").write_bytes(b"x" * 500_000)
    else:
        small_disk.fill()
    descriptor = os.open(small_disk.folder, os.O_RDONLY)
    with pytest.raises(OSError, match="No space left"):
        create_file(descriptor, "a", lambda file: file.write(b"x" * 400_000))
    os.close(descriptor)
    assert set(small_disk.names()) <= {"half"}
