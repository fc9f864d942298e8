"""First step: writes the houses from any source into one CSV file, without checking them."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from housing_price_model.candidate.parameters import Parameters, Source
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.errors import DataError, LogError
from housing_price_model.prediction_log.reader import PredictionLog, Window, open_log
from housing_price_model.survey.data import BUNDLED
from housing_price_platform.variables import SharedVariable
from housing_price_survey.columns import COLUMNS, TARGET

HOUSES: Final = "houses.csv"

type Cells = tuple[str, ...]


def extract(task: Task) -> Result:
    """Write `houses.csv`: a copy of the file, or a base data set plus the sales in the prediction log."""
    parameters, target = task.parameters, task.out / HOUSES
    if parameters.source is not Source.PREDICTION_LOG:
        target.write_bytes(_content(Path(parameters.data) if parameters.data else BUNDLED))
        return {"source": str(parameters.source), "file": parameters.data or "the Ames survey of this package"}
    if task.connections.log_url is None:
        raise LogError(
            f"source prediction-log: no prediction log is configured (set --log or {SharedVariable.PREDICTION_LOG_URL})"
        )
    with open_log(task.connections.log_url) as log:
        sales = _latest_sales(log, _window(parameters))
    added = dict(_base(Path(parameters.data) if parameters.data else BUNDLED))
    counts = {"base": len(added), "sales": len(sales), "replaced": len(added.keys() & sales.keys())}
    # A sale from the log replaces a house of the base with the same 79 values: it is more recent.
    _write(target, (added | sales).values())
    return {"source": str(parameters.source), "window": str(_window(parameters)), **counts}


EXTRACT: Final = Step("extract", (), extract)


def _window(parameters: Parameters) -> Window:
    start, end = (datetime.fromisoformat(time) if time else None for time in (parameters.start, parameters.end))
    return Window(start, end)


def _latest_sales(log: PredictionLog, window: Window) -> dict[Cells, Cells]:
    """Return one row per house and caller, with the values of its latest prediction; equal houses count once."""
    latest: dict[tuple[str | None, int], Cells] = {}
    for sold in log.sold_houses(window):
        values = dict(zip(sold.columns, sold.values, strict=True))
        cells = tuple(_cell(values.get(name)) for name in COLUMNS)
        latest.pop(sold.house, None)
        latest[sold.house] = (*cells, _cell(sold.sold))
    return {cells[:-1]: cells for cells in latest.values()}


def _base(path: Path) -> Iterator[tuple[Cells, Cells]]:
    try:
        reader = csv.DictReader(io.StringIO(_content(path).decode("utf-8-sig"), newline=""), strict=True)
        names = (*COLUMNS, TARGET)
        if missing := [name for name in names if name not in (reader.fieldnames or ())]:
            raise DataError(f"{path}: line 1: missing column(s): {', '.join(missing)}")
        for row in reader:
            cells = tuple(_plain(row[name] or "") for name in names)
            yield cells[:-1], cells
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 ({error})") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _cell(value: Any) -> str:
    return "" if value is None else _plain(str(value))


def _plain(text: str) -> str:
    """Normalise numbers, so that 8450, 8450.0 and 8450.00 compare as equal."""
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return "" if text == "NA" else text
    return str(int(number)) if number.is_integer() else repr(number)


def _write(path: Path, rows: Iterable[Cells]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, TARGET))
        writer.writerows(rows)
