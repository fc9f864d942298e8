"""A worker that waits for jobs has not loaded the libraries that only jobs need."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack


def loaded_libraries(pid: int) -> set[str]:
    """Return the Python packages of which a process has mapped a shared library."""
    return set(re.findall(r"/site-packages/(\w+)/", Path(f"/proc/{pid}/maps").read_text()))


def test_a_training_worker_loads_no_library_of_training_before_a_job(tmp_path: Path) -> None:
    options = ("--database", f"sqlite:///{tmp_path / 'jobs.db'}", "--runs", str(tmp_path / "runs"))
    command = [sys.executable, "-m", "housing_price_model", "worker", *options, "--name", "worker-1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout
            assert "takes jobs from the queue training" in worker.stdout.readline()
            loaded = loaded_libraries(worker.pid)
        finally:
            worker.terminate()
    assert "orjson" in loaded
    assert loaded.isdisjoint({"numpy", "pandas", "scipy", "sklearn", "onnxruntime", "pyarrow"})


def test_the_modules_of_a_lifecycle_worker_need_no_library_of_training() -> None:
    modules = "housing_price_model.lifecycle.worker, housing_price_model.lifecycle.workflow"
    code = f"import sys, {modules}; print({{'sklearn', 'onnxruntime', 'matplotlib', 'skops'}} & sys.modules.keys())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "set()\n"
