"""The model package reads the orchestrator's prediction log, with the orchestrator's own migrations and columns."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner, Result

from housing_price_model.artefact.export import MODEL, read_export
from housing_price_model.cli.app import app
from housing_price_model.drift.output.metrics import NAMES
from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import PAGE_ROWS, open_log
from housing_price_model.prediction_log.rows import Model, Window
from housing_price_model.reference.profile import cells_of
from housing_price_model.reference.tally import GROUP
from housing_price_model.serving.find_model import open_model
from housing_price_model.survey.data import BUNDLED, Houses, read_houses
from housing_price_survey.columns import COLUMNS
from housing_price_survey.columns import COLUMNS as LOGGED_COLUMNS

from .logs import START, Log, answers_of, new_log

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

ROWS = 500


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = new_log(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def houses() -> Houses:
    return read_houses(BUNDLED)


@pytest.fixture(scope="module")
def cells(houses: Houses) -> list[list[Any]]:
    return cells_of(houses.features)


@pytest.fixture(scope="module")
def answers(champion: Path, cells: list[list[Any]]) -> list[dict[str, Any]]:
    """The champion's answer for every house."""
    with open_model(str(champion), "") as found:
        return answers_of(found.load(), cells)


@pytest.fixture
def stream(log: Log, cells: list[list[Any]], answers: list[dict[str, Any]]) -> list[str]:
    """Logs houses drawn from the training data with the champion's prices; returns their transactions."""
    at = drawn(cells)
    return log.write([cells[i] for i in at], [answers[i] for i in at])


def drawn(cells: list[list[Any]], tripled: str | None = None) -> list[int]:
    weights = np.array([3.0 if row[COLUMNS.index(GROUP)] == tripled else 1.0 for row in cells])
    chosen: list[int] = np.random.default_rng(0).choice(len(cells), ROWS, p=weights / weights.sum()).tolist()
    return chosen


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "300"})


def said(done: Result) -> str:
    return " ".join((done.output + done.stderr).split())


def test_reader_and_writer_use_the_same_columns() -> None:
    assert tuple(LOGGED_COLUMNS) == COLUMNS


def test_rows_come_back_as_they_were_logged(log: Log, stream: list[str], cells: list[list[Any]]) -> None:
    with open_log(log.url) as reader:
        pages = list(reader.pages(Window()))
    assert [row for page in pages for row in page.rows] == [cells[i] for i in drawn(cells)]
    assert [one for page in pages for one in page.transactions] == stream
    assert {tuple(page.columns) for page in pages} == {COLUMNS}


def test_estimates_come_back_bit_for_bit(log: Log, stream: list[str], answers: list[dict[str, Any]]) -> None:
    with open_log(log.url) as reader:
        found = [estimate for page in reader.pages(Window()) for estimate in page.estimates]
    expected = [
        tuple(answers[i][name] for name in ("price", "low", "high")) for i in drawn([[None] * 79] * len(answers))
    ]
    assert len(found) == len(stream) == len(expected)
    assert found == expected


def test_pages_end_in_the_middle_of_a_batch_and_lose_nothing(
    log: Log, cells: list[list[Any]], answers: list[dict[str, Any]]
) -> None:
    count = 2 * PAGE_ROWS + 7
    written = log.write([cells[0]] * count, [answers[0]] * count)
    log.change("UPDATE prediction SET predicted_at = '2026-11-01 00:00:00.000000'")
    with open_log(log.url) as reader:
        pages = list(reader.pages(Window()))
    assert [one for page in pages for one in page.transactions] == written
    assert max(len(page.rows) for page in pages) == PAGE_ROWS


def test_window_includes_its_start_and_excludes_its_end(log: Log, stream: list[str]) -> None:
    window = Window(START + timedelta(minutes=10), START + timedelta(minutes=20))
    with open_log(log.url) as reader:
        found = [one for page in reader.pages(window) for one in page.transactions]
    assert found == stream[10:20]


def test_rows_are_read_by_the_names_of_their_own_columns(
    log: Log, cells: list[list[Any]], answers: list[dict[str, Any]]
) -> None:
    log.write(cells[:3], answers[:3])
    log.write([row[::-1] for row in cells[3:5]], answers[3:5], columns=LOGGED_COLUMNS[::-1])
    with open_log(log.url) as reader:
        found = [dict(zip(page.columns, row, strict=True)) for page in reader.pages(Window()) for row in page.rows]
    assert found == [dict(zip(COLUMNS, row, strict=True)) for row in cells[:5]]


