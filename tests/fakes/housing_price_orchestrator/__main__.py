"""A fake that returns a fixed price while the model server answers."""

import os
import signal
import sys
import urllib.error
import urllib.request

from tests.fakes.fake_service import Answer, exit_if_configured, say, serve

if "worker" in sys.argv:
    exit_if_configured("scoring-worker")
    say("worker ready")
    signal.pause()
exit_if_configured("orchestrator")


def answer(path: str) -> Answer:
    if path != "/api/v1/price/predict":
        return 200, {"pid": os.getpid()}
    try:
        with urllib.request.urlopen(os.environ["ORCHESTRATOR_MODEL_SERVER__BASE_URL"] + "/ping", timeout=1):  # noqa: S310 - a loopback URL
            return 200, {"predictedPrice": 105000}
    except (urllib.error.URLError, OSError):
        return 503, "the model server does not answer"


serve(os.environ["ORCHESTRATOR_SERVER__HOST"], int(os.environ["ORCHESTRATOR_SERVER__PORT"]), answer)
