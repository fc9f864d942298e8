"""First step: writes the houses from any source into one CSV file, without checking them."""

import csv
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

from housing_price_model.candidate.parameters import Parameters, Source
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.errors import DataError, LogError
from housing_price_model.prediction_log.reader import PredictionLog, open_log
from housing_price_model.prediction_log.rows import Window
from housing_price_model.survey.data import BUNDLED, read_cells
from housing_price_model.survey.veneer import AREA, TYPE, name_veneer
from housing_price_platform.environment.variables import SharedVariable
from housing_price_survey.columns import COLUMNS, TARGET
from housing_price_survey.tabular.names import BLANKS, SPACES
from housing_price_survey.tabular.numbers import parse_number
from housing_price_survey.tabular.tables import format_of

HOUSES: Final = "houses.csv"

_TYPE: Final = COLUMNS.index(TYPE)
_AREA: Final = COLUMNS.index(AREA)

type Cells = tuple[str, ...]


def extract(task: Task) -> Result:
    """Write `houses.csv`: a copy of the file, or a base data set plus the sales in the prediction log."""
    parameters, target = task.parameters, task.out / HOUSES
    if parameters.source is not Source.PREDICTION_LOG:
        _copy(Path(parameters.data) if parameters.data else BUNDLED, target)
        return {"source": str(parameters.source), "file": parameters.data or "the Ames survey of this package"}
    if task.connections.log_url is None:
        raise LogError(
            f"source prediction-log: no prediction log is configured (set --log or {SharedVariable.PREDICTION_LOG_URL})"
        )
    with open_log(task.connections.log_url) as log:
        sales = _latest_sales(log, _window(parameters))
    houses = {values: [cells] for values, cells in _base(Path(parameters.data) if parameters.data else BUNDLED)}
    sold: dict[Cells, list[Cells]] = {}
    for cells in sales:
        sold.setdefault(cells[:-1], []).append(cells)
    counts = {"base": len(houses), "sales": len(sales), "replaced": len(houses.keys() & sold.keys())}
    # A sale from the log replaces a house of the base with the same 79 values: it is more recent.
    _write(target, chain.from_iterable((houses | sold).values()))
    return {"source": str(parameters.source), "window": str(_window(parameters)), **counts}


EXTRACT: Final = Step("extract", (), extract)


def _window(parameters: Parameters) -> Window:
    start, end = (datetime.fromisoformat(time) if time else None for time in (parameters.start, parameters.end))
    return Window(start, end)


def _latest_sales(log: PredictionLog, window: Window) -> Collection[Cells]:
    """Return one row per house and caller, with the values of its latest prediction.

    Equal houses of one caller count once. Houses of another caller are other houses: they replace nothing.
    """
    latest: dict[tuple[str | None, int], Cells] = {}
    for sold in log.sold_houses(window):
        values = dict(zip(sold.columns, sold.values, strict=True))
        cells = _with_veneer(tuple(_cell(values.get(name)) for name in COLUMNS))
        latest.pop(sold.house, None)
        latest[sold.house] = (*cells, _cell(sold.sold))
    return {(caller, cells[:-1]): cells for (caller, _), cells in latest.items()}.values()


def _copy(path: Path, target: Path) -> None:
    """Copy a CSV file as it is, and write a file of another format as CSV."""
    try:
        if format_of(path) == "csv":
            target.write_bytes(path.read_bytes())
            return
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    _write(target, (cells for _, cells in _base(path)))


def _base(path: Path) -> Iterator[tuple[Cells, Cells]]:
    for row in read_cells(path):
        cells = _with_veneer(tuple(_cell(value) for value in row))
        yield cells[:-1], cells


def _with_veneer(cells: Cells) -> Cells:
    """Name the missing veneer, so that a logged house equals the same house of the base."""
    (veneer,) = name_veneer([cells[_TYPE]], [cells[_AREA]])
    return (*cells[:_TYPE], veneer, *cells[_TYPE + 1 :])


def _cell(value: Any) -> str:
    return "" if value is None else _plain(str(value))


def _plain(text: str) -> str:
    """Normalise numbers, so that 8450, 8450.0 and 8450.00 compare as equal."""
    text = text.strip(SPACES)
    number = parse_number(text)
    if number is None:
        return "" if text in BLANKS else text
    return repr(number)


def _write(path: Path, rows: Iterable[Cells]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, TARGET))
        writer.writerows(rows)
