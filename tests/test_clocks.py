"""The wall clock tells dates only. It can be set, so durations, pauses and schedules follow the monotonic clock."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SOURCES = (
    *("src", "housing-price-model/src", "housing-price-model/mlserver/src", "housing-price-orchestrator/src"),
    *("housing-price-platform/src", "housing-price-survey/src", "mlflow-server/src", "deploy"),
)
WALL_CLOCK = re.compile(
    r"\btime\.(time|time_ns|localtime|gmtime)\b|\bdatetime\.(now|today|utcnow)\(|from time import.*\btime\b"
)

DATES = {
    "candidate.py": "the name of a run's folder",
    "create.py": "when a backup was made",
    "export.py": "the age of folders that an interrupted export left behind",
    "export_version.py": "when an export was made",
    "history.py": "the range of dates of a query",
    "ids.py": "ids that sort by date",
    "keyring.py": "compares the expiry date of a key",
    "keys.py": "when a key was made, expires and was revoked",
    "logs.py": "the date of a log event",
    "model_card.py": "when a version was registered",
    "move_rules.py": "when a version was moved",
    "move_steps.py": "when a version was moved",
    "outcome.py": "when a model was trained",
    "prediction_log.py": "the date of a price and the age of rows",
    "queue.py": "the age of jobs and of reports of workers",
    "restore.py": "the name of the folder that a restoration replaced",
    "retention.py": "the age of jobs",
    "run.py": "the range of dates of a drift check",
    "running_workers.py": "when a worker reported, compared on other machines",
    "steps.py": "the range of dates of a candidate",
    "swap.py": "when a canary was stopped",
    "tokens.py": "compares the expiry date of a token",
    "versions.py": "when a version was registered",
    "worker.py": "the range of dates of a drift check",
}


def test_only_modules_that_need_dates_read_the_wall_clock() -> None:
    modules = [path for source in SOURCES for path in (REPOSITORY / source).rglob("*.py")]
    assert len(modules) > 250
    assert {path.name for path in modules if WALL_CLOCK.search(path.read_text())} == set(DATES)
