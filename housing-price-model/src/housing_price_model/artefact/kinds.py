"""The two kinds of models: their names, and the files of which they consist."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from housing_price_model.errors import ArtefactError

SPECIFICATION: Final = "artifacts/spec.json"
GRAPH: Final = "artifacts/graph.onnx"
PROFILE: Final = "profile"
"""Name of the artefact with the reference profile; its file is `profile.json`."""


@dataclass(frozen=True)
class Kind:
    """A kind of model."""

    registered_name: str
    """The name of its registered model."""
    code: str
    """The file of its code."""
    artifacts: Mapping[str, str]
    """The files of its artefacts, by the names that MLflow gives them."""


PRICE: Final = Kind("housing-price", "served.py", MappingProxyType({"graph": GRAPH, "spec": SPECIFICATION}))

ARRAYS: Final[Mapping[str, str]] = MappingProxyType(
    {name: f"artifacts/{name}.npy" for name in ("categories", "numbers", "prices", "ids", "pids")}
)
"""The files of the arrays of sold houses, by name."""

COMPARABLES: Final = Kind(
    "housing-comparables", "served_comparables.py", MappingProxyType({**ARRAYS, "spec": SPECIFICATION})
)

KINDS: Final = (PRICE, COMPARABLES)


def require_price_model(registered_name: str, source: object) -> None:
    """Check that a model prices houses; `source` is its folder or URI, for the message.

    Raises:
        ArtefactError: It finds comparable sales.
    """
    if registered_name == COMPARABLES.registered_name:
        raise ArtefactError(f"{source}: expected a model that prices houses; {registered_name} finds comparable sales")


def require_comparables_model(registered_name: str, source: object) -> None:
    """Check that a model finds comparable sales; `source` is its folder or URI, for the message.

    Raises:
        ArtefactError: It prices houses.
    """
    if registered_name != COMPARABLES.registered_name:
        raise ArtefactError(f"{source}: expected a model that finds comparable sales; {registered_name} prices houses")
