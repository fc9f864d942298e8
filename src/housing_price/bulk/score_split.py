"""Prices one split of a file and writes its results as parts. Both engines call it, on any machine and in any order."""

import secrets
from collections.abc import Iterator
from itertools import batched
from typing import Final

from housing_price.bulk.files.parts import Order, Part
from housing_price.bulk.files.splits import ROWS_PER_SPLIT, Split, read_split
from housing_price.bulk.model import LoadedModel
from housing_price.errors import BulkError
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.priced_rows import PricedRow
from housing_price_orchestrator.worker.refused_rows import describe_error, refused_line
from housing_price_orchestrator.worker.write_results import result_format
from housing_price_platform.files import READABLE, write_atomically

ROWS_PER_CALL: Final = 1_000
"""Rows that the model prices at a time."""
ROWS_PER_PART: Final = ROWS_PER_SPLIT
"""Maximum rows of a part, which is held in memory."""


def score_split(order: Order, split: Split, model: LoadedModel) -> Iterator[Part]:
    """Price the rows of a split, and yield each part when it is written.

    Raises:
        BulkError: The input cannot be read, or a part cannot be written.
    """
    number = split.before
    for houses in batched(read_split(order.source, split), ROWS_PER_PART, strict=False):
        priced: list[PricedRow] = []
        refused: list[tuple[int, HousingPriceError]] = []
        before = number
        for block in batched(houses, ROWS_PER_CALL, strict=False):
            _score_block(block, number, model, priced, refused)
            number += len(block)
        part = Part(before, number - before, len(refused), f"{before:012d}-{secrets.token_hex(8)}")
        _write(order, part, priced, refused)
        yield part


def _score_block(
    block: tuple[AnyHouse | HousingPriceError, ...],
    before: int,
    model: LoadedModel,
    priced: list[PricedRow],
    refused: list[tuple[int, HousingPriceError]],
) -> None:
    """Price successive rows and add them to the priced or the refused ones, in order."""
    outcomes = iter(model.price_each([house for house in block if not isinstance(house, HousingPriceError)]))
    for number, house in enumerate(block, before + 1):
        if isinstance(house, HousingPriceError):
            refused.append((number, house))
            continue
        outcome = next(outcomes)
        if isinstance(outcome, HousingPriceError):
            refused.append((number, outcome))
        else:
            priced.append(PricedRow(number, house.id, outcome, model.warnings_of(house)))


def _write(order: Order, part: Part, priced: list[PricedRow], refused: list[tuple[int, HousingPriceError]]) -> None:
    lines = b"".join(refused_line(number, describe_error(error)) for number, error in refused)
    content = result_format(order.output_format).write(priced)
    try:
        for path, text in ((part.priced_file(order.parts), content), (part.refused_file(order.parts), lines)):
            write_atomically(path, text, mode=READABLE, is_durable=order.is_durable)
    except OSError as error:
        raise BulkError(f"{order.parts}: cannot be written ({error.strerror or error})") from error
