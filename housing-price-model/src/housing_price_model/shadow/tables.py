"""A shadow comparison as tables on the terminal."""

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table

from housing_price_model.shadow.comparison import THRESHOLDS, Differences, ShadowComparison

MAX_GROUPS: Final = 10
"""Number of neighbourhoods to show, largest differences first; the JSON document has all."""


def tables(found: ShadowComparison) -> Iterator[RenderableType]:
    """Yield the parts to print, most important first."""
    answers = f"version {found.answered_by}" if found.answered_by else "all answers"
    limits = [f"Beyond {limit:.0%}" for limit in THRESHOLDS]
    shown = Table("Neighbourhood", "Houses", "Mean, USD", "Median, USD", "Median absolute", *limits)
    shown.title = f"Version {found.version} as shadow of {answers}, {found.window}"
    shown.add_row("all", *_figures(found.total), end_section=True)
    by_size = sorted(found.by_group.items(), key=lambda item: -item[1].median_share)
    for name, one in by_size[:MAX_GROUPS]:
        shown.add_row(name, *_figures(one))
    yield shown
    if len(by_size) > MAX_GROUPS:
        yield f"{len(by_size) - MAX_GROUPS} more neighbourhoods have smaller differences."
    yield (
        f"{found.answered_covers:.1%} of the shadow's prices are inside the answered interval, and "
        f"{found.shadow_covers:.1%} of the answered prices are inside the shadow's interval."
    )
    worst = Table(
        "Transaction", "Neighbourhood", "Answered, USD", "Shadow, USD", "Difference", title="Largest differences"
    )
    for pair in found.worst:
        answered, shadow = pair.answered.price, pair.shadow.price
        share = f"{shadow / answered - 1:+.1%}"
        worst.add_row(pair.transaction, pair.group or "", f"{answered:,.0f}", f"{shadow:,.0f}", share)
    yield worst
    if found.answered is None or found.shadow is None:
        yield "No sale prices are known for these houses."
        return
    title = f"Errors against {found.sales:,} known sale prices"
    realised = Table("", "MAE, USD", "RMSLE", "Coverage", title=title)
    for name, error in ((answers, found.answered), (f"version {found.version}", found.shadow)):
        realised.add_row(name, f"{error.mae_usd:,.0f}", f"{error.rmsle:.4f}", f"{error.coverage:.1%}")
    yield realised


def _figures(one: Differences) -> list[str]:
    figures = [f"{one.rows:,}", f"{one.mean_usd:+,.2f}", f"{one.median_usd:+,.2f}", f"{one.median_share:.2%}"]
    return [*figures, *(f"{share:.1%}" for share in one.beyond)]
