"""The document of refused moves says what the worker would say, for a real registry."""

from pathlib import Path
from typing import Any

import pytest
from tests.lifecycle_store import CHAMPION, SECOND, LifecycleStore

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import CanaryRole, Roles
from housing_price_model.lifecycle.move_rules import MoveRulesWriter
from housing_price_model.lifecycle.move_steps import MoveSteps
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.names import DIGEST_TAG, NAME
from housing_price_model.registry.versions import connect
from housing_price_platform.orders.move_rules import MOVE_RULES, RefusedMoves
from housing_price_platform.orders.moves import Action

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]


def test_refused_moves_are_those_that_the_worker_refuses(lifecycle_store: LifecycleStore, tmp_path: Path) -> None:
    uri = lifecycle_store.copied_to(tmp_path)
    serving = ServingFolder(tmp_path / "serving")
    serving.prepare()
    path = serving.folder / MOVE_RULES
    writer, move_steps = MoveRulesWriter(serving, uri), MoveSteps(serving, uri)
    canary = CanaryRole(version="2", weight=1)
    for roles in (Roles(), Roles(champion=CHAMPION), Roles(champion=CHAMPION, canary=canary)):
        serving.write_desired((), roles)
        writer.refresh()
        found = RefusedMoves.model_validate_json(path.read_bytes()).versions
        assert set(found) == {"1", "2", "3", "4", "5"}
        for version, refused in found.items():
            for action in Action:
                argument: dict[str, Any] = {"action": action.value, "version": version}
                argument |= {"weight": 0.1} if action is Action.CANARY else {}
                if action not in refused:
                    move_steps.judge(argument)
                    continue
                with pytest.raises(MoveError) as judged:
                    move_steps.judge(argument)
                assert refused[action].model_dump() == {"code": judged.value.code, "detail": str(judged.value)}
    assert found[CHAMPION]["promote"].detail == f"Version {CHAMPION} is already the champion."
    # Each reading touches the document; only a change of the registry rewrites it.
    writer.refresh()  # after the judgements above, which record what serves
    before = path.stat()
    writer.refresh()
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns != before.st_mtime_ns) == (before.st_ino, True)
    connect(uri).delete_model_version_tag(NAME, SECOND, DIGEST_TAG)
    writer.refresh()
    assert RefusedMoves.model_validate_json(path.read_bytes()).versions[SECOND]["promote"].code == "model-refused"
