"""`housing-price score` says in one line what cannot be scored, and writes nothing then."""

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from typer.testing import CliRunner

from factories import houses_json
from housing_price.bulk.engines import spark, spark_ready
from housing_price.bulk.files.locations import deliver, find_input, find_output, local_input
from housing_price.cli import app
from housing_price.errors import BulkError
from servers import reserved_port

from .files import names_in, write_houses


def score(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["score", *options], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """A file of two houses."""
    return write_houses(tmp_path / "houses.ndjson", houses_json(2))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("missing.csv", "prices.csv"), "--input missing.csv: file not found"),
        (("folder.csv", "prices.csv"), "--input folder.csv: a folder, expected a file"),
        (("houses.xlsx", "prices.csv"), "--input houses.xlsx: the file name must end with one of .csv, .ndjson"),
        (("houses.ndjson", "prices.tsv"), "--output prices.tsv: the file name must end with one of .csv, .ndjson"),
        (("houses.ndjson", "prices"), "--output prices: the file name must end with one of .csv"),
        (("houses.ndjson", "nowhere/prices.csv"), "the folder nowhere does not exist"),
        (("houses.ndjson", "houses.ndjson"), "houses.ndjson exists: choose another name, or remove it"),
        (("houses.ndjson", "taken.csv"), "taken.csv.refused.ndjson exists: choose another name, or remove it"),
        (("houses.ndjson", f"{'x' * 250}.csv"), "the name is too long"),
        (("file://elsewhere/houses.csv", "prices.csv"), "a local file is written as file:///FOLDER/FILE"),
        (("s3://user:secret@bucket/houses.csv", "prices.csv"), "must be a URI such as s3://bucket/folder/houses.csv"),
        (("nosuch://bucket/houses.csv", "prices.csv"), "nosuch://bucket/houses.csv: the store failed (ValueError: "),
        (("empty.csv", "prices.csv"), "empty.csv: The file is empty"),
        (("blank.ndjson", "prices.csv"), "blank.ndjson: the file has no rows"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_export: Path,
    files: tuple[str, str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_houses(Path("houses.ndjson"), houses_json(2))
    for name in ("taken.csv.refused.ndjson", "empty.csv", "blank.ndjson"):
        Path(name).touch()
    Path("blank.ndjson").write_text("\n\n")
    Path("folder.csv").mkdir()
    before = names_in(tmp_path)
    status, text = score("--input", files[0], "--output", files[1], "--model", str(small_export))
    assert (status, len(text.splitlines())) == (1, 1), text
    assert text.startswith("housing-price: ")
    assert message in text
    assert "secret" not in text
    assert names_in(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--master", "spark://127.0.0.1:7077"), "--master is an option of --engine spark"),
        (("--engine", "spark", "--processes", "2"), "--processes is an option of --engine local"),
        (("--model", "nowhere"), "--model: nowhere: manifest.json not found; not an exported model"),
        (("--model", "models:/no"), "--model: models:/no: expected models:/NAME@ALIAS, models:/NAME/VERSION or "),
        (("--digest", "sha256:1"), "'sha256:1' is not a digest"),
        (("--digest", f"sha256:{'0' * 64}"), "rejected: its digest is sha256:"),
    ],
)
def test_options_that_cannot_be_used_are_an_error_in_one_line(
    tmp_path: Path, houses: Path, small_export: Path, options: tuple[str, ...], message: str
) -> None:
    output = tmp_path / "prices.csv"
    model = () if "--model" in options else ("--model", str(small_export))
    status, text = score("--input", str(houses), "--output", str(output), *model, *options)
    assert (status, len(text.splitlines())) == (1, 1), text
    assert message in text
    assert not output.exists()


class TestSpark:
    """What Spark needs is checked before Java starts, which prints many lines of its own."""

    @pytest.fixture
    def refusal_of(self, tmp_path: Path, houses: Path) -> Callable[..., str]:
        """Return the message of the command with `--engine spark` and more options."""

        def run(*options: str) -> str:
            files = ("--input", str(houses), "--output", str(tmp_path / "prices.csv"))
            status, text = score(*files, "--engine", "spark", *options)
            assert (status, len(text.splitlines())) == (1, 1), text
            return text

        return run

    @pytest.fixture
    def java_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An environment with PySpark, and with a folder for Java that is empty."""
        monkeypatch.setattr(spark_ready, "find_spec", lambda _name: object())
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
        return tmp_path / "java"

    def test_missing_pyspark_is_an_error_that_says_how_to_install_it(
        self, refusal_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spark_ready, "find_spec", lambda _name: None)
        assert "PySpark, which is not installed: run `uv sync --extra spark`" in refusal_of()

    def test_missing_java_is_an_error_that_says_where_it_was_searched(
        self, refusal_of: Callable[..., str], java_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert f"needs Java 17 or 21, but JAVA_HOME={java_home} has no bin/java (Debian: open" in refusal_of()
        monkeypatch.delenv("JAVA_HOME")
        monkeypatch.setenv("PATH", str(java_home))
        assert "needs Java 17 or 21, but no `java` is on the PATH (Debian: openjdk-17-jre-headless)" in refusal_of()

    @pytest.mark.parametrize(
        "master",
        ["", "cluster", "local[two]", "spark://", "spark://host", "spark://host:port", "spark://a:1,b", "sc://host:1"],
    )
    def test_an_invalid_master_is_an_error_that_says_what_is_expected(
        self, refusal_of: Callable[..., str], master: str
    ) -> None:
        assert f"--master {master}: expected spark://HOST:PORT, local, " in refusal_of("--master", master)

    def test_a_master_that_does_not_listen_is_an_error_at_once(
        self, refusal_of: Callable[..., str], java_home: Path
    ) -> None:
        (java_home / "bin").mkdir(parents=True)
        (java_home / "bin" / "java").touch(mode=0o755)
        with reserved_port() as port:
            master = f"spark://127.0.0.1:{port},127.0.0.1:{port}"
            assert f"--master {master}: no connection (Connection refused)" in refusal_of("--master", master)
        assert "no connection (" in refusal_of("--master", "spark://127.0.0.1:99999")

    def test_files_in_stores_are_an_error(self, refusal_of: Callable[..., str], java_home: Path) -> None:
        (java_home / "bin").mkdir(parents=True)
        (java_home / "bin" / "java").touch(mode=0o755)
        assert "must be files on storage that all machines share" in refusal_of("--input", "s3://bucket/houses.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "\n  An exception was thrown.\nTraceback (most recent call last):\n  File\n    x\na.MyError: no\nmore\n",
            "a.MyError: no",
        ),
        ("Traceback (a):\n  x\nKeyError: 1\n\nThe direct cause:\n\nTraceback (b):\n  x\nb.Error: 2\n", "b.Error: 2"),
        ("An error occurred while calling o1.x.\n: java.Error: lost\n\tat x\nCaused by: y\n", "java.Error: lost"),
        ("[JAVA_GATEWAY_EXITED] Java gateway process exited.", "[JAVA_GATEWAY_EXITED] Java gateway process exited."),
        ("", ""),
    ],
)
def test_the_reason_of_an_error_of_spark_is_one_line(text: str, reason: str) -> None:
    assert spark._reason_of(text) == reason


class TestStores:
    """Files in stores are copied: the input before it is read, the results when they are complete."""

    @pytest.fixture
    def store(self) -> Iterator[fsspec.AbstractFileSystem]:
        memory = fsspec.filesystem("memory")
        yield memory
        memory.store.clear()

    def test_the_input_is_copied_to_a_local_file(self, store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
        store.pipe_file("/bucket/houses.ndjson", b"{}\n")
        with local_input(find_input("memory://bucket/houses.ndjson"), tmp_path) as source:
            assert (source.format, source.path.read_bytes()) == ("ndjson", b"{}\n")
        assert names_in(tmp_path) == []

    def test_a_missing_input_is_an_error_that_names_it(self, store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
        del store
        place = find_input("memory://bucket/houses.ndjson")
        with (
            pytest.raises(BulkError, match=r"memory://bucket/houses\.ndjson: file or folder not found"),
            local_input(place, tmp_path),
        ):
            pass

    def test_the_results_are_stored_and_replace_nothing(self, store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
        source = find_input("memory://bucket/houses.ndjson")
        place = find_output("memory://bucket/prices.csv", source)
        result = tmp_path / "result.csv"
        result.write_text("prices")
        result.with_name("result.csv.refused.ndjson").write_text("refused")
        deliver(result, place)
        assert store.cat_file("/bucket/prices.csv") == b"prices"
        assert store.cat_file("/bucket/prices.csv.refused.ndjson") == b"refused"
        with pytest.raises(BulkError, match="exists: choose another name"):
            find_output("memory://bucket/prices.csv", source)
        store.rm_file("/bucket/prices.csv.refused.ndjson")
        with pytest.raises(BulkError, match="created by another program meanwhile"):
            deliver(result, place)
        assert not store.exists("/bucket/prices.csv.refused.ndjson")
