"""The typical house of the survey as a house that can be priced."""

from typing import Final, cast

import msgspec

from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord
from housing_price_survey import typical

TYPICAL_HOUSE: Final = cast("AnyHouse", msgspec.convert({"id": 1, **typical.TYPICAL_HOUSE}, HouseRecord))
"""The typical house. It is the same for every model, also for one that was trained on other data."""
