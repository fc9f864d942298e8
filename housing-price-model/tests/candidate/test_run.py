"""The folder of a run: damaged files and full disks."""

from pathlib import Path

import pytest

from housing_price_model.candidate.parameters import Connections, Parameters
from housing_price_model.candidate.run import PARAMETERS, Result, Run, Step, Task
from housing_price_model.errors import CandidateError
from small_disk import SmallDisk


def write_much(task: Task) -> Result:
    (task.out / "small").write_bytes(b"x")
    (task.out / "large").write_bytes(b"x" * 200_000)
    return {"done": True}


STEP = Step("step", (), write_much)


def perform(run: Run) -> tuple[Result, bool]:
    return run.perform(STEP, Connections("", None), lambda *_: None)


def test_a_step_that_met_a_full_disk_leaves_nothing_and_succeeds_later(small_disk: SmallDisk) -> None:
    run = Run.start(small_disk.folder / "run", Parameters)
    small_disk.fill()
    with pytest.raises(CandidateError, match=r"step step cannot read or write a file .No space left on device."):
        perform(run)
    assert small_disk.names() == [PARAMETERS]
    small_disk.free()
    assert perform(run) == ({"done": True}, True)
    assert perform(run) == ({"done": True}, False)


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 100, b"[]", b"{}"])
def test_damaged_parameters_are_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    Run.start(tmp_path / "run", Parameters)
    (tmp_path / "run" / PARAMETERS).write_bytes(content)
    with pytest.raises(CandidateError, match=r"delete the folder to begin the run anew") as raised:
        Run.start(tmp_path / "run", Parameters)
    assert str(tmp_path / "run") in str(raised.value)


@pytest.mark.parametrize("damaged", ["step.json", "step/large"])
@pytest.mark.parametrize("content", [b"", b"{", None])
def test_a_damaged_step_is_performed_again(tmp_path: Path, damaged: str, content: bytes | None) -> None:
    run = Run.start(tmp_path / "run", Parameters)
    perform(run)
    path = tmp_path / "run" / damaged
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert perform(run) == ({"done": True}, True)
    assert (tmp_path / "run" / "step" / "large").stat().st_size == 200_000
