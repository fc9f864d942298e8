"""Runs drift checks and writes their results, once or at regular intervals."""

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
from housing_price_model.drift.output.metrics import LatestCheck, metrics_text, serve_metrics
from housing_price_model.drift.output.page import page
from housing_price_model.drift.output.tables import summary, tables
from housing_price_model.drift.profiles import Profiles
from housing_price_model.errors import ArtefactError, HousingPriceModelError
from housing_price_model.prediction_log.reader import open_log
from housing_price_model.prediction_log.rows import Window
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.output.tables import print_part
from housing_price_platform.quick_exit import skip_final_garbage_collection


@dataclass(frozen=True)
class DriftOptions:
    """Options of the command; see `housing-price-model drift --help`."""

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
        """Return the window to check."""
        return Window(now - self.last, now) if self.last else Window(self.start, self.end)


def once(options: DriftOptions) -> Check:
    """Run one check, print it and write the configured files.

    Raises:
        HousingPriceModelError: the log or the registry cannot be read, a file cannot be written, or no model with
            predictions in the window could be checked.
    """
    found = _checked(options, Profiles(options.models, options.tracking_uri), _now())
    for part in tables(found):
        print_part(output, part)
    if found.unjudged and not found.judged:
        raise ArtefactError(found.unjudged[0][1])
    return found


def repeat(options: DriftOptions, every: timedelta, scraped_at: tuple[str, int] | None = None) -> None:
    """Run checks until SIGTERM or SIGINT, and print one line per model and check.

    A failed check is reported, and the next one runs as planned. It leaves the written files and metrics unchanged: the
    metric with the time of the latest check shows how old they are.

    Args:
        options: Options of each check.
        every: Interval between the starts of two checks.
        scraped_at: Host and port at which to serve the metrics of the latest check; None to serve none.

    Raises:
        OutputError: the server cannot listen on that address.
    """
    skip_final_garbage_collection()
    keep_running_without_log()
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    latest = LatestCheck()
    with ExitStack() as stack:
        if scraped_at is not None:
            _say(f"metrics at {stack.enter_context(serve_metrics(latest, *scraped_at))}")
        profiles = Profiles(options.models, options.tracking_uri)
        while not stop.is_set():
            started = monotonic()
            try:
                found = _checked(options, profiles, _now())
                latest.show(found)
                for line in summary(found):
                    _say(line)
            except HousingPriceModelError as error:
                print_error(error)
            stop.wait(max(every.total_seconds() - (monotonic() - started), 0))


def _say(line: str) -> None:
    output.print(line, soft_wrap=True)


def _checked(options: DriftOptions, profiles: Profiles, now: datetime) -> Check:
    with open_log(options.log_url) as log:
        found = check(log, options.window(now), profiles, now, model_id=options.model_id, silent=options.silent)
    if options.as_json:
        write_atomically(options.as_json, json.dumps(document(found), indent=2) + "\n")
    if options.html:
        write_atomically(options.html, page(found))
    if options.metrics:
        write_atomically(options.metrics, metrics_text(found))
    return found


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
