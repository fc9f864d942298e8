"""The model server returns invalid answers."""

import json
from typing import Final

from benchmarks import houses
from benchmarks.clients.wire import OK
from benchmarks.faults.stub_calls import SECRET
from benchmarks.faults.stub_invalid_answers import INVALID_ANSWERS
from benchmarks.faults.testbed import Testbed, batch_of_houses, one_house, send

BAD_GATEWAY: Final = 502
BATCH_ROWS: Final = 20
BATCH_PATH: Final = f"{houses.PREDICT_PATH}/batch"
STREAM_PATH: Final = f"{houses.PREDICT_PATH}/stream"


def invalid_answers(testbed: Testbed) -> None:
    """Every kind of invalid answer, to a single house, a batch and a stream."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port)
    single, batch = one_house(), batch_of_houses(BATCH_ROWS)
    requests = {houses.PREDICT_PATH: (single, {}), BATCH_PATH: (batch, {}), STREAM_PATH: (single, _LINES)}
    not_502: list[str] = []
    priced: list[str] = []
    leaked: list[str] = []
    for kind in INVALID_ANSWERS:
        for path, (body, headers) in requests.items():
            # The previous kind may have opened the circuit; wait until it is closed again.
            stub.set_behaviour("good")
            testbed.wait_until_priced(orchestrator)
            stub.set_behaviour(kind)
            answer = send(orchestrator.port, "POST", path, body, headers)
            status = _status_in_stream(answer.text) if path == STREAM_PATH else answer.status
            answer_summary = f"{kind}, {path.rpartition('/')[2]}: {status}"
            not_502 += [answer_summary] if status != BAD_GATEWAY else []
            priced += [answer_summary] if "predictedPrice" in answer.text else []
            leaked += [answer_summary] if SECRET in answer.text else []
    findings = testbed.findings
    count = len(INVALID_ANSWERS) * len(requests)
    findings.figures |= {"asked": count, "kinds": list(INVALID_ANSWERS)}
    findings.expect_none(f"answers that are not 502 (of {count})", not_502)
    findings.expect_none(f"answers that contain a price (of {count})", priced)
    findings.expect_none(f"answers that contain text of the model server (of {count})", leaked)


_LINES: Final = {"Content-Type": "application/x-ndjson"}


def _status_in_stream(text: str) -> int:
    """Return the status in the single line of the answer to a stream of one house."""
    line = json.loads(text.rstrip("\n").rpartition("\n")[2])
    return int(line["error"]["status"]) if "error" in line else OK