def test_rows_are_counted_and_read_by_model(log: Log, cells: list[list[Any]], answers: list[dict[str, Any]]) -> None:
    log.write(cells[:2], answers[:2], version="2")
    log.write(cells[2:5], [answer | {"model_id": "older"} for answer in answers[2:5]])
    with open_log(log.url) as reader:
        assert reader.models(Window()) == [
            Model("older", "housing-price", "1", 3),
            Model(answers[0]["model_id"], "housing-price", "2", 2),
        ]
        assert [len(page.rows) for page in reader.pages(Window(), "older")] == [3]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE prediction SET inputs = '[1' WHERE transaction_id LIKE '%9'", "9: the inputs are not valid JSON"),
        ("UPDATE prediction SET inputs = '[1]' WHERE transaction_id LIKE '%9'", "9: the inputs are not a list of 79"),
        ("UPDATE prediction SET low_usd = -1 WHERE transaction_id LIKE '%9'", "invalid estimate: low -1.0, price "),
        ("UPDATE prediction_columns SET names = 'x'", "has no valid column names for version 1"),
        ("DELETE FROM prediction_columns", "has no valid column names for version 1"),
        ("DROP TABLE prediction_columns", "cannot be read as a prediction log"),
    ],
)
def test_damaged_log_raises_an_error_with_the_cause(log: Log, stream: list[str], statement: str, message: str) -> None:
    del stream
    log.change(statement)
    with open_log(log.url) as reader, pytest.raises(LogError, match=message):
        list(reader.pages(Window()))


def test_reader_cannot_write(log: Log, stream: list[str]) -> None:
    del stream
    with open_log(log.url) as reader, pytest.raises(Exception, match="readonly"), reader._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM prediction")


@pytest.mark.parametrize("command", [("drift",), ("replay", "--model", "nowhere"), ("realised-error",)])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///nowhere.db", "nowhere.db: file not found"),
        ("nonsense", "invalid prediction log URL: use sqlite:///FILE or postgresql://"),
        ("secret@host:log//", "invalid prediction log URL: use sqlite:///FILE or postgresql://"),
        ("oracle://host/log", "oracle: invalid prediction log URL: use sqlite:///FILE or postgresql://"),
        ("sqlite:///empty.db", "cannot be read as a prediction log"),
        ("postgresql://user:secret@127.0.0.1:9/log", "cannot be read as a prediction log"),
    ],
)
def test_invalid_log_url_is_reported_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, champion: Path, *, command: Sequence[str], url: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.db").touch()
    command = [str(champion) if part == "nowhere" else part for part in command]
    done = run(*command, "--log", url)
    assert done.exit_code == 1
    assert message in said(done)
    assert "secret" not in said(done)


