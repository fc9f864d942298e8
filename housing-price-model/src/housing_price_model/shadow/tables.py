"""Shows a comparison with a shadow on a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from housing_price_model.shadow.comparison import FAR, Differences, ShadowComparison

GROUPS_SHOWN = 10
"""Of the neighbourhoods, those that differ most; all stand in the JSON."""


def tables(found: ShadowComparison) -> Iterator[RenderableType]:
    """Give everything in the order of its interest."""
    answers = f"version {found.answered_by}" if found.answered_by else "what was answered"
    limits = [f"Beyond {limit:.0%}" for limit in FAR]
    shown = Table("Houses of", "Houses", "Mean, USD", "Median, USD", "Median, size", *limits)
    shown.title = f"Version {found.version} as shadow of {answers}, {found.window}"
    shown.add_row("everywhere", *_figures(found.total), end_section=True)
    by_size = sorted(found.by_group.items(), key=lambda item: -item[1].median_share)
    for name, one in by_size[:GROUPS_SHOWN]:
        shown.add_row(name, *_figures(one))
    yield shown
    if len(by_size) > GROUPS_SHOWN:
        yield f"{len(by_size) - GROUPS_SHOWN} further neighbourhoods differ less."
    yield (
        f"{found.answered_covers:.1%} of the shadow's prices are inside the interval that was answered, and "
        f"{found.shadow_covers:.1%} of the answered prices inside the shadow's."
    )
    worst = Table("Transaction", "Neighbourhood", "Answered, USD", "Shadow, USD", "Difference", title="Furthest apart")
    for pair in found.worst:
        answered, shadow = pair.answered.price, pair.shadow.price
        share = f"{shadow / answered - 1:+.1%}"
        worst.add_row(pair.transaction, pair.group or "", f"{answered:,.0f}", f"{shadow:,.0f}", share)
    yield worst
    if found.answered is None or found.shadow is None:
        yield "None of these houses is known to be sold since."
        return
    realised = Table("", "MAE, USD", "RMSLE", "Coverage", title=f"The {found.sales:,} houses that were sold since")
    for name, error in ((answers, found.answered), (f"version {found.version}", found.shadow)):
        realised.add_row(name, f"{error.mae_usd:,.0f}", f"{error.rmsle:.4f}", f"{error.coverage:.1%}")
    yield realised


def _figures(one: Differences) -> list[str]:
    figures = [f"{one.rows:,}", f"{one.mean_usd:+,.2f}", f"{one.median_usd:+,.2f}", f"{one.median_share:.2%}"]
    return [*figures, *(f"{share:.1%}" for share in one.beyond)]
