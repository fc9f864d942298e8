"""The files of deploy/monitoring/, as the tests read them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from factories import REPOSITORY

MONITORING = REPOSITORY / "deploy" / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))

_NAME = re.compile(r"\b(?:housing_price|process)_?[a-z_:0-9]*|\bup\b")


def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in _yaml(path)["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Every panel that shows something."""
    return [
        panel
        for path in DASHBOARDS
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        if panel["type"] != "row"
    ]


def queries() -> list[tuple[str, str]]:
    """The title of the panel and the query, for each query of every dashboard."""
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def names_in(query: str) -> set[str]:
    """The metrics that a query asks for."""
    without_texts = re.sub(r'"[^"]*"', '""', query)
    return set(_NAME.findall(without_texts))


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def prometheus_configuration() -> dict[str, Any]:
    return dict(_yaml(MONITORING / "prometheus.yml"))
