"""The values that a model has seen in training, for `GET /ranges`.

A price model replaces each number outside the range of its training data with the nearest value inside
(`artefact/served.py`). Its callers can warn with this document. It is read once, when the server starts.
"""

import json
from pathlib import Path
from typing import Any, Final

import orjson
from mlflow.pyfunc import PyFuncModel

from housing_price_model.artefact.kinds import PROFILE

PATH: Final = "/ranges"


def input_ranges_of(model: PyFuncModel) -> dict[str, Any] | None:
    """Describe the values that a loaded model has seen.

    Returns:
        `model_id`; `numbers`: lowest and highest value by numeric column; `categories`: the words by categorical
        column. The words are those that occur in the training data, or all known words for a model without a profile.
        None for a model that has no ranges.
    """
    context = getattr(model._model_impl, "context", None)  # noqa: SLF001 - MLflow has no public access to it
    artifacts = {} if context is None else context.artifacts
    if "spec" not in artifacts:
        return None
    spec = json.loads(Path(artifacts["spec"]).read_text(encoding="utf-8"))
    if not {"columns", "categories", "lowest", "highest", "model_id"} <= spec.keys():
        return None
    ranges = zip(spec["columns"], spec["lowest"], spec["highest"], strict=True)
    known = spec["categories"]
    seen = _seen_words(Path(artifacts[PROFILE])) if PROFILE in artifacts else {}
    return {
        "model_id": spec["model_id"],
        "numbers": {name: [lowest, highest] for name, lowest, highest in ranges if name not in known},
        "categories": {
            name: [word for word in words if name not in seen or str(word) in seen[name]]
            for name, words in known.items()
        },
    }


def _seen_words(profile: Path) -> dict[str, set[str]]:
    stored = orjson.loads(profile.read_bytes())
    return {
        name: {word for word, count in category["counts"].items() if count > 0}
        for name, category in stored["categories"].items()
    }
