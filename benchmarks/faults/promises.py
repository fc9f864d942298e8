"""What is promised, what was seen, and whether it holds."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Promise:
    """One line of the table.

    Attributes:
        what: What is promised.
        to_hold: What must hold.
        measured: What was seen, in words.
        is_held: Whether it held.
        is_figure: Whether it is a time or a size: on a busy machine it says little, and a quick run does not judge it.
    """

    what: str
    to_hold: str
    measured: str
    is_held: bool
    is_figure: bool


class Findings:
    """Collects the promises of one scenario, and figures beside them."""

    def __init__(self) -> None:
        self.promises: list[Promise] = []
        self.figures: dict[str, Any] = {}

    def expect_at_most(self, what: str, value: float | None, limit: float, unit: str) -> None:
        """Promise that a figure is small enough; None is what was never reached."""
        measured = "never" if value is None else f"{value:,.2f} {unit}"
        is_held = value is not None and value <= limit
        self.promises.append(Promise(what, f"<= {limit:,.6g} {unit}", measured, is_held, is_figure=True))

    def expect_at_least(self, what: str, value: float, limit: float, unit: str) -> None:
        """Promise that a figure is large enough."""
        self.promises.append(Promise(what, f">= {limit:,.6g} {unit}", f"{value:,.1f} {unit}", value >= limit, True))

    def expect_none(self, what: str, found: Iterable[Any], *, is_figure: bool = False) -> None:
        """Promise that there is none of something; where a busy machine may cause some it is a figure."""
        listed = list(found)
        shown = f"{len(listed)}" + (f", first: {str(listed[0])[:200]}" if listed else "")
        self.promises.append(Promise(what, "0", shown, not listed, is_figure=is_figure))

    def expect(self, what: str, to_hold: str, measured: Any, is_held: bool) -> None:
        """Promise something that is no figure."""
        self.promises.append(Promise(what, to_hold, str(measured), is_held, is_figure=False))

    def as_json(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"promises": [asdict(promise) for promise in self.promises], "figures": self.figures}
