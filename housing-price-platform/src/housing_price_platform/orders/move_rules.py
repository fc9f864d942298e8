"""The moves that are refused now: a document that the lifecycle worker writes and the API reads."""

from pathlib import Path
from typing import Final, Literal

from housing_price_platform.orders.document import Document
from housing_price_platform.orders.moves import ServedModel

MOVE_RULES: Final = "moves.json"
"""Name of the document in the serving folder."""

type RefusalCode = Literal["transition-illegal", "model-refused", "version-unknown"]


def serving_folder_of(folder: Path, model: ServedModel) -> Path:
    """Return the folder with the documents and exports of a model, inside the serving folder of a stack."""
    return folder if model is ServedModel.PRICE else folder / model.value


class Refusal(Document):
    """Why a move is refused."""

    code: RefusalCode
    """The code with which the job of the move would fail."""
    detail: str
    """The explanation for the caller."""


class RefusedMoves(Document):
    """The versions in the registry, and the moves of each that the lifecycle worker would refuse.

    The worker sets the file's modification time after each reading of the registry, whether or not anything changed.
    """

    versions: dict[str, dict[str, Refusal]]
    """By version and action; a version without refusals has an empty object."""
