"""One caller asks for five times what its key allows, beside another one who stays within."""

import subprocess
import sys
from pathlib import Path

from benchmarks.faults.testbed import Testbed
from benchmarks.paths import REPOSITORY, STATE
from benchmarks.processes import environment

LIMIT_PER_SECOND = 40
TIMES_TOO_MUCH = 5
TOO_MANY = 429
CREATE_SECONDS = 60


def rate_limited_key(testbed: Testbed) -> None:
    """One key at five times its rate of 40/s, another at half of it."""
    stub = testbed.start_stub()
    keys = STATE / "keys" / f"{stub.port}.json"
    keys.parent.mkdir(parents=True, exist_ok=True)
    keys.unlink(missing_ok=True)
    greedy, modest = (f"Authorization: Bearer {_created(keys, name)}" for name in ("greedy", "modest"))
    orchestrator = testbed.start_orchestrator(
        stub.port,
        ORCHESTRATOR_AUTH__KEYS_FILE=str(keys),
        ORCHESTRATOR_RATE_LIMIT__REQUESTS=f"{LIMIT_PER_SECOND}/second",
    )
    seconds = testbed.duration(20, 3)
    expected = testbed.expected_from_stub
    rate = float(LIMIT_PER_SECOND)
    options = {"rate": rate / 2, "seconds": seconds, "name": "modest", "headers": [modest]}
    with (
        testbed.start_load(orchestrator, expected, **options) as modest_load,
        testbed.start_load(
            orchestrator, expected, rate=TIMES_TOO_MUCH * rate, seconds=seconds, name="greedy", headers=[greedy]
        ) as greedy_load,
    ):
        within, beyond = modest_load.finish(), greedy_load.finish()
    keys.unlink()
    passed = len(beyond.priced) / seconds
    found = testbed.findings
    found.figures |= {"within": within.summary, "beyond": beyond.summary, "passed_per_second": passed}
    off = abs(passed / LIMIT_PER_SECOND - 1) * 100
    found.expect_at_most(f"{passed:.1f}/s of the greedy key's requests pass; off its limit of {rate:g}/s", off, 10, "%")
    found.expect_none("others that are not 429", beyond.failed.other_than(TOO_MANY))
    refused = beyond.failed
    found.expect_none("429 without Retry-After", refused.where(lambda request: request.retry_after is None))
    found.expect("some are refused, some are priced", "> 0", beyond.statuses, bool(len(refused) and len(beyond.priced)))
    found.expect_none("requests of the other key without a price", within.failed)
    found.expect_none("wrong prices", [*within.wrong, *beyond.wrong])


def _created(keys: Path, name: str) -> str:
    """Make a key as an operator does; gives it."""
    made = subprocess.run(  # noqa: S603 - the project's own command
        [
            *(sys.executable, "-m", "housing_price_orchestrator", "keys", "create", name),
            *("--scope", "predict", "--file", str(keys)),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment(),
        timeout=CREATE_SECONDS,
        check=True,
    )
    return made.stdout.split()[-1]
