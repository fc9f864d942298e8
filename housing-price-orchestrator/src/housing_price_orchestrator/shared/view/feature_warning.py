"""Warnings about features outside the values that the model has seen."""

from typing import Annotated

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View


class ValueRange(View):
    """The lowest and the highest value of a feature among the houses from which the model learned."""

    low: Annotated[float, Field(examples=[334])]
    """The lowest value."""
    high: Annotated[float, Field(examples=[5_642])]
    """The highest value."""


class FeatureWarning(View):
    """A feature outside the values that the model has seen, so that the price is less reliable than its interval says.

    For a number outside the range the model uses the nearest value of the range. For a word that it has not seen it has
    no evidence of the effect on the price. Exactly one of `range` and `words` is present.
    """

    field: Annotated[str, Field(examples=["grLivArea"])]
    """The key of the feature."""
    value: Annotated[int | float | str, Field(examples=[1])]
    """The value of the house."""
    range: Annotated[ValueRange | None, Field(exclude_if=lambda value: value is None)] = None
    """The values that the model has seen, if the feature is a number."""
    words: Annotated[
        list[int | str] | None, Field(exclude_if=lambda value: value is None, examples=[["Gtl", "Mod"]])
    ] = None
    """The words that the model has seen, if the feature is a category."""
