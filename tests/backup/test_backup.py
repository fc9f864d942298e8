"""`housing-price backup` and `restore` on folders with real databases, which other threads use meanwhile."""

import gzip
import io
import json
import os
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from housing_price.backup.archive import HEADER, MANIFEST
from housing_price.backup.create import back_up
from housing_price.cli import app
from housing_price.stack.state import State

from ..running import wait_until

type Files = dict[str, bytes]


def run(*arguments: object) -> str:
    """Run a command that succeeds; returns what it prints."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*arguments: object) -> str:
    """Run a command that fails with one line, which is returned."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 1, result.output
    (line,) = result.output.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


def make_database(file: Path, *, mode: str = "wal") -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("CREATE TABLE numbers (n INTEGER)")
    connection.execute("INSERT INTO numbers VALUES (1)")
    return connection


def numbers_in(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state folder whose databases are open in other connections, with rows that only the WAL file has."""
    folder = tmp_path / "state"
    state = State(folder)
    for path in (state.artifacts / "1" / "model", state.job_files / "workers", state.candidates, state.data):
        path.mkdir(parents=True)
    (state.artifacts / "1" / "model" / "graph.onnx").write_bytes(bytes(range(256)) * 50)
    (state.artifacts / "1" / "copy.onnx").hardlink_to(state.artifacts / "1" / "model" / "graph.onnx")
    (state.job_files / "a.csv").write_text("a file of a job\n")
    (state.job_files / "a.csv").chmod(0o640)
    (state.job_files / "workers" / "local.lock").write_text("1")
    (state.data / "not SQL.db").write_text("a file whose name ends like that of a database")
    (state.folder / "lock").write_text("")
    opened = [
        make_database(state.database, mode="delete"),
        make_database(state.predictions),
        make_database(state.jobs),
    ]
    yield folder
    for connection in opened:
        connection.close()


def test_a_backup_of_databases_in_use_is_restored_elsewhere(folder: Path, tmp_path: Path) -> None:
    backup, elsewhere = tmp_path / "b.tar.gz", tmp_path / "new" / "place"
    assert (folder / "jobs.db-wal").stat().st_size
    assert f"to {backup}: 8 files, " in run("backup", backup, "--state-dir", folder)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "Restored the backup of 20" in run("restore", backup, "--state-dir", elsewhere)
    for name in ("mlflow.db", "predictions.db", "jobs.db"):
        assert numbers_in(elsewhere / name) == [1]
    for name in ("artifacts/1/model/graph.onnx", "artifacts/1/copy.onnx", "jobs/a.csv", "data/not SQL.db"):
        assert (elsewhere / name).read_bytes() == (folder / name).read_bytes()
        assert (elsewhere / name).stat().st_nlink == 1
    assert stat.S_IMODE((elsewhere / "jobs/a.csv").stat().st_mode) == 0o640
    assert int((elsewhere / "jobs/a.csv").stat().st_mtime) == int((folder / "jobs/a.csv").stat().st_mtime)
    assert (elsewhere / "candidates").is_dir()
    assert {path.name for path in elsewhere.parent.iterdir()} == {"place"}


def test_a_backup_leaves_nothing_in_the_state_folder(folder: Path, tmp_path: Path) -> None:
    (folder / ".backup-of-a-killed-one").mkdir()
    before = {path.name for path in folder.iterdir()} - {".backup-of-a-killed-one"}
    run("backup", tmp_path, "--state-dir", folder)
    assert {path.name for path in folder.iterdir()} - before == {".backup.lock"}
    (written,) = tmp_path.glob("housing-price-*.tar.gz")
    with tarfile.open(written) as archive:
        names = archive.getnames()
    assert (names[0], names[-1]) == (HEADER, MANIFEST)
    assert not any(".backup" in name or name.endswith(("-wal", "-shm", "/lock")) for name in names)


def test_a_backup_under_constant_writes_has_the_state_of_one_moment(folder: Path, tmp_path: Path) -> None:
    """A worker writes a file and then its checkpoint; each checkpoint in the backup has its file."""
    state, is_over, written = State(folder), threading.Event(), threading.Event()

    def work() -> None:
        with closing(sqlite3.connect(state.jobs, isolation_level=None, timeout=30)) as connection:
            number = 2
            # The pause is the time that a worker needs for a step.
            while not is_over.wait(0.005):
                (state.job_files / f"part-{number}").write_text(str(number))
                connection.execute("INSERT INTO numbers VALUES (?)", (number,))
                # Like a worker that has used a part, and whose next checkpoint says so.
                (state.job_files / f"part-{number - 20}").unlink(missing_ok=True)
                number += 1
                if number > 50:
                    written.set()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert written.wait(30)
        run("backup", tmp_path / "b.tar.gz", "--state-dir", folder)
    finally:
        is_over.set()
        worker.join()
    run("restore", tmp_path / "b.tar.gz", "--state-dir", tmp_path / "new")
    last = numbers_in(tmp_path / "new" / "jobs.db")[-1]
    restored = {int(path.name.removeprefix("part-")) for path in (tmp_path / "new" / "jobs").glob("part-*")}
    # The interrupted step may have written its part, or not yet removed the oldest.
    assert set(range(last - 19, last + 1)) <= restored <= set(range(last - 20, last + 2))


def test_links_are_followed_to_files_and_other_things_are_left_out(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("linked")
    (folder / "data" / "link.csv").symlink_to(outside)
    (folder / "data" / "folder").symlink_to(tmp_path)
    (folder / "data" / "gone").symlink_to(tmp_path / "none")
    os.mkfifo(folder / "data" / "pipe")
    printed = run("backup", tmp_path / "b.tar.gz", "--state-dir", folder)
    left_out = {line.split()[1] for line in printed.splitlines() if line.startswith("warning: ")}
    assert left_out == {"data/folder", "data/gone", "data/pipe"}
    run("restore", tmp_path / "b.tar.gz", "--state-dir", tmp_path / "new")
    assert {path.name for path in (tmp_path / "new" / "data").iterdir()} == {"link.csv", "not SQL.db"}
    assert not (tmp_path / "new" / "data" / "link.csv").is_symlink()


def test_parts_of_the_state_in_other_places_are_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_JOBS__DATABASE_URL", "postgresql://me:hunter2@db/jobs")
    printed = run("backup", tmp_path / "b.tar.gz", "--state-dir", folder)
    assert "warning: the jobs database may be elsewhere (ORCHESTRATOR_JOBS__DATABASE_URL is set)" in printed
    assert "hunter2" not in printed


def test_there_must_be_a_state_to_back_up(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for missing in ("none", "empty"):
        assert "has no state of `housing-price up`" in refusal(
            "backup", tmp_path / "b", "--state-dir", tmp_path / missing
        )
    assert not (tmp_path / "b").exists()


def test_a_backup_replaces_nothing_and_stays_out_of_the_state_folder(folder: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert refusal("backup", taken, "--state-dir", folder) == f"{taken} exists: choose another name"
    assert taken.read_text() == "mine"
    assert "is inside the state folder" in refusal("backup", folder / "b", "--state-dir", folder)
    assert "No such file or directory" in refusal("backup", tmp_path / "none" / "b", "--state-dir", folder)


@pytest.mark.parametrize("name", ["mlflow.db", "predictions.db", "jobs.db"])
@pytest.mark.parametrize("damage", [lambda _: b"x" * 5000, lambda content: content[:4096] + b"\xff" * 4096])
def test_a_damaged_database_is_not_backed_up(
    name: str, damage: Callable[[bytes], bytes], folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "damaged"
    run("backup", tmp_path / "b.tar.gz", "--state-dir", folder)
    run("restore", tmp_path / "b.tar.gz", "--state-dir", elsewhere)
    (elsewhere / name).write_bytes(damage((elsewhere / name).read_bytes()))
    message = refusal("backup", tmp_path / "c.tar.gz", "--state-dir", elsewhere)
    assert message.startswith(f"{elsewhere / name} is damaged (")
    assert not (tmp_path / "c.tar.gz").exists()


def test_a_database_that_stays_locked_is_reported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing_price.backup.snapshot._LOCK_WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(folder / "jobs.db", isolation_level=None)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        assert "jobs.db stays locked by another process" in refusal("backup", tmp_path / "b", "--state-dir", folder)


def test_two_backups_do_not_run_at_the_same_time(folder: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(folder / "jobs.db", isolation_level=None)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        first = threading.Thread(target=back_up, args=(State(folder), tmp_path / "a"))
        first.start()
        wait_until(lambda: list(folder.glob(".backup-*")), 30, "the first backup has begun")
        assert refusal("backup", tmp_path / "b", "--state-dir", folder) == f"another backup of {folder} is running"
        locking.execute("ROLLBACK")
    first.join(30)
    assert (tmp_path / "a").is_file()


@pytest.fixture
def backup(folder: Path, tmp_path: Path) -> Path:
    run("backup", tmp_path / "b.tar.gz", "--state-dir", folder)
    return tmp_path / "b.tar.gz"


def test_a_state_is_replaced_only_on_request_and_then_kept(folder: Path, backup: Path) -> None:
    (folder / "jobs" / "later.csv").write_text("x")
    assert f"{folder} has a state: " in refusal("restore", backup, "--state-dir", folder)
    assert (folder / "jobs" / "later.csv").exists()
    printed = run("restore", backup, "--state-dir", folder, "--replace")
    (kept,) = folder.parent.glob("state.before-*")
    assert f"The earlier state is in {kept}." in printed
    assert (kept / "jobs" / "later.csv").exists()
    assert not (folder / "jobs" / "later.csv").exists()
    assert numbers_in(folder / "jobs.db") == [1]


def test_an_empty_folder_needs_no_request(backup: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    target.mkdir()
    (target / "lock").write_text("")
    run("restore", backup, "--state-dir", target)
    assert numbers_in(target / "jobs.db") == [1]


def test_the_folder_of_a_running_stack_is_not_replaced(folder: Path, backup: Path) -> None:
    with State(folder).lock({"pid": 42, "ports": {}}):
        message = refusal("restore", backup, "--state-dir", folder, "--replace")
    assert "another `housing-price up` (process 42) uses" in message


def assert_nothing_is_restored(archive: Path, said: str) -> None:
    target = archive.parent / "new"
    before = {path for path in archive.parent.rglob("*") if path.is_file()}
    assert said in refusal("restore", archive, "--state-dir", target)
    assert {path for path in archive.parent.rglob("*") if path.is_file()} == before
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive at all", gzip.compress(b"no tar file" * 1000)],
    ids=["empty", "text", "compressed text"],
)
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    assert_nothing_is_restored(other, "is not a backup of `housing-price backup`")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert_nothing_is_restored(tmp_path / "none", "none cannot be read: No such file or directory")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_backup_without_its_end_is_refused(share: float, backup: Path) -> None:
    content = backup.read_bytes()
    backup.write_bytes(content[: int(len(content) * share)])
    assert_nothing_is_restored(backup, "backup")


@pytest.mark.parametrize("at", [0.2, 0.4, 0.6, 0.8])
def test_a_backup_with_a_changed_byte_is_refused(at: float, backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[int(len(content) * at)] ^= 0xFF
    backup.write_bytes(content)
    assert_nothing_is_restored(backup, "is damaged, nothing was restored")


type Member = tuple[tarfile.TarInfo, bytes]


def rewritten(backup: Path, change: Callable[[list[Member]], list[Member]]) -> None:
    """Change the members of a backup."""
    with tarfile.open(backup) as archive:
        members = [
            (member, file.read() if (file := archive.extractfile(member)) else b"") for member in archive.getmembers()
        ]
    with tarfile.open(backup, "w:gz") as archive:
        for member, content in change(members):
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def regular(name: str, content: bytes = b"x") -> Member:
    return tarfile.TarInfo(name), content


def of_type(name: str, kind: bytes, link: str = "") -> Member:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member, b""


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (regular("../evil"), "outside the state folder"),
        (regular("/etc/evil"), "outside the state folder"),
        (regular("state/../../evil"), "outside the state folder"),
        (regular("state/./a"), "outside the state folder"),
        (regular("evil"), "outside the state folder"),
        (regular("state"), "outside the state folder"),
        (of_type("state/up", tarfile.SYMTYPE, "/etc"), "neither a file nor a folder"),
        (of_type("state/hard", tarfile.LNKTYPE, "/etc/passwd"), "neither a file nor a folder"),
        (of_type("state/device", tarfile.CHRTYPE), "neither a file nor a folder"),
        (of_type("state/pipe", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (of_type("../folder", tarfile.DIRTYPE), "outside the state folder"),
        (regular("state/jobs.db"), "two members"),
        (regular("state/jobs.db/a"), "two members"),
        (regular("state/unlisted"), "differs from its digest"),
    ],
)
def test_a_member_that_no_backup_has_is_refused(added: Member, said: str, backup: Path) -> None:
    rewritten(backup, lambda members: [*members[:-1], added, members[-1]])
    assert_nothing_is_restored(backup, said)
    assert not (backup.parent / "evil").exists()


def changed_document(member: Member, **changes: object) -> Member:
    return member[0], json.dumps(json.loads(member[1]) | changes).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda members: members[:-1], "its end is missing"),
        (lambda members: members[1:], "is not a backup of `housing-price backup`"),
        (lambda members: [*members, regular("state/late")], "content behind its end"),
        (lambda members: [members[0], *members[2:]], "is missing"),
        (lambda members: [changed_document(members[0], format=2), *members[1:]], "has the format 2, and this release"),
        (lambda members: [(members[0][0], b"[]"), *members[1:]], "is not a JSON object"),
        (lambda members: [*members[:-1], changed_document(members[-1], sha256=[])], "is not a JSON object"),
        (lambda members: [*members[:-1], (members[-1][0], b"{}")], "sha256"),
        (lambda members: [*members[:-1], (members[-1][0], b"{")], "is damaged"),
    ],
)
def test_a_backup_whose_lists_are_wrong_is_refused(
    change: Callable[[list[Member]], list[Member]], said: str, backup: Path
) -> None:
    def without_folders(members: list[Member]) -> list[Member]:
        return [member for member in members if not member[0].isdir()]

    rewritten(backup, lambda members: change(without_folders(members)))
    assert_nothing_is_restored(backup, said)
