"""Contract of every store (local folder and fsspec), and the extra checks of the local folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.shared.errors import JobInputUnusable, JobStoreFailed
from housing_price_orchestrator.shared.locations import AllowedLocations, Location
from housing_price_orchestrator.worker.stores import transfer as transfers
from housing_price_orchestrator.worker.stores.folder import FolderStore
from housing_price_orchestrator.worker.stores.remote import FsspecStore
from housing_price_orchestrator.worker.stores.transfer import Store, Transfer

JOB = "0" * 32

type Place = Callable[[str], Location]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Place]]:
    if request.param == "folder":
        (tmp_path / "allowed" / "below").mkdir(parents=True)
        prefix = f"file://{tmp_path}/allowed/"
        yield FolderStore(), AllowedLocations([prefix]).find
        return
    files = fsspec.filesystem("memory")
    yield FsspecStore(), AllowedLocations(["memory://allowed/"]).find
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def place(find: Place, name: str) -> Location:
    """Return a location in the store under test."""
    allowed: AllowedLocations = find.__self__  # type: ignore[attr-defined]  # it is a bound method
    return find(allowed._prefixes[0] + name)


@pytest.mark.parametrize("name", ["a.csv", "below/b.csv"])
def test_a_written_file_is_complete_and_leaves_no_temporary_files(
    store: tuple[Store, Place], tmp_path: Path, name: str
) -> None:
    where, find = store
    location = place(find, name)
    made = tmp_path / "made"
    assert not where.exists(location)
    with pytest.raises(FileNotFoundError), where.open_file(location):
        pass
    for content in (b"first" * 1_000_000, b"second"):
        made.write_bytes(content)
        where.write(made, location)
        assert where.exists(location)
        with where.open_file(location) as file:
            assert file.read() == content
    if isinstance(where, FolderStore):
        assert [path.name for path in (tmp_path / "allowed").rglob("*.part")] == []
    else:
        assert [path for path in fsspec.filesystem("memory").find("/") if path.endswith(".part")] == []


def test_a_failed_write_leaves_no_file(store: tuple[Store, Place], tmp_path: Path) -> None:
    where, find = store
    with pytest.raises(FileNotFoundError):
        where.write(tmp_path / "missing", place(find, "a.csv"))
    assert not where.exists(place(find, "a.csv"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "allowed" / "real").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "houses.csv").write_text("secret")
    allowed = tmp_path / "allowed"
    (allowed / "link.csv").symlink_to(tmp_path / "secret" / "houses.csv")
    (allowed / "inside.csv").symlink_to(allowed / "real")
    (allowed / "out").symlink_to(tmp_path / "secret")
    (allowed / "folder.csv").mkdir()
    os.mkfifo(allowed / "pipe.csv")
    return allowed


def transfer_of(folder: Path, tmp_path: Path, limit: int = 1_000) -> Transfer:
    return Transfer(AllowedLocations([f"file://{folder}/"]), FolderJobFiles(tmp_path / "jobs"), max_file_bytes=limit)


@pytest.mark.parametrize("name", ["link.csv", "inside.csv", "out/houses.csv", "folder.csv", "pipe.csv", "real/no.csv"])
def test_only_regular_files_are_read_and_links_are_not_followed(folder: Path, tmp_path: Path, name: str) -> None:
    arguments = {"input": f"file://{folder}/{name}", "output": f"file://{folder}/new.csv"}
    with pytest.raises((JobStoreFailed, JobInputUnusable)) as failed:
        transfer_of(folder, tmp_path).fetch(JOB, arguments)
    assert "secret" not in str(failed.value)
    assert not list((tmp_path / "jobs").rglob("*.csv"))


def test_a_result_is_never_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "in.csv").write_text("x")
    transfer = transfer_of(folder, tmp_path)
    files = FolderJobFiles(tmp_path / "jobs")
    files.result_path(JOB, "csv").parent.mkdir(parents=True)
    files.result_path(JOB, "csv").write_text("prices")
    files.refused_path(JOB).write_text("refused")
    arguments = {"input": f"file://{folder}/in.csv", "output": f"file://{folder}/out/new.csv"}
    with pytest.raises(JobStoreFailed):
        transfer.deliver(JOB, arguments)
    assert [path.name for path in (tmp_path / "secret").iterdir()] == ["houses.csv"]
    # A link at the output location counts as an existing file. On delivery it is replaced, not followed.
    with pytest.raises(JobInputUnusable, match="already"):
        transfer.fetch(JOB, arguments | {"output": f"file://{folder}/link.csv"})
    transfer.deliver(JOB, arguments | {"output": f"file://{folder}/link.csv"})
    assert (tmp_path / "secret" / "houses.csv").read_text() == "secret"
    assert (folder / "link.csv").read_text() == "prices"
    assert (folder / "link.csv.refused.ndjson").read_text() == "refused"


def test_a_file_that_is_too_large_is_refused_and_leaves_no_copy(folder: Path, tmp_path: Path) -> None:
    (folder / "in.csv").write_bytes(b"x" * 1_001)
    arguments = {"input": f"file://{folder}/in.csv", "output": f"file://{folder}/new.csv"}
    with pytest.raises(JobInputUnusable, match="larger than 1000 bytes"):
        transfer_of(folder, tmp_path).fetch(JOB, arguments)
    assert not list((tmp_path / "jobs" / "work" / JOB).iterdir())


def test_the_worker_rejects_locations_from_the_queue_that_are_not_allowed(folder: Path, tmp_path: Path) -> None:
    transfer = transfer_of(folder, tmp_path)
    for wrong in (f"file://{tmp_path}/secret/houses.csv", f"file://{folder}/../secret/houses.csv", "s3://x/y.csv", 7):
        with pytest.raises(JobInputUnusable):
            transfer.formats_of({"input": wrong, "output": f"file://{folder}/new.csv"})


def test_a_store_failure_is_reported_without_the_stores_own_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Failing(FsspecStore):
        def exists(self, _: Location, /) -> bool:
            raise RuntimeError("password=hush")

    monkeypatch.setattr(transfers, "_store_of", lambda _: Failing())
    transfer = Transfer(AllowedLocations(["s3://b/"]), FolderJobFiles(tmp_path), max_file_bytes=1)
    with pytest.raises(JobStoreFailed) as failed:
        transfer.fetch(JOB, {"input": "s3://b/a.csv", "output": "s3://b/c.csv"})
    assert "hush" not in str(failed.value)
