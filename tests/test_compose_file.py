"""What `compose.yaml` says, read without an engine; `container/` runs it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from supply_chain.locks import IMAGES

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


@pytest.mark.parametrize(
    ("name", "networks", "volumes"),
    [
        ("scoring-worker", ["serving"], {"queue:/queue", "jobs:/jobs", "serving:/serving:ro"}),
        ("training-worker", ["tracking"], {"predictions:/data:ro", "queue:/queue", "candidates:/candidates"}),
        ("lifecycle-worker", ["tracking", "serving"], {"queue:/queue", "serving:/serving"}),
    ],
)
def test_a_worker_is_given_what_it_needs_and_publishes_nothing(
    name: str, networks: list[str], volumes: set[str]
) -> None:
    service = yaml.safe_load(COMPOSE.read_text())["services"][name]
    assert service["networks"] == networks
    assert set(service["volumes"]) == volumes
    assert "ports" not in service
    assert (service["read_only"], service["cap_drop"], service["restart"]) == (True, ["ALL"], "unless-stopped")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


def test_the_api_and_the_workers_have_one_queue_and_the_api_reads_no_parquet() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    api, scoring = services["orchestrator"], services["scoring-worker"]
    jobs = {name: value for name, value in api["environment"].items() if "JOBS" in name}
    assert jobs == {name: value for name, value in scoring["environment"].items() if "JOBS" in name}
    for name in ("training-worker", "lifecycle-worker"):
        assert services[name]["environment"]["HOUSING_PRICE_JOBS_URL"] in jobs.values()
    # What is served is written by the lifecycle worker only.
    mounts = {
        name: one for name, service in services.items() for one in service.get("volumes", []) if "serving:" in one
    }
    followers = ("orchestrator", "scoring-worker")
    assert mounts == dict.fromkeys(followers, "serving:/serving:ro") | {"lifecycle-worker": "serving:/serving"}
    for name in followers:
        assert services[name]["environment"]["ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE"] == "/serving/routes.json"
    assert "EXTRAS" not in api["build"]["args"]
    assert scoring["build"]["args"]["EXTRAS"] == IMAGES["housing-price-orchestrator-worker"].extras


MONITORING = ("prometheus", "grafana", "drift-metrics")


@pytest.mark.parametrize("name", MONITORING)
def test_what_watches_is_pinned_published_on_loopback_and_mounts_what_there_is(name: str) -> None:
    service = yaml.safe_load(COMPOSE.read_text())["services"][name]
    assert service["profiles"] == ["monitoring"]
    assert re.fullmatch(r"[a-z/-]+:\$\{[A-Z_]+:-v?\d+\.\d+\.\d+\}", service["image"])
    for published in service.get("ports", []):
        assert published.startswith("${MONITORING_PUBLISH_ADDRESS:-127.0.0.1}:")
    for mounted in (volume.split(":")[0] for volume in service["volumes"]):
        assert not mounted.startswith(".") or (COMPOSE.parent / mounted).exists()


def test_the_check_for_drift_reads_the_log_and_has_no_way_out() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    drift = services["drift"]
    assert drift["profiles"] == ["monitoring"]
    assert drift["network_mode"] == "none"
    assert not {"networks", "ports", "environment"} & set(drift)
    assert drift["volumes"] == ["predictions:/data:ro", "export:/export:ro", "drift:/drift"]
    # It reads what the orchestrator writes, is of the image that trains, and writes where Prometheus is shown it from.
    assert "predictions:/data" in services["orchestrator"]["volumes"]
    assert drift["image"] == services["trainer"]["image"]
    assert "drift:/drift:ro" in services["drift-metrics"]["volumes"]
    assert "--collector.textfile.directory=/drift" in services["drift-metrics"]["command"]
    assert drift["command"][drift["command"].index("--metrics") + 1].startswith("/drift/")
    assert drift["command"][-1].endswith(".prom")


def test_prometheus_looks_where_the_services_are() -> None:
    """The targets are names and ports of services that share a network with Prometheus."""
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    configuration = yaml.safe_load((COMPOSE.parent / "deploy" / "monitoring" / "prometheus.yml").read_text())
    for job in configuration["scrape_configs"]:
        for target in (target for targets in job["static_configs"] for target in targets["targets"]):
            name = target.split(":")[0]
            assert set(services[name]["networks"]) & set(services["prometheus"]["networks"])


def test_docker_compose_takes_every_profile() -> None:
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("docker compose was not found")
    command = ["docker", "compose", "--profile", "*", "config", "--services"]
    ended = subprocess.run(command, cwd=COMPOSE.parent, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert {*MONITORING, "drift"} <= set(ended.stdout.split())
