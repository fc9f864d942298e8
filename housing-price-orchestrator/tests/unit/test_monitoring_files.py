"""Rules and dashboards use only existing metrics, and every metric is used."""

import re
import shutil
import subprocess

import pytest

from factories import REPOSITORY
from housing_price_orchestrator.interface.problems import PROBLEM_TYPES
from housing_price_orchestrator.observability.instruments import Histogram
from housing_price_orchestrator.observability.metrics import Metrics
from monitoring_files import MONITORING, names_in, panels, queries, rules

# Read as text: importing the model package would load pandas and MLflow.
DRIFT = REPOSITORY / "housing-price-model" / "src" / "housing_price_model" / "drift" / "output" / "metrics.py"
DRIFT_NAMES = set(re.findall(r'"(housing_price_drift_\w+)": ', DRIFT.read_text(encoding="utf-8")))
MODEL_SERVER = REPOSITORY / "housing-price-model" / "src" / "housing_price_model" / "serving" / "metrics.py"
TRACKING_SERVER = REPOSITORY / "mlflow-server" / "src" / "mlflow_server" / "metrics.py"
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def server_names() -> set[str]:
    """The metrics of the model servers and of the tracking server, as the sources name them."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (MODEL_SERVER, TRACKING_SERVER))
    names = set(re.findall(r'"(housing_price_(?:model|tracking)_server_\w+)"', sources))
    assert len(names) == 5
    parts = ("bucket", "sum", "count")
    histograms = {f"{name}_{part}" for name in names if name.endswith("_duration_seconds") for part in parts}
    # prometheus-client adds the ending of counters.
    counters = {f"{name}_total" for name in names if name.endswith("_rows")}
    return names | histograms | counters


def known_names() -> set[str]:
    names = {"up", *RECORDED, *DRIFT_NAMES, *server_names()}
    for metric in Metrics():
        if isinstance(metric, Histogram):
            names |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            names.add(metric.name)
    return names


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_a_rule_uses_only_existing_metrics(rule: dict[str, str]) -> None:
    assert names_in(rule["expr"])
    assert names_in(rule["expr"]) <= known_names()


@pytest.mark.parametrize(("title", "query"), queries())
def test_a_panel_uses_only_existing_metrics(title: str, query: str) -> None:
    assert names_in(query)
    assert names_in(query) <= known_names()


def test_every_metric_is_on_the_dashboard_or_in_a_rule() -> None:
    used = set().union(
        *(names_in(text) for text in [*(query for _, query in queries()), *(rule["expr"] for rule in rules())])
    )
    unused = {metric.name for metric in Metrics() if not any(name.startswith(metric.name) for name in used)}
    assert unused == set()


def test_queries_name_only_existing_problems_and_errors() -> None:
    problems = {problem.name for problem in PROBLEM_TYPES.values()}
    outcomes = {"answered", "priced", "cancelled", "dropped", *(kind.__name__ for kind in PROBLEM_TYPES)}
    queried = [*(query for _, query in queries()), *(rule["expr"] for rule in rules())]
    values = {
        label: {
            value
            for query in queried
            for found in re.findall(rf'{label}!?=~?"([^"]+)"', query)
            for value in found.split("|")
        }
        for label in ("reason", "outcome")
    }
    assert "queue-full" in values["reason"]
    assert values["reason"] <= problems
    assert values["outcome"] <= outcomes


def test_every_alert_links_to_its_section_of_the_runbook_and_every_section_has_its_alert() -> None:
    page = "docs/operations.md"
    _, _, runbook = (REPOSITORY / page).read_text(encoding="utf-8").partition("\n## Runbook\n")
    sections = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^#|\Z)", runbook, re.MULTILINE | re.DOTALL))
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    assert sections.keys() == alerts.keys()
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook_url"] == f"{page}#{name.lower()}"
        assert sections[name].startswith(f"`{rule['labels']['severity']}`. ")
        assert re.findall(r"^- \*\*(\w+)\*\*: \S", sections[name], re.MULTILINE) == ["First", "Causes", "Remedy"]


def test_panels_have_unique_titles_and_ids_and_do_not_overlap() -> None:
    assert len({panel["title"] for panel in panels()}) == len(panels())
    assert len({panel["id"] for panel in panels()}) == len(panels())
    places = [tuple(panel["gridPos"][key] for key in "xywh") for panel in panels()]
    cells = [(column, line) for x, y, w, h in places for column in range(x, x + w) for line in range(y, y + h)]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


@pytest.mark.parametrize(
    "command",
    [("check", "config", "prometheus.yml"), pytest.param(("test", "rules", "rules_test.yml"), marks=pytest.mark.full)],
    ids=" ".join,
)
def test_promtool_accepts_the_files(command: tuple[str, ...]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool was not found: it comes with Debian's package prometheus")
    ended = subprocess.run(
        ["promtool", *command], cwd=MONITORING, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
