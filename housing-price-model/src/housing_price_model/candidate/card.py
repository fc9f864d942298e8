"""The model card, as Markdown and as a self-contained HTML page: training data, performance and limitations.

The sections follow Mitchell et al. 2019, "Model Cards for Model Reporting", where they apply.
"""

from base64 import b64encode
from pathlib import Path
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from housing_price_model.candidate.comparison import COMPARE, COMPARISON, EVALUATE, MEASURED
from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.gate import GATE_STEP
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.search import SEARCH
from housing_price_model.candidate.training import SPLIT, TRAIN
from housing_price_model.candidate.validation import VALIDATE
from housing_price_model.survey.data import read_houses
from housing_price_model.training.train import RUN_FILES

MARKDOWN: Final = "model-card.md"
HTML: Final = "model-card.html"

_PLOTS: Final = {
    "actual_against_predicted.png": "Cross-validated prices against sale prices",
    "residuals.png": "Cross-validated errors",
    "error_by_neighbourhood.png": "Cross-validated errors by neighbourhood",
    "most_important_features.png": "Most important columns",
}


def write_card(task: Task) -> Result:
    """Write the card from the results of the earlier steps."""
    environment = Environment(
        loader=PackageLoader("housing_price_model.candidate", "."),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content = _content(task)
    for name in (MARKDOWN, HTML):
        text = environment.get_template(f"{name}.jinja").render(content)
        (task.out / name).write_text(text, encoding="utf-8")
    return {"files": [MARKDOWN, HTML]}


CARD: Final = Step(
    "card",
    tuple(one.name for one in (EXTRACT, VALIDATE, SEARCH, SPLIT, TRAIN, EVALUATE, COMPARE, GATE_STEP)),
    write_card,
)


def _content(task: Task) -> dict[str, Any]:
    houses = read_houses(task.inputs[EXTRACT.name] / HOUSES)
    years = houses.features["YrSold"]
    plots = task.inputs[TRAIN.name] / RUN_FILES / "plots"
    return {
        "run_id": task.run_id,
        "parameters": task.parameters.to_json(),
        "data": task.results[EXTRACT.name],
        "data_sha256": houses.digest,
        "houses": len(houses),
        "prices": [float(value) for value in (houses.prices.min(), houses.prices.max())],
        "sold": [int(years.min()), int(years.max())],
        "validation": task.results[VALIDATE.name],
        "search": task.results[SEARCH.name],
        "folds": task.results[SPLIT.name]["folds"],
        "training": task.results[TRAIN.name],
        "measured": orjson.loads((task.inputs[EVALUATE.name] / MEASURED).read_bytes()),
        "comparison": orjson.loads((task.inputs[COMPARE.name] / COMPARISON).read_bytes()),
        "gate": task.results[GATE_STEP.name],
        "plots": [{"file": name, "title": title, "data": _base64(plots / name)} for name, title in _PLOTS.items()],
    }


def _base64(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii")
