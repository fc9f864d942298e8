"""The measures of held-out prices and values, stored with a training run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import orjson

from housing_price_model.errors import ArtefactError

MEASURES: Final = "measures.json"
"""The file among the artefacts of a run."""


@dataclass(frozen=True)
class HeldOutMeasures:
    """The measures of a training run."""

    valuation: Mapping[str, Any]
    """Of price, comparables and value; see `comparables.held_out_values.report`."""
    studies: Mapping[str, Sequence[Mapping[str, Any]]]
    """The ratio studies of price and value; see `fitting.ratio_studies`."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """Write the measures to a JSON file."""
        path.write_bytes(orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the measures from a JSON file.

        Raises:
            ArtefactError: The file cannot be read.
        """
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ArtefactError(f"{path}: not valid measures ({error})") from error
