"""What `compose.yaml` says, read without an engine; `container/` runs it."""

from pathlib import Path

import pytest
import yaml

COMPOSE = Path(__file__).parents[1] / "compose.yaml"


@pytest.mark.parametrize(
    ("service", "published"),
    [
        ("orchestrator", "${PUBLISH_ADDRESS:-127.0.0.1}:${ORCHESTRATOR_PORT:-8000}:8000"),
        ("tracking-server", "${TRACKING_PUBLISH_ADDRESS:-127.0.0.1}:${TRACKING_PORT:-9999}:9999"),
    ],
)
def test_publishing_the_api_does_not_publish_the_tracking_server(service: str, published: str) -> None:
    assert yaml.safe_load(COMPOSE.read_text())["services"][service]["ports"] == [published]
