"""The model card of a candidate: with its data checks, its comparison with the champion and its gate."""

from typing import Any, Final

import orjson

from housing_price_model.candidate.comparison import COMPARE, COMPARISON, EVALUATE, MEASURED
from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.gate import GATE_STEP
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.search import SEARCH
from housing_price_model.candidate.training import SPLIT, TRAIN
from housing_price_model.candidate.validation import VALIDATE
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.survey.data import read_houses
from housing_price_model.training.held_out_measures import MEASURES, HeldOutMeasures
from housing_price_model.training.model_card import HTML, MARKDOWN, card_content, write_card
from housing_price_model.training.train import RUN_FILES

CONTENT: Final = "content.json"
"""The content of the card, to write it again with the number of the registered version."""


def write(task: Task) -> Result:
    """Write the card from the results of the earlier steps."""
    content = _content(task)
    (task.out / CONTENT).write_bytes(orjson.dumps(content))
    write_card(content, task.out)
    return {"files": [MARKDOWN, HTML]}


CARD: Final = Step(
    "card",
    tuple(one.name for one in (EXTRACT, VALIDATE, SEARCH, SPLIT, TRAIN, EVALUATE, COMPARE, GATE_STEP)),
    write,
)


def _content(task: Task) -> dict[str, Any]:
    training, search = task.results[TRAIN.name], task.results[SEARCH.name]
    measured = orjson.loads((task.inputs[EVALUATE.name] / MEASURED).read_bytes())
    run_files = task.inputs[TRAIN.name] / RUN_FILES
    # An earlier release, whose run is resumed, stored no measures of values.
    values = HeldOutMeasures.read(run_files / MEASURES) if (run_files / MEASURES).exists() else None
    common = card_content(
        read_houses(task.inputs[EXTRACT.name] / HOUSES),
        recipe=Recipe(**search["recipe"]),
        seed=task.parameters.seed,
        model_id=training["model_id"],
        metrics=measured["overall"],
        studies={"price": measured["ratio_studies"]} if values is None else values.studies,
        valuation=None if values is None else values.valuation,
        training_seconds=training["training_seconds"],
        run_files=run_files,
    )
    return common | {
        "run_id": task.run_id,
        "data": task.results[EXTRACT.name],
        "validation": task.results[VALIDATE.name],
        "search": search,
        "folds": task.results[SPLIT.name]["folds"],
        "groups": measured["groups"],
        "comparison": orjson.loads((task.inputs[COMPARE.name] / COMPARISON).read_bytes()),
        "gate": task.results[GATE_STEP.name],
    }
