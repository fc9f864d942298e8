"""The title, texts, licence and tags of the API."""

from typing import Any, Final

TITLE: Final = "House prices in Ames"

DESCRIPTION: Final = """
Predicts the sale prices of houses in Ames, Iowa. Send a house as JSON and get its predicted sale price, a 90 %
prediction interval, and the model version that made the prediction.

For a feature that a house does not have, send `null` or omit the key. Unknown keys, unknown values and numbers in
quotes are rejected, and the error names each field.

The code samples read the address of the service from the environment variable `HOUSING_PRICE_API_URL` and, where keys
are required, the key from `HOUSING_PRICE_API_KEY`.
"""

_MAINTAINERS: Final = {"name": "The housing-price maintainers"}
_OPERATOR: Final = "The operator of this service"

LICENSE: Final = {"name": "MIT", "identifier": "MIT"}

TAGS: Final[list[dict[str, Any]]] = [
    {
        "name": "price",
        "x-displayName": "Prices",
        "description": "Predicted sale prices: of one house, of a batch, or of a stream of houses.",
    },
    {
        "name": "valuation",
        "x-displayName": "Valuations",
        "description": (
            "Market values from predicted prices and comparable sales, with an explanation; and estimates from a few "
            "facts about a house."
        ),
    },
    {
        "name": "jobs",
        "x-displayName": "Jobs",
        "description": "Files of houses and trainings, run by workers. Submit a job, follow it, download its result.",
    },
    {
        "name": "predictions",
        "x-displayName": "Prediction log",
        "description": "The prediction log: the houses that were priced, their prices and the model versions.",
    },
    {
        "name": "actual prices",
        "x-displayName": "Actual prices",
        "description": "Actual sale prices, and the realised error of the predictions.",
    },
    {
        "name": "models",
        "x-displayName": "Model versions",
        "description": "The model versions in service, and jobs that change the state of a version.",
    },
    {
        "name": "service",
        "x-displayName": "Service",
        "description": "Liveness, readiness, metrics and links. These operations need no key.",
    },
]
"""The groups of operations, in the order of the reference; ReDoc shows the `x-displayName`."""


def contact_of(address: str) -> dict[str, str]:
    """Return whom callers ask: the operator at `address`, a URL or an e-mail address; without one, the maintainers."""
    if not address:
        return dict(_MAINTAINERS)
    return {"name": _OPERATOR, "email" if "@" in address.partition("/")[0] else "url": address}
