"""One caller exceeds the rate limit of its key fivefold, while another stays within its limit."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.faults.testbed import Testbed
from benchmarks.paths import REPOSITORY, STATE
from benchmarks.processes import environment

RATE_LIMIT_PER_SECOND: Final = 40
EXCESS_FACTOR: Final = 5
TOO_MANY_REQUESTS: Final = 429
CREATE_KEY_TIMEOUT_SECONDS: Final = 60


def rate_limited_key(testbed: Testbed) -> None:
    """One key at five times its rate limit of 40/s, another at half of it."""
    stub = testbed.start_stub()
    keys = STATE / "keys" / f"{stub.port}.json"
    keys.parent.mkdir(parents=True, exist_ok=True)
    keys.unlink(missing_ok=True)
    excessive, moderate = (f"Authorization: Bearer {_create_key(keys, name)}" for name in ("excessive", "moderate"))
    orchestrator = testbed.start_orchestrator(
        stub.port,
        variables={
            "ORCHESTRATOR_AUTH__KEYS_FILE": str(keys),
            "ORCHESTRATOR_RATE_LIMIT__REQUESTS": f"{RATE_LIMIT_PER_SECOND}/second",
        },
    )
    seconds = testbed.duration(20, 3)
    expected = testbed.expected_from_stub
    rate = float(RATE_LIMIT_PER_SECOND)
    options = {"rate": rate / 2, "seconds": seconds, "name": "moderate", "headers": [moderate]}
    with (
        testbed.start_load(orchestrator, expected, **options) as moderate_load,
        testbed.start_load(
            orchestrator, expected, rate=EXCESS_FACTOR * rate, seconds=seconds, name="excessive", headers=[excessive]
        ) as excessive_load,
    ):
        within, beyond = moderate_load.finish(), excessive_load.finish()
    keys.unlink()
    accepted_per_second = len(beyond.priced) / seconds
    findings = testbed.findings
    findings.figures |= {"within": within.summary, "beyond": beyond.summary, "passed_per_second": accepted_per_second}
    deviation_percent = abs(accepted_per_second / RATE_LIMIT_PER_SECOND - 1) * 100
    findings.expect_at_most(
        f"deviation of the accepted {accepted_per_second:.1f}/s from the limit of {rate:g}/s",
        deviation_percent,
        10,
        "%",
    )
    findings.expect_none("errors other than 429", beyond.failed.other_than(TOO_MANY_REQUESTS))
    refused = beyond.failed
    findings.expect_none("429 without Retry-After", refused.where(lambda request: request.retry_after is None))
    findings.expect(
        "both refused and priced requests occur", "> 0", beyond.statuses, bool(len(refused) and len(beyond.priced))
    )
    findings.expect_none("requests of the other key without a price", within.failed)
    findings.expect_none("wrong prices", [*within.wrong, *beyond.wrong])


def _create_key(keys: Path, name: str) -> str:
    """Create a key with the orchestrator's command; returns it."""
    completed = subprocess.run(  # noqa: S603 - the project's own command
        [
            *(sys.executable, "-m", "housing_price_orchestrator", "keys", "create", name),
            *("--scope", "predict", "--file", str(keys)),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment(),
        timeout=CREATE_KEY_TIMEOUT_SECONDS,
        check=True,
    )
    return completed.stdout.split()[-1]
