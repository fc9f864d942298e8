"""Makes a check and gives out what it found: once, or again and again."""

import json
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from types import FrameType

from housing_price_model.atomic_write import write_atomically
from housing_price_model.console import output, print_error
from housing_price_model.drift.check import Check, check
from housing_price_model.drift.output.document import document
from housing_price_model.drift.output.metrics import LatestCheck, metrics_text, served
from housing_price_model.drift.output.page import page
from housing_price_model.drift.output.tables import summary, tables
from housing_price_model.drift.profiles import Profiles
from housing_price_model.errors import ArtefactError, HousingPriceModelError
from housing_price_model.prediction_log.reader import Window, opened


@dataclass(frozen=True)
class Asked:
    """What the caller asked for; see `housing-price-model drift --help`."""

    log_url: str
    start: datetime | None
    end: datetime | None
    last: timedelta | None
    model_id: str | None
    models: tuple[str, ...]
    silent: tuple[str, ...]
    tracking_uri: str
    as_json: Path | None
    html: Path | None
    metrics: Path | None

    def window(self, now: datetime) -> Window:
        """Give the window to look at."""
        return Window(now - self.last, now) if self.last else Window(self.start, self.end)


def once(asked: Asked) -> Check:
    """Check, print and write.

    Raises:
        HousingPriceModelError: the log or the registry cannot be read, a file cannot be written, or there are prices
            and none of them could be judged.
    """
    found = _checked(asked, Profiles(asked.models, asked.tracking_uri), _now())
    for part in tables(found):
        output.print(part)
    if found.unjudged and not found.judged:
        raise ArtefactError(found.unjudged[0][1])
    return found


def repeat(asked: Asked, every: timedelta, scraped_at: tuple[str, int] | None = None) -> None:
    """Check until SIGTERM or SIGINT, and print a line for each; a check that fails is told, and the next one comes.

    What was written stays as it was when a check fails: the metric with the time of the last check tells.

    Args:
        asked: What to check.
        every: How long from the beginning of a check to that of the next one.
        scraped_at: A host and a port at which the metrics of the latest check can be scraped.

    Raises:
        OutputError: that address cannot be listened on.
    """
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    latest = LatestCheck()
    with ExitStack() as stack:
        if scraped_at is not None:
            _say(f"metrics at {stack.enter_context(served(latest, *scraped_at))}")
        profiles = Profiles(asked.models, asked.tracking_uri)
        while not stop.is_set():
            started = monotonic()
            try:
                found = _checked(asked, profiles, _now())
                latest.show(found)
                for line in summary(found):
                    _say(line)
            except HousingPriceModelError as exc:
                print_error(exc)
            stop.wait(max(every.total_seconds() - (monotonic() - started), 0))


def _say(line: str) -> None:
    output.print(line, markup=False, highlight=False, soft_wrap=True)


def _checked(asked: Asked, profiles: Profiles, now: datetime) -> Check:
    with opened(asked.log_url) as log:
        found = check(log, asked.window(now), profiles, now, model_id=asked.model_id, silent=asked.silent)
    if asked.as_json:
        write_atomically(asked.as_json, json.dumps(document(found), indent=2) + "\n")
    if asked.html:
        write_atomically(asked.html, page(found))
    if asked.metrics:
        write_atomically(asked.metrics, metrics_text(found))
    return found


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
