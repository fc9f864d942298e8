"""The price of a house of which only a few features are known."""

from typing import Annotated, Any, Final, get_type_hints

from pydantic import Field, create_model

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House, HouseId
from housing_price_orchestrator.shared.view.price import FeatureWarning, ModelName, PriceInterval, PriceUsd
from housing_price_orchestrator.shared.view.valuation import DollarYears

REQUIRED_FACTS: Final = ("neighborhood", "overall_qual", "year_built", "gr_liv_area")
"""Fields of `House` without which there is no estimate."""


class Facts(View):
    """The base class of `HouseFacts`."""

    id: Annotated[HouseId | None, Field(title="Id")] = None
    """The caller's own number for the house. It is returned with the estimate."""

    def known(self) -> dict[str, Any]:
        """Return the features that the caller gave, by the name of the field; None for an absent one."""
        return {name: getattr(self, name) for name in type(self).model_fields if self._is_feature(name)}

    def _is_feature(self, name: str) -> bool:
        return name != "id" and name in self.model_fields_set


def _field(name: str, annotation: Any) -> tuple[Any, Any]:
    description = House.model_fields[name].description
    if name in REQUIRED_FACTS:
        return annotation, Field(description=description)

    def without_default(schema: dict[str, Any]) -> None:
        # Leaving a feature out is not the same as null.
        schema.pop("default", None)

    return annotation, Field(default=None, description=description, json_schema_extra=without_default)


_features: dict[str, Any] = {
    name: _field(name, hint) for name, hint in get_type_hints(House, include_extras=True).items() if name != "id"
}

HouseFacts: Final = create_model(
    "HouseFacts",
    __base__=Facts,
    __doc__="""Some features of a house: neighborhood, overall quality, year built, living area, and any others.

    A feature that is left out is unknown, and is assumed. `null` says that the house does not have it.
    """,
    __module__=__name__,
    **_features,
)
"""The features of `House`, of which most may be left out."""


class EstimatedAmount(View):
    """An estimated price."""

    amount: Annotated[PriceUsd, Field(examples=[121_500.25])]
    """The estimate, in US dollars: the median of the prices of the completed houses."""
    interval: PriceInterval
    """The uncertainty of the estimate: that of the assumed features and that of the model."""


class Assumption(View):
    """A feature that was left out, and its value in the completed houses."""

    field: Annotated[str, Field(examples=["bsmtQual"])]
    """The key of the feature."""
    value: Annotated[int | float | str | None, Field(examples=["TA"])]
    """The assumed value: the median of a size or a year, and the most frequent value of any other feature. Null if the
    house is assumed not to have the feature."""
    agreement: Annotated[float, Field(ge=0, le=1, examples=[0.85])]
    """Share of the completed houses that have this value; sizes within 10 % and years within five years count."""


class Estimate(View):
    """The price of a house, estimated from a few facts.

    The sold houses that are most similar in the known features supply the others: each completes the house once.
    """

    id: Annotated[HouseId | None, Field(examples=[1461])]
    """The caller's own number for the house; null if it was left out."""
    estimate: EstimatedAmount
    """The estimated price."""
    assumed: list[Assumption]
    """The features that were left out."""
    sales: Annotated[list[HouseId], Field(min_length=1, examples=[[1022, 27]])]
    """The numbers of the sales that completed the house, nearest first."""
    dollar_years: DollarYears | None
    """All amounts are in US dollars of these years; null if the model server does not publish them."""
    warnings: list[FeatureWarning]
    """Known features outside the values that the model has seen; usually empty."""
    model: ModelName
    """The model that priced the completed houses."""
    comparables_model: ModelName
    """The model that found the sales."""
