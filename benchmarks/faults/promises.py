"""Promises of the service, the measured values, and whether the promises hold."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Promise:
    """One line of the table of promises."""

    name: str
    """The promised figure or property."""
    expected: str
    """The limit or expected value."""
    measured: str
    """The measured value, as text."""
    is_held: bool
    """Whether the promise holds."""
    is_figure: bool
    """Whether it is a time or size. A quick run ignores these, because a busy machine distorts them."""


class Findings:
    """Collects the promises of one scenario and further figures."""

    def __init__(self) -> None:
        self.promises: list[Promise] = []
        self.figures: dict[str, Any] = {}

    def expect_at_most(self, name: str, value: float | None, limit: float, unit: str) -> None:
        """Expect a figure of at most `limit`; None means that the event never happened."""
        measured = "never" if value is None else f"{value:,.2f} {unit}"
        is_held = value is not None and value <= limit
        self.promises.append(Promise(name, f"<= {limit:,.6g} {unit}", measured, is_held, is_figure=True))

    def expect_at_least(self, name: str, value: float, limit: float, unit: str) -> None:
        """Expect a figure of at least `limit`."""
        self.promises.append(Promise(name, f">= {limit:,.6g} {unit}", f"{value:,.1f} {unit}", value >= limit, True))

    def expect_none(self, name: str, found: Iterable[Any], *, is_figure: bool = False) -> None:
        """Expect an empty collection. Set `is_figure` if a busy machine can cause entries."""
        listed = list(found)
        shown = f"{len(listed)}" + (f", first: {str(listed[0])[:200]}" if listed else "")
        self.promises.append(Promise(name, "0", shown, not listed, is_figure=is_figure))

    def expect(self, name: str, expected: str, measured: Any, is_held: bool) -> None:
        """Expect a property that is not a figure."""
        self.promises.append(Promise(name, expected, str(measured), is_held, is_figure=False))

    def as_json(self) -> dict[str, Any]:
        """Return promises and figures for the results file."""
        return {"promises": [asdict(promise) for promise in self.promises], "figures": self.figures}
