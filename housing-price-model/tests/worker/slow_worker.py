"""A worker with three instant steps, one of which waits for a file.

    slow_worker.py DATABASE FOLDER TRACKING_URI [NAME [RETENTION_SECONDS]]

Each step writes a line to FOLDER/steps when it begins; `gate` then waits for FOLDER/go.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

from housing_price_model.candidate.parameters import Connections
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.worker.database import open_jobs
from housing_price_model.worker.worker import run
from housing_price_model.worker.workflow import Training

database, folder, tracking_uri = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
worker_name = sys.argv[4] if len(sys.argv) > 4 else "worker-1"
RESULTS: dict[str, Result] = {
    "train": {"metrics": {"rmsle": 0.12}},
    "gate": {"passed": True, "checks": [{"check": "RMSLE", "passed": True}]},
    "register": {"version": "7"},
}


def step(name: str, *needs: str) -> Step:
    def do(task: Task) -> Result:
        with (folder / "steps").open("a") as log:
            log.write(f"{name}\n")
        if name == "gate":
            ends = time.monotonic() + 60
            while not (folder / "go").exists() and time.monotonic() < ends:
                time.sleep(0.05)
        (task.out / "made").write_text(name)
        return RESULTS[name]

    return Step(name, needs, do)


training = Training(
    folder / "runs",
    Connections(tracking_uri),
    None,
    (step("train"), step("gate", "train"), step("register", "train", "gate")),
)
retention = timedelta(seconds=float(sys.argv[5])) if len(sys.argv) > 5 else None
run(open_jobs(database), worker_name, folder / "runs", lambda: training, retention=retention)
