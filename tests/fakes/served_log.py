"""The starts of the fake model servers, which they note in the state folder of their stack."""

from pathlib import Path
from typing import Final

from housing_price_platform.orders.moves import ServedModel

FILES: Final = {ServedModel.PRICE: "served.log", ServedModel.COMPARABLES: "served-comparables.log"}


def note_start(state: Path, model: ServedModel, version: str, digest: str | None) -> None:
    """Note that the server of a model starts with a version, and the digest that it must have."""
    with (state / FILES[model]).open("a") as log:
        log.write(f"{version} {digest}\n")


def starts_of(state: Path, model: ServedModel = ServedModel.PRICE) -> list[tuple[str, ...]]:
    """Return version and required digest of each start of the server of a model."""
    return [tuple(line.split()) for line in (state / FILES[model]).read_text().splitlines()]
