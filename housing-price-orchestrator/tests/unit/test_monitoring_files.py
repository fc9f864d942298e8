"""Rules and dashboards ask only for what there is."""

import re
import shutil
import subprocess

import pytest

from factories import REPOSITORY
from housing_price_orchestrator.observability.instruments import Histogram
from housing_price_orchestrator.observability.metrics import Metrics
from monitoring_files import MONITORING, names_in, panels, queries, rules

# Read and not imported: the model's package loads much that has no place here.
DRIFT = REPOSITORY / "housing-price-model" / "src" / "housing_price_model" / "drift" / "output" / "metrics.py"
DRIFT_NAMES = set(re.findall(r'"(housing_price_drift_\w+)": ', DRIFT.read_text(encoding="utf-8")))
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def known_names() -> set[str]:
    names = {"up", *RECORDED, *DRIFT_NAMES}
    for one in Metrics():
        if isinstance(one, Histogram):
            names |= {f"{one.name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            names.add(one.name)
    return names


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_a_rule_asks_for_metrics_that_there_are(rule: dict[str, str]) -> None:
    assert names_in(rule["expr"])
    assert names_in(rule["expr"]) <= known_names()


@pytest.mark.parametrize(("title", "query"), queries())
def test_a_panel_asks_for_metrics_that_there_are(title: str, query: str) -> None:
    assert names_in(query)
    assert names_in(query) <= known_names()


def test_every_metric_of_the_service_is_on_the_dashboard_or_in_a_rule() -> None:
    asked = set().union(
        *(names_in(text) for text in [*(query for _, query in queries()), *(rule["expr"] for rule in rules())])
    )
    unseen = {one.name for one in Metrics() if not any(name.startswith(one.name) for name in asked)}
    assert unseen == set()


def test_panels_have_names_and_places_of_their_own() -> None:
    assert len({panel["title"] for panel in panels()}) == len(panels())
    assert len({panel["id"] for panel in panels()}) == len(panels())
    places = [tuple(panel["gridPos"][key] for key in "xywh") for panel in panels()]
    cells = [(column, line) for x, y, w, h in places for column in range(x, x + w) for line in range(y, y + h)]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


@pytest.mark.parametrize(
    "command",
    [("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_agrees(command: tuple[str, ...]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool was not found: it comes with Debian's package prometheus")
    ended = subprocess.run(
        ["promtool", *command], cwd=MONITORING, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
