"""The model server answers something that is no answer."""

import json

from benchmarks import houses
from benchmarks.clients.wire import OK
from benchmarks.faults.stub_calls import SECRET
from benchmarks.faults.stub_invalid_answers import INVALID_ANSWERS
from benchmarks.faults.testbed import Testbed, ask, batch_of_houses, one_house

UNUSABLE = 502
BATCH_ROWS = 20
BATCH_PATH = f"{houses.PREDICT_PATH}/batch"
STREAM_PATH = f"{houses.PREDICT_PATH}/stream"


def invalid_answers(testbed: Testbed) -> None:
    """Every kind of answer that is none, to a single house, a batch and a stream."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port)
    single, batch = one_house(), batch_of_houses(BATCH_ROWS)
    asked = {houses.PREDICT_PATH: (single, {}), BATCH_PATH: (batch, {}), STREAM_PATH: (single, _LINES)}
    other: list[str] = []
    priced: list[str] = []
    leaked: list[str] = []
    for kind in INVALID_ANSWERS:
        for path, (body, headers) in asked.items():
            # A circuit that the last kind opened is another scenario.
            stub.behave("good")
            testbed.wait_until_priced(orchestrator)
            stub.behave(kind)
            answer = ask(orchestrator.port, "POST", path, body, headers)
            status = _status_in_stream(answer.text) if path == STREAM_PATH else answer.status
            what = f"{kind}, {path.rpartition('/')[2]}: {status}"
            other += [what] if status != UNUSABLE else []
            priced += [what] if "predictedPrice" in answer.text else []
            leaked += [what] if SECRET in answer.text else []
    found = testbed.findings
    count = len(INVALID_ANSWERS) * len(asked)
    found.figures |= {"asked": count, "kinds": list(INVALID_ANSWERS)}
    found.expect_none(f"of {count} answers, not 502", other)
    found.expect_none(f"of {count} answers, with a price", priced)
    found.expect_none(f"of {count} answers, with a word of the model server", leaked)


_LINES = {"Content-Type": "application/x-ndjson"}


def _status_in_stream(text: str) -> int:
    """The status of the one line that a stream of one house is answered with."""
    line = json.loads(text.rstrip("\n").rpartition("\n")[2])
    return int(line["error"]["status"]) if "error" in line else OK
