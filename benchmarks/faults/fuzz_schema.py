"""Fuzzes the operations of the OpenAPI document with valid and invalid requests; answers must match the document."""

import contextlib
import json
import time
from http.client import HTTPException
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from benchmarks import houses
from benchmarks.faults.fuzz_bytes import statuses_documented
from benchmarks.faults.testbed import Testbed, send
from benchmarks.faults.valid_cases import Case, Operation, can_generate, keep_invalid, make_valid, operation_of
from benchmarks.processes import Server

SEED: Final = 1
EXAMPLES: Final = 40
HANG_TIMEOUT_SECONDS: Final = 15.0
SERVER_ERROR: Final = 500
MAX_LISTED_PROBLEMS: Final = 20
BATCH_PATH: Final = f"{houses.PREDICT_PATH}/batch"

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_REAL: Final = st.sampled_from(range(200)).map(lambda house: houses.documents()[house])
_CHANGES: Final = st.dictionaries(
    st.sampled_from([*houses.ALIAS_OF_COLUMN.values(), "id"]), any_json, min_size=1, max_size=3
)
changed_houses = st.builds(lambda house, changes: house | changes, _REAL, _CHANGES)
requests = st.one_of(
    st.tuples(st.just(houses.PREDICT_PATH), any_json | changed_houses),
    st.tuples(st.just(BATCH_PATH), st.builds(lambda listed: {"data": listed}, st.lists(changed_houses, max_size=3))),
)


def fuzz_schema(testbed: Testbed) -> None:
    """Schemathesis over the OpenAPI document, valid and invalid, and houses with arbitrary values, for 10 minutes."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port)
    end = time.monotonic() + testbed.duration(testbed.minutes * 60, 4)
    url = f"http://127.0.0.1:{orchestrator.port}"
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")
    # The byte fuzzer covers streams.
    operations = [operation_of(result) for result in document.get_all_operations()]
    operations = [operation for operation in operations if can_generate(operation)]
    problems: list[str] = []
    tried = 0
    seed_number = SEED
    print(f"seeds from {SEED}")  # noqa: T201 - a random test prints its seed
    while seed_number == SEED or time.monotonic() < end:
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if seed_number > SEED and time.monotonic() > end:
                    break
                tried += _fuzz_operation(operation, mode, url, seed_number, problems)
        tried += _fuzz_houses(orchestrator, seed_number, problems)
        seed_number += 1
    findings = testbed.findings
    findings.figures |= {
        "requests": tried,
        "seeds": [SEED, seed_number - 1],
        "problems": problems[:MAX_LISTED_PROBLEMS],
    }
    findings.expect_none(f"5xx, undocumented or missing answers within 15 s (of {tried:,} requests)", problems)


def _fuzz_operation(operation: Operation, mode: GenerationMode, url: str, seed_number: int, problems: list[str]) -> int:
    """Send generated requests of one operation and validate each answer; returns the number of requests."""
    tried = 0

    @seed(seed_number)
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Case) -> None:
        nonlocal tried
        if mode is GenerationMode.POSITIVE:
            make_valid(case)
        else:
            assume(keep_invalid(case))
        tried += 1
        try:
            case.call_and_validate(base_url=url, timeout=HANG_TIMEOUT_SECONDS)
        except (FailureGroup, Exception) as error:  # noqa: BLE001 - every failure is a finding
            problems.append(f"seed {seed_number}, {operation.label}, {mode.value}: {error}"[:1000])

    # An operation without parameters has no invalid requests.
    with contextlib.suppress(Unsatisfiable):
        run()
    return tried


def _fuzz_houses(orchestrator: Server, seed_number: int, problems: list[str]) -> int:
    """Send houses with arbitrary values; returns the number of requests."""
    documented = statuses_documented(orchestrator.port)
    tried = 0

    @seed(seed_number)
    @given(request=requests)
    @settings(
        max_examples=5 * EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(request: tuple[str, Any]) -> None:
        nonlocal tried
        tried += 1
        path, body = request
        content = json.dumps(body).encode("utf-8", "surrogatepass")
        try:
            status = send(orchestrator.port, "POST", path, content).status
        except (OSError, HTTPException) as error:
            problems.append(f"seed {seed_number}, {path}: {error!r}: {content[:300]!r}")
            return
        if status >= SERVER_ERROR or status not in documented["POST", path]:
            problems.append(f"seed {seed_number}, {path}: {status}: {content[:300]!r}")

    run()
    return tried
