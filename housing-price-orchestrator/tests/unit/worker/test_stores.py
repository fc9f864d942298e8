"""Contract of every store (local folder and fsspec), and the extra checks of the local folder."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.folder_store import FolderStore
from housing_price_orchestrator.shared.errors import JobInputUnusable, JobOutputTaken, JobStoreFailed
from housing_price_orchestrator.shared.locations import AllowedLocations, Location
from housing_price_orchestrator.worker.stores import remote
from housing_price_orchestrator.worker.stores import transfer as transfers
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


def content_of(where: Store, location: Location) -> bytes:
    with where.open_file(location) as file:
        return file.read()


@pytest.mark.parametrize("name", ["a.csv", "below/b.csv", "ä" * 120 + ".csv"])
def test_a_created_file_is_complete_and_leaves_no_temporary_files(
    store: tuple[Store, Place], tmp_path: Path, name: str
) -> None:
    where, find = store
    location = place(find, name)
    made = tmp_path / "made"
    assert not where.exists(location)
    with pytest.raises(FileNotFoundError), where.open_file(location):
        pass
    made.write_bytes(b"first" * 1_000_000)
    where.create(made, location)
    assert where.exists(location)
    assert content_of(where, location) == made.read_bytes()
    assert names_in(where, tmp_path) == [name.rpartition("/")[2]]


def test_an_existing_file_is_never_replaced(store: tuple[Store, Place], tmp_path: Path) -> None:
    where, find = store
    for name, content in (("first", b"somebody else's"), ("second", b"ours")):
        (tmp_path / name).write_bytes(content)
    where.create(tmp_path / "first", place(find, "a.csv"))
    with pytest.raises(FileExistsError):
        where.create(tmp_path / "second", place(find, "a.csv"))
    assert content_of(where, place(find, "a.csv")) == b"somebody else's"
    assert names_in(where, tmp_path) == ["a.csv"]
    where.remove(place(find, "a.csv"))
    assert not where.exists(place(find, "a.csv"))


def test_of_many_that_create_one_name_at_the_same_time_one_succeeds(store: tuple[Store, Place], tmp_path: Path) -> None:
    where, find = store
    if not isinstance(where, FolderStore):
        pytest.skip("the file system in memory checks and creates in two steps")
    made = [tmp_path / str(number) for number in range(16)]
    for path in made:
        path.write_bytes(path.name.encode() * 100_000)

    def create(path: Path) -> Path | None:
        try:
            where.create(path, place(find, "a.csv"))
        except FileExistsError:
            return None
        return path

    with ThreadPoolExecutor(16) as threads:
        (winner,) = filter(None, threads.map(create, made))
    assert content_of(where, place(find, "a.csv")) == winner.read_bytes()


def test_a_failed_creation_leaves_no_file(store: tuple[Store, Place], tmp_path: Path) -> None:
    where, find = store
    with pytest.raises(FileNotFoundError):
        where.create(tmp_path / "missing", place(find, "a.csv"))
    assert not where.exists(place(find, "a.csv"))
    assert names_in(where, tmp_path) == []


def names_in(where: Store, tmp_path: Path) -> list[str]:
    if isinstance(where, FolderStore):
        return [path.name for path in (tmp_path / "allowed").rglob("*") if path.is_file()]
    return [path.rpartition("/")[2] for path in fsspec.filesystem("memory").find("/")]


class ConditionalStore(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Answers like S3: `put_file(mode="create")` is atomic and fails with an error of its own."""

    protocol = "s3"
    cachable = False
    written_meanwhile: ClassVar[bytes | None] = None
    modes: ClassVar[list[str]] = []

    def put_file(self, lpath: str, rpath: str, callback: object = None, mode: str = "overwrite", **_: object) -> None:
        self.modes.append(mode)
        if self.written_meanwhile is not None:
            self.pipe_file(rpath, self.written_meanwhile)
            raise OSError(22, "PreconditionFailed")
        self.pipe_file(rpath, Path(lpath).read_bytes())


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ConditionalStore]]:
    monkeypatch.setattr(remote, "_filesystem_of", lambda location: (ConditionalStore(), location.uri.partition(":")[2]))
    monkeypatch.setattr(ConditionalStore, "modes", [])
    yield ConditionalStore
    ConditionalStore.store.clear()


def test_an_object_store_is_asked_to_create_only(s3: type[ConditionalStore], tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"ours")
    location = AllowedLocations(["s3://b/"]).find("s3://b/a.csv")
    FsspecStore().create(tmp_path / "made", location)
    assert s3.modes == ["create"]
    assert content_of(FsspecStore(), location) == b"ours"


