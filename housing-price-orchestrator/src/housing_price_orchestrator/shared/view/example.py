"""A real house of the survey, used in the documentation and in readiness probes. It sold for 105,000 USD."""

import json
from importlib import resources
from typing import Any, Final

from housing_price_orchestrator.shared.view.house import House

EXAMPLE_DOCUMENT: Final[dict[str, Any]] = json.loads(
    resources.files("housing_price_orchestrator.shared.view").joinpath("example_house.json").read_bytes()
)
"""The house as a JSON document."""

EXAMPLE_HOUSE: Final = House.model_validate(EXAMPLE_DOCUMENT)
"""The same house, validated."""