def test_same_model_reproduces_every_logged_price(log: Log, stream: list[str], champion: Path, tmp_path: Path) -> None:
    done = run("replay", "--log", log.url, "--model", champion, "--json", tmp_path / "replay.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "replay.json").read_text())
    assert found["is_reproduced"] is True
    assert found["own"]["rows"] == found["own"]["identical"] == found["total"]["rows"] == len(stream)
    assert found["own"]["worst_usd"] == 0
    assert sum(one["rows"] for one in found["by_neighbourhood"].values()) == len(stream)


def test_price_that_is_not_reproduced_is_found(log: Log, stream: list[str], champion: Path, tmp_path: Path) -> None:
    log.change(f"UPDATE prediction SET price_usd = price_usd + 0.01 WHERE transaction_id = '{stream[321]}'")  # noqa: S608
    done = run("replay", "--log", log.url, "--model", champion, "--json", tmp_path / "replay.json")
    assert done.exit_code == 3
    assert "1 of 500 prices made by this model were not reproduced" in said(done)
    found = json.loads((tmp_path / "replay.json").read_text())
    assert found["own"]["identical"] == len(stream) - 1
    assert found["own"]["worst_transaction"] == stream[321]
    assert found["own"]["worst_usd"] == pytest.approx(-0.01)


def test_prices_of_another_model_are_compared_and_need_not_be_the_same(
    log: Log, champion: Path, cells: list[list[Any]], answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    before = [
        answer | {"model_id": "older", "price": answer["price"] - 100 * at} for at, answer in enumerate(answers[:4])
    ]
    log.write(cells[:4], before)
    done = run("replay", "--log", log.url, "--model", champion, "--json", tmp_path / "replay.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "replay.json").read_text())
    assert found["own"]["rows"] == 0
    assert found["total"]["identical"] == 1
    assert found["total"]["mean_usd"] == pytest.approx(150)
    assert found["total"]["worst_usd"] == pytest.approx(300)
    assert found["model"]["model_id"] == read_export(champion).model_id


def test_row_that_the_model_rejects_is_named(log: Log, stream: list[str], champion: Path) -> None:
    log.change("UPDATE prediction SET inputs = REPLACE(inputs, '\"Pave\"', '\"Sand\"')")
    done = run("replay", "--log", log.url, "--model", champion)
    assert done.exit_code == 1
    assert f"one of the 500 rows from {stream[0]} on: Street: 'Sand' is not one of Grvl, Pave" in said(done)


class Links(HTMLParser):
    """Collects everything that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [f"{tag} {name}={value}" for name, value in attrs if name in {"src", "href", "srcset", "data"}]


def check_outputs(folder: Path, *, verdict: str, model_id: str) -> dict[str, Any]:
    found = json.loads((folder / "drift.json").read_text())
    (model,) = found["models"]
    assert (model["verdict"], model["model_id"], model["rows"]) == (verdict, model_id, ROWS)
    assert found["is_alarm"] is (verdict == "alarm") is bool(model["alarms"])
    assert sorted(one["name"] for one in model["columns"]) == sorted(COLUMNS)

    page = (folder / "drift.html").read_text()
    links = Links()
    links.feed(page)
    assert links.loads == []
    assert not links.tags & {"script", "link", "img", "iframe"}
    assert "svg" in links.tags
    assert not re.search(r"@import|url\(", page)

    families = {one.name: one for one in text_string_to_metric_families((folder / "drift.prom").read_text())}
    assert families.keys() == NAMES.keys()
    (alarm,) = families["housing_price_drift_alarm"].samples
    assert (alarm.labels, alarm.value) == ({"model_id": model_id}, verdict == "alarm")
    psi = {sample.labels["feature"]: sample.value for sample in families["housing_price_drift_psi"].samples}
    assert psi == {one["name"]: one["psi"] for one in (*model["columns"], *model["predictions"])}
    document: dict[str, Any] = model
    return document


def outputs(folder: Path) -> list[object]:
    return ["--json", folder / "drift.json", "--html", folder / "drift.html", "--metrics", folder / "drift.prom"]


def test_drift_check_of_a_steady_log_exits_with_0(log: Log, stream: list[str], champion: Path, tmp_path: Path) -> None:
    del stream
    done = run("drift", "--log", log.url, "--model", champion, *outputs(tmp_path))
    assert done.exit_code == 0, done.output
    assert "STEADY housing-price version 1" in said(done)
    check_outputs(tmp_path, verdict="steady", model_id=read_export(champion).model_id)


def test_drift_check_of_a_tripled_neighbourhood_exits_with_3_and_names_it(
    log: Log, champion: Path, cells: list[list[Any]], answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    at = drawn(cells, tripled="OldTown")
    log.write([cells[i] for i in at], [answers[i] for i in at])
    done = run("drift", "--log", log.url, "--model", champion, *outputs(tmp_path))
    assert done.exit_code == 3, done.output
    assert "ALARM" in done.output
    found = check_outputs(tmp_path, verdict="alarm", model_id=read_export(champion).model_id)
    assert ("neighbourhoods", "OldTown") in {(one["family"], one["subject"]) for one in found["alarms"]}
    page = (tmp_path / "drift.html").read_text()
    assert "<b>Alarm</b>" in page
    assert "<b>OldTown</b>" in page


def test_text_from_the_log_is_escaped_in_the_report(
    log: Log, champion: Path, cells: list[list[Any]], answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = [[*row] for row in cells[:ROWS]]
    for row in rows[:60]:
        row[COLUMNS.index(GROUP)] = "<script>alert(1)</script>[bold]"
    log.write(rows, answers[:ROWS], version="<img src=x>")
    done = run("drift", "--log", log.url, "--model", champion, *outputs(tmp_path))
    assert done.exit_code == 3, done.output
    assert "<script>alert(1)</script>[bold]" in done.output
    check_outputs(tmp_path, verdict="alarm", model_id=read_export(champion).model_id)


def test_realised_errors_are_those_of_the_sales(
    log: Log, stream: list[str], houses: Houses, champion: Path, tmp_path: Path
) -> None:
    sold = dict(zip(stream[:40], houses.prices[drawn(cells_of(houses.features))[:40]].tolist(), strict=True))
    log.sell(sold)
    done = run("realised-error", "--log", log.url, "--json", tmp_path / "errors.json")
    assert done.exit_code == 0, done.output
    month, whole = json.loads((tmp_path / "errors.json").read_text())["errors"]
    assert (month["model_version"], month["month"], month["count"]) == ("1", "2026-12", 40)
    assert (whole["month"], whole["mae_usd"]) == ("all", month["mae_usd"])
    with open_log(log.url) as reader:
        sales = list(reader.sales(Window()))
    assert month["mae_usd"] == pytest.approx(np.mean([abs(one.sold - one.price) for one in sales]))
    assert month["rmsle"] == pytest.approx(np.sqrt(np.mean([np.log(one.sold / one.price) ** 2 for one in sales])))
    assert month["coverage"] == np.mean([one.low <= one.sold <= one.high for one in sales])
    assert sorted(one.sold for one in sales) == sorted(sold.values())

    run("drift", "--log", log.url, "--model", champion, "--json", tmp_path / "drift.json")
    assert json.loads((tmp_path / "drift.json").read_text())["models"][0]["known_sale_prices"] == 40


def test_without_sales_there_is_no_realised_error(log: Log, stream: list[str]) -> None:
    del stream
    done = run("realised-error", "--log", log.url)
    assert done.exit_code == 0
    assert "No house priced in this time range has a known sale price" in said(done)


def test_empty_window_is_no_alarm(log: Log, stream: list[str], champion: Path, tmp_path: Path) -> None:
    del stream
    done = run("drift", "--log", log.url, "--model", champion, "--to", "2026-01-01", *outputs(tmp_path))
    assert done.exit_code == 0
    assert "No predictions in the window: to 2026-01-01 00:00:00 UTC" in said(done)
    assert json.loads((tmp_path / "drift.json").read_text())["models"] == []
    assert "<b>No predictions</b>" in (tmp_path / "drift.html").read_text()


def test_unknown_model_is_reported_as_not_checked(
    log: Log, cells: list[list[Any]], answers: list[dict[str, Any]], champion: Path, tmp_path: Path
) -> None:
    log.write(cells[:ROWS], [answer | {"model_id": "unknown"} for answer in answers[:ROWS]])
    options = ("drift", "--log", log.url, "--model", champion, "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
    done = run(*options)
    assert done.exit_code == 1
    assert (
        "model unknown (housing-price version 1), which made 500 of these predictions, is not in the registry"
        in said(done)
    )
    log.write(cells[:ROWS], answers[:ROWS])
    done = run(*options, *outputs(tmp_path))
    assert done.exit_code in {0, 3}
    assert "NOT CHECKED 500 rows of unknown" in said(done)
    found = json.loads((tmp_path / "drift.json").read_text())
    assert [(one["model_id"], one["rows"]) for one in found["unjudged"]] == [("unknown", 500)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--last", "24"), "'24' is not a valid duration"),
        (("--from", "yesterday"), "'yesterday' is not a valid time; examples: 2026-11-21"),
        (("--last", "24h", "--to", "2026-11-21"), "--last cannot be combined with --from or --to"),
        (("--every", "1h"), "--every requires --last"),
        (("--metrics-port", "0"), "--metrics-port requires --every"),
    ],
)
def test_invalid_option_is_named_and_exits_with_2(log: Log, options: Sequence[str], message: str) -> None:
    done = run("drift", "--log", log.url, *options)
    assert done.exit_code == 2
    assert message in re.sub(r"[│╭╮╰╯─\s]+", " ", done.stderr)


def test_file_that_cannot_be_written_is_named(log: Log, stream: list[str], champion: Path, tmp_path: Path) -> None:
    del stream
    done = run("drift", "--log", log.url, "--model", champion, "--json", tmp_path / "nowhere" / "drift.json")
    assert done.exit_code == 1
    assert "drift.json: cannot write the file (No such file or directory)" in said(done)


@pytest.mark.stack
def test_scheduled_check_runs_until_a_signal_and_writes_complete_files(
    log: Log, stream: list[str], champion: Path, tmp_path: Path
) -> None:
    del stream
    log.change("UPDATE prediction SET predicted_at = strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'")
    options = ("drift", "--log", log.url, "--model", champion, "--last", "1d", "--every", "1s", "--metrics-port", "0")
    command = [sys.executable, "-m", "housing_price_model", *map(str, [*options, *outputs(tmp_path)])]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            where, first, second = (process.stdout.readline() for _ in range(3))
            scraped = httpx.get(where.removeprefix("metrics at ").strip(), timeout=10).text
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert all("steady: 500 rows of housing-price version 1" in line for line in (first, second))
    assert first != second
    assert {one.name for one in text_string_to_metric_families(scraped)} == NAMES.keys()
    assert sorted(path.name for path in tmp_path.glob("*drift*")) == ["drift.html", "drift.json", "drift.prom"]
    check_outputs(tmp_path, verdict="steady", model_id=read_export(champion).model_id)
    assert (champion / MODEL).is_dir()