def test_an_object_that_appears_during_the_upload_is_not_replaced(
    s3: type[ConditionalStore], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(s3, "written_meanwhile", b"somebody else's")
    (tmp_path / "made").write_bytes(b"ours")
    location = AllowedLocations(["s3://b/"]).find("s3://b/a.csv")
    with pytest.raises(FileExistsError):
        FsspecStore().create(tmp_path / "made", location)
    assert content_of(FsspecStore(), location) == b"somebody else's"


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


@pytest.fixture
def results(tmp_path: Path) -> FolderJobFiles:
    """Files of a job that is ready for delivery."""
    files = FolderJobFiles(tmp_path / "jobs")
    files.result_path(JOB, "csv").parent.mkdir(parents=True)
    files.result_path(JOB, "csv").write_text("prices")
    files.result_path(JOB, "ndjson").write_text("prices")
    files.refused_path(JOB).write_text("refused")
    return files


def content_below(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.usefixtures("results")
def test_a_result_is_never_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "in.csv").write_text("x")
    transfer = transfer_of(folder, tmp_path)
    arguments = {"input": f"file://{folder}/in.csv", "output": f"file://{folder}/out/new.csv"}
    with pytest.raises(JobStoreFailed):
        transfer.deliver(JOB, arguments)
    assert [path.name for path in (tmp_path / "secret").iterdir()] == ["houses.csv"]
    # A link at the output location counts as an existing file, wherever it leads.
    (folder / "nowhere.csv").symlink_to(tmp_path / "nowhere")
    for name in ("link.csv", "nowhere.csv"):
        link = arguments | {"output": f"file://{folder}/{name}"}
        for use in (transfer.fetch, transfer.deliver):
            with pytest.raises(JobOutputTaken):
                use(JOB, link)
    assert (tmp_path / "secret" / "houses.csv").read_text() == "secret"
    assert (folder / "link.csv").is_symlink()
    assert not (tmp_path / "nowhere").exists()
    assert not list(folder.glob("*.refused.ndjson"))


@pytest.mark.parametrize("taken", ["new.csv", "new.csv.refused.ndjson"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
@pytest.mark.usefixtures("results")
def test_every_name_that_a_job_writes_is_checked_before_it_starts(
    folder: Path, tmp_path: Path, taken: str, kind: str
) -> None:
    (folder / "in.csv").write_text("x")
    match kind:
        case "file":
            (folder / taken).write_text("somebody else's")
        case "folder":
            (folder / taken).mkdir()
        case _:
            (folder / taken).symlink_to("nowhere")
    before = content_below(folder)
    transfer = transfer_of(folder, tmp_path)
    arguments = {"input": f"file://{folder}/in.csv", "output": f"file://{folder}/new.csv"}
    with pytest.raises(JobOutputTaken, match=f"/{taken} already exists"):
        transfer.fetch(JOB, arguments)
    # Also when it appears while the job runs: nothing is replaced, and nothing of the job stays.
    with pytest.raises(JobOutputTaken, match=f"/{taken} already exists"):
        transfer.deliver(JOB, arguments)
    assert content_below(folder) == before


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("june.csv.refused.ndjson", "june.csv"),
        ("JUNE.CSV.refused.ndjson", "june.csv"),
        ("June.csv", "june.csv"),
        ("caf\u00e9.csv", "cafe\u0301.csv"),
        ("june.csv", "june.csv"),
    ],
)
@pytest.mark.usefixtures("results")
def test_a_job_never_writes_to_its_input(folder: Path, tmp_path: Path, source: str, output: str) -> None:
    (folder / source).write_text("input")
    before = content_below(folder)
    transfer = transfer_of(folder, tmp_path)
    arguments = {"input": f"file://{folder}/{source}", "output": f"file://{folder}/{output}"}
    with pytest.raises(JobInputUnusable, match="which is its `input`"):
        transfer.fetch(JOB, arguments)
    assert content_below(folder) == before


@pytest.mark.usefixtures("results")
def test_a_repeated_delivery_accepts_what_the_interrupted_one_has_written(folder: Path, tmp_path: Path) -> None:
    transfer = transfer_of(folder, tmp_path)
    arguments = {"input": f"file://{folder}/in.csv", "output": f"file://{folder}/new.csv"}
    (folder / "new.csv.refused.ndjson").write_text("refused")
    for _ in range(2):
        transfer.deliver(JOB, arguments)
        delivered = {path.name: path.read_text() for path in folder.glob("new.csv*")}
        assert delivered == {"new.csv": "prices", "new.csv.refused.ndjson": "refused"}


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
