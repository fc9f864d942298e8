"""The writer process ignores signals, is restarted after a crash, and writes nothing twice."""

import os
import secrets
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import sqlalchemy as sa

from housing_price_orchestrator.provider.store.rows import VALUATION_LOG
from housing_price_orchestrator.provider.store.writer_process import process as writer_module
from housing_price_orchestrator.provider.store.writer_process.client import (
    Block,
    WriterProcessClient,
    WriterUnavailable,
)
from housing_price_orchestrator.settings import PredictionLogSettings
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, ValuationRecord
from waiting import wait_until

NAMES = ["Lot Area", "Street"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def writer(file: Path) -> Iterator[WriterProcessClient]:
    made = WriterProcessClient(sa.make_url(f"sqlite:///{file}"), table="prediction", inputs=NAMES, wait_seconds=1)
    made.open()
    yield made
    made.close()


def answered(*transaction_ids: str, valuations: Sequence[Any] = (), **changes: Any) -> bytes:
    """Encode the answer to one request; `changes` apply to its second price."""
    model = ModelIdentity("housing-price", "7", "abc")
    inputs = orjson.dumps([8450.25, "Pave \n 'é'"])
    price: dict[str, Any] = {"price_usd": 1e9 / 3, "low_usd": 0.1, "high_usd": 1e300, "model": model, "inputs": inputs}
    estimates = [PriceEstimate(**price | changes if place == 1 else price) for place in range(len(transaction_ids))]
    house_ids = [2**63 - 1] * len(transaction_ids)
    return msgspec.msgpack.encode(
        (1_764_000_000.0, "caller-1", None, transaction_ids, house_ids, estimates, valuations)
    )


def block(*requests: bytes) -> Block:
    made = Block()
    for one in requests:
        made.add(one)
    return made


def written(file: Path, column: str = "transaction_id", *, table: str = "prediction") -> list[Any]:
    query = f"SELECT {column} FROM {table} ORDER BY transaction_id"  # noqa: S608 - our own names
    with closing(sqlite3.connect(file)) as connection:
        return [value for (value,) in connection.execute(query)]


def writers_of(pid: int) -> set[int]:
    """Return the pids of the writer processes that a process has started."""
    found = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            if writer_module.__name__.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(int(child))
    return found


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_values_are_stored_unchanged(writer: WriterProcessClient, file: Path) -> None:
    assert writer.write(block(answered("a"), answered("b", "c"))) == (3, [])
    assert written(file, "house_id") == [2**63 - 1] * 3
    assert written(file, "inputs") == ["[8450.25,\"Pave \\n 'é'\"]"] * 3
    assert written(file, "price_usd") == [1e9 / 3] * 3
    assert written(file, "high_usd") == [1e300] * 3


def test_rows_that_the_database_refuses_are_reported(writer: WriterProcessClient, file: Path) -> None:
    answer = writer.write(block(answered("a", "b", "c", price_usd=None)))
    assert answer == (2, [("b", "IntegrityError")])
    assert written(file) == ["a", "c"]


def a_valuation(**changes: Any) -> ValuationRecord:
    values: dict[str, Any] = {
        "method": "priceAndComparables",
        "value_usd": 1e9 / 3,
        "low_usd": 0.1,
        "high_usd": 1e300,
        "confidence": "high",
        "parts": ("price", "comparables"),
        "problems": {"explanation": "QueueFull"},
        "comparables": ModelIdentity("housing-comparables", "3", "def"),
        "sales": (17, 2**62),
    }
    return ValuationRecord(**values | changes)


def test_valuations_are_stored_with_their_prices(writer: WriterProcessClient, file: Path) -> None:
    price_alone = a_valuation(method="price", confidence=None, comparables=None, sales=())
    written_block = block(answered("a", "b", valuations=[a_valuation(), price_alone]), answered("c"))
    assert writer.write(written_block) == (3, [])
    # Again, as after a lost confirmation.
    assert writer.write(written_block) == (3, [])
    assert written(file) == ["a", "b", "c"]
    values = zip(*(written(file, column, table="valuation") for column in VALUATION_LOG.columns), strict=True)
    first, second = (dict(zip(VALUATION_LOG.columns, row, strict=True)) for row in values)
    assert first == {
        "transaction_id": "a",
        "valued_at": written(file, "predicted_at")[0],
        "method": "priceAndComparables",
        "value_usd": 1e9 / 3,
        "low_usd": 0.1,
        "high_usd": 1e300,
        "confidence": "high",
        "parts": '["price","comparables"]',
        "problems": '{"explanation":"QueueFull"}',
        "comparables_name": "housing-comparables",
        "comparables_version": "3",
        "comparables_id": "def",
        "sales": f"[17,{2**62}]",
    }
    nothing = {"comparables_name": None, "comparables_version": None, "comparables_id": None, "sales": "[]"}
    assert second == first | {"transaction_id": "b", "method": "price", "confidence": None, **nothing}


def test_a_price_is_never_stored_before_its_valuation(writer: WriterProcessClient, file: Path) -> None:
    """Each table is written in its own transaction, and a search may come between them."""
    order = """
        CREATE TRIGGER valuation_first BEFORE INSERT ON prediction
        WHEN NOT EXISTS (SELECT 1 FROM valuation WHERE transaction_id = NEW.transaction_id)
        BEGIN SELECT RAISE(ABORT, 'the valuation is missing'); END
    """
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(order)
    valued = answered("a", "b", valuations=[a_valuation(), a_valuation()])
    assert writer.write(block(valued)) == (2, [])
    assert written(file) == written(file, table="valuation") == ["a", "b"]


def test_valuation_that_the_database_refuses_is_reported_once(writer: WriterProcessClient, file: Path) -> None:
    refused = answered("a", "b", "c", valuations=[a_valuation(), a_valuation(value_usd=None), a_valuation()])
    assert writer.write(block(refused)) == (2, [("b", "IntegrityError")])
    assert written(file) == ["a", "b", "c"]
    assert written(file, table="valuation") == ["a", "c"]


def test_request_that_cannot_become_rows_costs_no_other(writer: WriterProcessClient, file: Path) -> None:
    odd = answered("a", "b", valuations=[a_valuation()])
    assert writer.write(block(odd, answered("c", valuations=[a_valuation()]))) == (
        1,
        [("a", "ValueError"), ("b", "ValueError")],
    )
    assert written(file, table="valuation") == ["c"]


ODD_VALUES: dict[str, dict[str, Any]] = {
    "a text with NUL": {"source": "mo\0del"},
    "a model version with NUL": {"model": ModelIdentity("housing-price", "7\0", "abc")},
    "a version that is too long for an index": {
        "model": ModelIdentity("housing-price", secrets.token_hex(20_000), "abc")
    },
    "a price that is no number": {"price_usd": "expensive"},
    "no price": {"price_usd": None},
}


@pytest.mark.parametrize("odd", ODD_VALUES.values(), ids=ODD_VALUES)
def test_a_row_with_an_odd_value_does_not_stop_the_writer(database_url: str, odd: dict[str, Any]) -> None:
    url = sa.make_url(PredictionLogSettings(url=database_url).url)
    writer = WriterProcessClient(url, table="prediction", inputs=NAMES, wait_seconds=5)
    writer.open()
    ids = [f"{number:03}" for number in range(100)]
    answer = writer.write(block(answered(*ids[:2], **odd), answered(*ids[2:])))
    assert writer.is_open
    writer.close()
    # SQLite stores texts that Postgres refuses; no other row is lost.
    assert [transaction_id for transaction_id, _ in answer.refused] in ([], ["001"])
    assert answer.stored == 100 - len(answer.refused)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = list(connection.scalars(sa.text("SELECT transaction_id FROM prediction ORDER BY 1")))
    engine.dispose()
    assert found == [one for one in ids if not answer.refused or one != "001"]


def test_a_house_id_beyond_64_bits_does_not_stop_the_writer(database_url: str) -> None:
    url = sa.make_url(PredictionLogSettings(url=database_url).url)
    model = ModelIdentity("housing-price", "7", "abc")
    estimate = PriceEstimate(2.0, 1.0, 3.0, model, "model", b"[]")
    request = msgspec.msgpack.encode((1_764_000_000.0, "r", None, ["a", "b"], [2**64 - 1, 1], [estimate] * 2, []))
    writer = WriterProcessClient(url, table="prediction", inputs=NAMES, wait_seconds=5)
    writer.open()
    assert writer.write(block(request)).stored == 1
    assert [one for one, _ in writer.write(block(request)).refused] == ["a"]
    writer.close()


def test_malformed_requests_are_reported_and_the_others_are_stored(writer: WriterProcessClient, file: Path) -> None:
    odd = msgspec.msgpack.encode((1_764_000_000.0, "caller-2", None, ["b", "c"], [1, 2], [["no", "price"]] * 2, []))
    uneven = msgspec.msgpack.encode((1_764_000_000.0, "caller-2", None, ["d"], [], [], []))
    answer = writer.write(block(answered("a"), odd, uneven, answered("e")))
    assert answer == (2, [("b", "ValueError"), ("c", "ValueError"), ("d", "ValueError")])
    assert written(file) == ["a", "e"]


def test_a_killed_process_is_restarted_and_writes_nothing_twice(writer: WriterProcessClient, file: Path) -> None:
    writer.write(block(answered("a")))
    (pid,) = writers_of(os.getpid())
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(WriterUnavailable, match="ended with status -9"):
        writer.write(block(answered("a", "b")))
    assert not writer.is_open
    writer.open()
    assert writer.write(block(answered("a", "b"))) == (2, [])
    assert written(file) == ["a", "b"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_to_the_process_group_do_not_stop_the_writer(
    writer: WriterProcessClient, file: Path, number: signal.Signals
) -> None:
    (pid,) = writers_of(os.getpid())
    os.kill(pid, number)
    writer.write(block(answered("a")))
    assert written(file) == ["a"]
    writer.close()
    assert not is_alive(pid)


def test_the_process_ends_when_its_parent_is_killed(file: Path) -> None:
    starts = (
        "import sys, time, sqlalchemy as sa\n"
        "from housing_price_orchestrator.provider.store.writer_process.client import WriterProcessClient\n"
        "url, what = sa.make_url(sys.argv[1]), {'table': 'prediction', 'inputs': []}\n"
        "writer = WriterProcessClient(url, **what, wait_seconds=1)\n"
        "writer.open()\n"
        "print('open', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", starts, f"sqlite:///{file}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"open\n"
        (pid,) = writers_of(starter.pid)
        starter.kill()
    wait_until(lambda: not is_alive(pid), "the writer was left behind")
