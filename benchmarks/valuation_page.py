"""Writes the comparison grid of one house into docs/valuation.md, from an answer of a running stack."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.paths import REPOSITORY
from housing_price_survey.columns import SURVEY_COLUMNS
from housing_price_survey.titles import GROUP_TITLES

PAGE: Final = REPOSITORY / "docs" / "valuation.md"
HOUSE: Final = REPOSITORY / "examples" / "request-1461.json"
BEGIN, END = "<!-- begin: grid -->", "<!-- end: grid -->"

TIMEOUT_SECONDS: Final = 30.0

FEATURES: Final = (
    "neighborhood",
    "grLivArea",
    "overallQual",
    "overallCond",
    "yearBuilt",
    "lotArea",
    "totalBsmtSf",
    "garageCars",
    "fullBath",
)
"""The features that the grid shows."""

_COLUMN_OF_KEY: Final = {column.key: column for column in SURVEY_COLUMNS}
_AREA: Final = "square feet"


def fetch(url: str) -> dict[str, Any]:
    """Value the example house with the stack at `url`.

    Raises:
        ValueError: the valuation is not complete.
    """
    headers = {"content-type": "application/json"}
    answer = httpx.post(
        f"{url.rstrip('/')}/api/v1/valuation", content=HOUSE.read_bytes(), headers=headers, timeout=TIMEOUT_SECONDS
    )
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    if document["problems"]:
        raise ValueError(f"the valuation is not complete: {document['problems']}")
    return document


def grid(house: Mapping[str, Any], valuation: Mapping[str, Any]) -> str:
    """Return the comparison grid and the figures of a complete valuation, as Markdown."""
    sales: Sequence[Mapping[str, Any]] = valuation["comparables"]["sales"]
    groups = [part["group"] for part in sales[0]["adjustments"]]
    usd_of = [{part["group"]: part["usd"] for part in sale["adjustments"]} for sale in sales]
    lines = [
        _row("", "the house", *(f"sale {sale['id']}" for sale in sales)),
        "|---" * (len(sales) + 2) + "|",
        _row("sold in", "", *(sale["soldIn"] for sale in sales)),
        _row("distance", "", *(f"{sale['distance']:.2f}" for sale in sales)),
        *(
            _row(title_of(key), *(shown(key, one[key]) for one in (house, *(sale["house"] for sale in sales))))
            for key in FEATURES
        ),
        _row("**sale price, USD**", "", *(_amount(sale["salePrice"]) for sale in sales)),
        *(_row(group_title(group), "", *(_signed(usd[group]) for usd in usd_of)) for group in groups),
        _row("**adjusted price, USD**", "", *(_amount(sale["adjustedPrice"]) for sale in sales)),
        _row("weight in the mean", "", *(f"{sale['weight']:.1%}" for sale in sales)),
    ]
    return "\n".join([*lines, "", *_figures(valuation)])


def write(table: str) -> None:
    """Write the grid into its page."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}", encoding="utf-8")


def _figures(valuation: Mapping[str, Any]) -> Iterable[str]:
    price, value, explanation = valuation["price"], valuation["value"], valuation["explanation"]
    yield _row("", "USD", "90 % interval")
    yield "|---|---|---|"
    yield _row("predicted price", _amount(price["predictedPrice"]), _interval(price["priceInterval"]))
    yield _row("weighted mean of the adjusted prices", _amount(valuation["comparables"]["estimate"]), "")
    yield _row("**value**", f"**{_amount(value['amount'])}**", _interval(value["interval"]))
    yield ""
    yield _row("", "USD")
    yield "|---|---|"
    yield _row("a typical house", _amount(explanation["typicalPrice"]))
    for part in explanation["differences"]:
        yield _row(group_title(part["group"]), _signed(part["usd"]))
    yield _row("the house (predicted price)", _amount(price["predictedPrice"]))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def title_of(key: str) -> str:
    """Return the title of a feature, with the unit of an area."""
    column = _COLUMN_OF_KEY[key]
    return f"{column.title}, {column.unit}" if column.unit == _AREA else column.title


def group_title(group: str) -> str:
    """Return the title of a group of features, with its key."""
    return f"{GROUP_TITLES[group]} (`{group}`)"


def shown(key: str, value: Any) -> str:
    """Return a value of a feature as the grid shows it: a word in the words for people."""
    column = _COLUMN_OF_KEY[key]
    if column.unit == _AREA and value is not None:
        return f"{value:,.0f}"
    return str(value) if column.words is None else column.labels[value]


def _amount(usd: float) -> str:
    return f"{usd:,.0f}"


def _signed(usd: float) -> str:
    return f"{usd:+,.0f}" if round(usd) else "0"


def _interval(interval: Mapping[str, float]) -> str:
    return f"{_amount(interval['low'])} to {_amount(interval['high'])}"


def read_grid(path: Path = PAGE) -> str:
    """Return the grid that the page shows."""
    return path.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
