"""A check as one HTML file that loads nothing: plots are inline SVG, and it works from a disk or in a mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
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

_SHOWN_BINS: Final = 12


@dataclass(frozen=True)
class Plot:
    """A plot of shares with its title; `marked` labels stand out."""

    title: str
    bins: Bins
    marked: Sequence[str] = ()


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
        false_alarms=sum(FALSE_ALARMS.values()),
        moderate=MODERATE_PSI,
        major=MAJOR_PSI,
        least_ks=LEAST_KS,
        least_ratio=LEAST_RATIO,
        least_points=LEAST_POINTS,
        least_rows=LEAST_ROWS,
    )


def _alarmed(found: Comparison) -> list[tuple[str, str, list[str]]]:
    """Give each subject once: its family, its name, and what is said of it."""
    alarms = sorted(found.alarms, key=lambda one: list(Family).index(one.family))
    # A column is named once, however many tests of it raise the alarm; the least likely chance comes first.
    subjects = [
        (family.value, subject, [one.says for one in members])
        for (family, subject), members in groupby(
            sorted(alarms, key=lambda one: (list(Family).index(one.family), one.subject)),
            key=lambda one: (one.family, one.subject),
        )
    ]
    least = {(one.family.value, one.subject): one.adjusted for one in reversed(found.alarms)}
    return sorted(subjects, key=lambda one: least[one[0], one[1]])


def _plots(found: Comparison) -> list[Plot]:
    """Give the plots of what raises the alarm; without an alarm, of the columns that moved most."""
    alarmed = {one.subject for one in found.alarms}
    columns = sorted(found.columns, key=lambda column: -column.psi)
    chosen = [column for column in columns if column.name in alarmed] or columns[:3]
    return [Plot(column.name, _shortened(column.bins)) for column in (*found.predictions, *chosen)]


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
