"""A check as one HTML file that loads nothing: plots are inline SVG, and it works from a disk or in a mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from housing_price_model.drift.check import Check
from housing_price_model.drift.columns import Bins
from housing_price_model.drift.compare import Comparison
from housing_price_model.drift.findings import (
    FALSE_ALARMS,
    LEAST_KS,
    LEAST_POINTS,
    LEAST_RATIO,
    LEAST_ROWS,
    MAJOR_PSI,
    MODERATE_PSI,
    Family,
)
from housing_price_model.reference.tally import GROUP

_SHOWN_BINS: Final = 12
_SHOWN_COLUMNS: Final = 15


@dataclass(frozen=True)
class Plot:
    """A plot of shares with its title; `marked` labels stand out, and the title of what raises the alarm."""

    title: str
    bins: Bins
    marked: Sequence[str] = ()
    is_alarmed: bool = False


def page(check: Check) -> str:
    """Write the page."""
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
        shown_columns=_SHOWN_COLUMNS,
        false_alarms=sum(FALSE_ALARMS.values()),
        moderate=MODERATE_PSI,
        major=MAJOR_PSI,
        least_ks=LEAST_KS,
        least_ratio=LEAST_RATIO,
        least_points=LEAST_POINTS,
        least_rows=LEAST_ROWS,
    )


def _alarmed(found: Comparison) -> list[tuple[str, str, list[str]]]:
    """Give each subject once, in the order of the alarms: its family, its name, and what is said of it."""
    said: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in found.alarms:
        said.setdefault((one.family.value, one.subject), {}).setdefault(one.says, []).append(one.measured)
    return [
        (family, subject, ["; ".join(filter(None, [says, *measured])) for says, measured in texts.items()])
        for (family, subject), texts in said.items()
    ]


def _plots(found: Comparison) -> list[Plot]:
    """Give the plots of what raises the alarm; without an alarm, of the columns that moved most."""
    alarmed = {one.subject for one in found.alarms}
    columns = sorted(found.columns, key=lambda column: -column.psi)
    # The neighbourhoods have a plot of their own.
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
    """Keep the first bins and add up the rest."""
    if len(bins.labels) <= _SHOWN_BINS:
        return bins
    kept = _SHOWN_BINS - 1
    rest = f"{len(bins.labels) - kept} others"
    shares = [[*values[:kept], sum(values[kept:])] for values in (bins.logged, bins.reference)]
    return Bins([*bins.labels[:kept], rest], *shares)
