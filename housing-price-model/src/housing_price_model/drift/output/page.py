"""A drift check as a self-contained HTML page: plots are inline SVG, so it can be opened from disk or mailed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from housing_price_model.drift.check import Check
from housing_price_model.drift.columns import Bins
from housing_price_model.drift.compare import Comparison
from housing_price_model.drift.findings import (
    FALSE_ALARMS,
    MAJOR_PSI,
    MIN_KS,
    MIN_POINTS,
    MIN_RATIO,
    MIN_ROWS,
    MODERATE_PSI,
    Family,
)
from housing_price_model.reference.tally import GROUP

_MAX_BINS: Final = 12
_MAX_OPEN_COLUMNS: Final = 15


@dataclass(frozen=True)
class Plot:
    """A plot of shares; `marked` labels are highlighted, and the title if the subject raises the alarm."""

    title: str
    bins: Bins
    marked: Sequence[str] = ()
    is_alarmed: bool = False


def page(check: Check) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=PackageLoader("housing_price_model.drift.output", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        check=check,
        alarmed=_alarmed,
        plots=_plots,
        group_plot=_group_plot,
        shortened=_shortened,
        max_open_columns=_MAX_OPEN_COLUMNS,
        false_alarms=sum(FALSE_ALARMS.values()),
        moderate=MODERATE_PSI,
        major=MAJOR_PSI,
        min_ks=MIN_KS,
        min_ratio=MIN_RATIO,
        min_points=MIN_POINTS,
        min_rows=MIN_ROWS,
    )


def _alarmed(found: Comparison) -> list[tuple[str, str, list[str]]]:
    """Return family, subject and descriptions of each alarmed subject once, in the order of the alarms."""
    descriptions: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in found.alarms:
        descriptions.setdefault((one.family.value, one.subject), {}).setdefault(one.says, []).append(one.measured)
    return [
        (family, subject, ["; ".join(filter(None, [says, *measured])) for says, measured in texts.items()])
        for (family, subject), texts in descriptions.items()
    ]


def _plots(found: Comparison) -> list[Plot]:
    """Return plots of the columns that raise the alarm, or of the three with the largest PSI if none does."""
    alarmed = {one.subject for one in found.alarms}
    columns = sorted(found.columns, key=lambda column: -column.psi)
    # Neighbourhoods have their own plot.
    columns = [column for column in columns if column.name != GROUP]
    chosen = [column for column in columns if column.name in alarmed] or columns[:3]
    predictions = [column for column in found.predictions if column not in chosen]
    return [
        Plot(column.name, _shortened(column.bins), is_alarmed=column.name in alarmed)
        for column in (*chosen, *predictions)
    ]


def _group_plot(found: Comparison) -> Plot:
    marked = [one.subject for one in found.alarms if one.family is Family.GROUPS]
    return Plot("Share of each neighbourhood", found.groups, marked)


def _shortened(bins: Bins) -> Bins:
    """Keep the first bins and merge the rest."""
    if len(bins.labels) <= _MAX_BINS:
        return bins
    kept = _MAX_BINS - 1
    rest = f"{len(bins.labels) - kept} others"
    shares = [[*values[:kept], sum(values[kept:])] for values in (bins.logged, bins.reference)]
    return Bins([*bins.labels[:kept], rest], *shares)
