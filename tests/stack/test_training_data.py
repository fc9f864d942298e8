"""`housing-price up --data FILE`: trains on the file at the first start, and refuses a file that it cannot use."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ..fakes.fake_registry import export, register
from ..running import REPOSITORY, Up, refused_up

pytestmark = pytest.mark.full

type Start = Callable[..., Up]

SURVEY = (REPOSITORY / "housing-price-model" / "data" / "ames-housing.csv").read_text().splitlines(keepends=True)


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines))
    return path


def test_the_first_start_trains_on_the_file_and_later_starts_say_that_it_is_not_used(
    start: Start, tmp_path: Path
) -> None:
    write(tmp_path / "mine.csv", *SURVEY[:61])
    # The path is relative to the folder of the user.
    first = start("--data", "mine.csv", folder=tmp_path)
    first.wait_until_up()
    assert f"training goes on with {tmp_path / 'mine.csv'}" in first.log
    assert "is not used" not in first.log
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    second = start("--data", "mine.csv", folder=tmp_path, state=first.state)
    second.wait_until_up()
    assert "mine.csv (--data) is not used: version 1 is already the champion" in second.log
    assert "`housing-price jobs submit --train mine.csv`" in second.log
    assert "training goes on" not in second.log


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (None, "file not found"),
        ([], "The file is empty"),
        (["a,b\n", "1,2\n"], "has no known name"),
        (["MSZoning,b\n", "RL,2\n"], "79 finding(s), the file was rejected. The first: line 1, MSSubClass: the column"),
        ([SURVEY[0]], "the file was rejected. The first: line 1: no rows below the header"),
        (SURVEY[:31], "has 30 houses; training requires at least 50"),
        ([*SURVEY[:60], SURVEY[60].replace(",", ",x", 1)], "the file was rejected. The first: line 61, "),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_nothing_is_started(
    tmp_path: Path, lines: list[str] | None, reason: str
) -> None:
    file = tmp_path / "mine.csv" if lines is None else write(tmp_path / "mine.csv", *lines)
    refused = refused_up(tmp_path / "state", "--data", str(file))
    assert refused.exit_code == 1
    assert refused.output.startswith(f"error: --data {file}: ")
    assert reason in refused.output
    assert len(refused.output.splitlines()) == 1, refused.output
    assert not (tmp_path / "state").exists()


def test_a_folder_is_no_file_of_houses(tmp_path: Path) -> None:
    refused = refused_up(tmp_path / "state", "--data", str(tmp_path))
    assert refused.exit_code == 1
    assert refused.output.startswith(f"error: --data {tmp_path}: cannot read the file (Is a directory)")


def test_with_a_champion_the_file_is_not_even_read(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    export(state, register(state, "4"))
    up = start("--data", str(tmp_path / "missing.csv"), state=state)
    up.wait_until_up()
    assert "missing.csv (--data) is not used: version 4 is already the champion" in up.log
