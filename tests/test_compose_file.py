"""Checks of the text of `compose.yaml`, without a container engine. `tests/container` runs it."""

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
def test_a_worker_has_only_the_access_that_it_needs_and_publishes_no_port(
    name: str, networks: list[str], volumes: set[str]
) -> None:
    service = yaml.safe_load(COMPOSE.read_text())["services"][name]
    assert service["networks"] == networks
    assert set(service["volumes"]) == volumes
    assert "ports" not in service
    assert (service["read_only"], service["cap_drop"], service["restart"]) == (True, ["ALL"], "unless-stopped")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


def test_the_api_and_the_workers_share_one_queue_and_the_api_reads_no_parquet() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    api, scoring = services["orchestrator"], services["scoring-worker"]
    jobs = {name: value for name, value in api["environment"].items() if "JOBS" in name}
    assert jobs == {name: value for name, value in scoring["environment"].items() if "JOBS" in name}
    for name in ("training-worker", "lifecycle-worker"):
        assert services[name]["environment"]["HOUSING_PRICE_JOBS_URL"] in jobs.values()
    # Only the lifecycle worker writes the routes and the desired state.
    mounts = {
        name: volume
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if "serving:" in volume
    }
    followers = ("orchestrator", "scoring-worker")
    assert mounts == dict.fromkeys(followers, "serving:/serving:ro") | {"lifecycle-worker": "serving:/serving"}
    for name in followers:
        assert services[name]["environment"]["ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE"] == "/serving/routes.json"
    assert "EXTRAS" not in api["build"]["args"]
    assert scoring["build"]["args"]["EXTRAS"] == IMAGES["housing-price-orchestrator-worker"].extras


def test_the_comparables_server_is_our_own_in_every_profile_and_is_not_published() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    server, price = services["comparables-server"], services["model-server"]
    assert "profiles" not in server
    assert "ports" not in server
    assert (server["image"], server["volumes"]) == (price["image"], price["volumes"])
    (name,) = server["networks"]["serving"]["aliases"]
    port = server["command"][server["command"].index("--port") + 1]
    address = services["orchestrator"]["environment"]["ORCHESTRATOR_COMPARABLES__BASE_URL"]
    assert address == f"http://{name}:{port}"
    # Prices do not wait for it.
    assert "comparables-server" not in services["orchestrator"]["depends_on"]
    # The trainer exports to the folder that it serves.
    assert server["command"][2].startswith(services["trainer"]["command"][-1])


ELSEWHERE = {
    "ORCHESTRATOR_SERVER__HOST": "set by the image",
    "ORCHESTRATOR_SERVER__PORT": "set by the image; ORCHESTRATOR_PORT is the published one",
    "ORCHESTRATOR_PREDICTION_LOG__URL": "set by the image; other services read the same file",
    "ORCHESTRATOR_METRICS__FOLDER": "a temporary folder of the container",
}
"""Settings of the API that compose does not pass on."""


def settings_of_the_api() -> list[str]:
    """List the variables in the table of the orchestrator's README, which a test compares with the settings."""
    readme = (COMPOSE.parent / "housing-price-orchestrator" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(ORCHESTRATOR_[A-Z_]+)` \| `?[^|]*`? \| [^|]+ \|$", readme, re.MULTILINE)


def test_every_setting_of_the_api_is_passed_on_or_fixed() -> None:
    environment = yaml.safe_load(COMPOSE.read_text())["services"]["orchestrator"]["environment"]
    settings = set(settings_of_the_api())
    assert {
        "ORCHESTRATOR_AUTH__KEYS_FILE",
        "ORCHESTRATOR_TLS__CERT_FILE",
        "ORCHESTRATOR_CORS__ALLOWED_ORIGINS",
    } <= settings
    assert environment.keys() - {"HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"} | ELSEWHERE.keys() == settings
    # Without a value, compose passes on the variable of the shell or of `.env`, if there is one.
    fixed = {name for name, value in environment.items() if value is not None and f"${{{name}" not in value}
    assert all(
        "JOBS" in name or "MODEL_SERVER" in name or "COMPARABLES" in name or "DRIFT" in name for name in fixed
    ), fixed


def test_the_worker_gets_the_settings_that_it_reads_and_no_keys() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    api, worker = services["orchestrator"]["environment"], services["scoring-worker"]["environment"]
    assert {
        name: value for name, value in worker.items() if name != "ORCHESTRATOR_AUTH__REQUIRED"
    }.items() <= api.items()
    assert {"ORCHESTRATOR_LOG__LEVEL", "ORCHESTRATOR_RETRY__MAX_ATTEMPTS", "ORCHESTRATOR_JOBS__STORES"} <= worker.keys()
    assert not [name for name in worker if "KEYS" in name or "JWT" in name or "TLS" in name]


def test_the_api_trusts_loopback_names_and_its_own_by_default_and_reads_files_in_one_folder() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    api, keys = services["orchestrator"], services["keys"]
    hosts = api["environment"]["ORCHESTRATOR_SERVER__TRUSTED_HOSTS"]
    assert hosts == "${ORCHESTRATOR_SERVER__TRUSTED_HOSTS-localhost,127.0.0.1,[::1],orchestrator}"
    assert "${CONFIG_FOLDER:-config}:/config:ro" in api["volumes"]
    assert keys["volumes"] == ["${CONFIG_FOLDER:-config}:/config"]
    assert keys["environment"] == {"ORCHESTRATOR_AUTH__KEYS_FILE": "/config/keys.json"}
    assert (keys["network_mode"], keys["image"], keys["profiles"]) == ("none", api["image"], ["keys"])


def test_grpc_is_off_and_unpublished_unless_its_own_file_is_used() -> None:
    assert (
        yaml.safe_load(COMPOSE.read_text())["services"]["orchestrator"]["environment"]["ORCHESTRATOR_GRPC__PORT"]
        is None
    )
    override = yaml.safe_load((COMPOSE.parent / "deploy" / "compose.grpc.yaml").read_text())
    (service,) = override["services"].values()
    (published,) = service["ports"]
    assert published == "${PUBLISH_ADDRESS:-127.0.0.1}:${GRPC_PORT:-50051}:50051"
    assert service["environment"] == {"ORCHESTRATOR_GRPC__PORT": "50051"}


MONITORING = ("prometheus", "grafana", "drift-metrics")


@pytest.mark.parametrize("name", MONITORING)
def test_monitoring_images_are_pinned_published_on_loopback_and_mount_existing_files(name: str) -> None:
    service = yaml.safe_load(COMPOSE.read_text())["services"][name]
    assert service["profiles"] == ["monitoring"]
    assert re.fullmatch(r"[a-z/-]+:\$\{[A-Z_]+:-v?\d+\.\d+\.\d+\}", service["image"])
    for published in service.get("ports", []):
        assert published.startswith("${MONITORING_PUBLISH_ADDRESS:-127.0.0.1}:")
    for mounted in (volume.split(":")[0] for volume in service["volumes"]):
        assert not mounted.startswith(".") or (COMPOSE.parent / mounted).exists()


def test_the_drift_check_reads_the_prediction_log_and_has_no_network() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    drift = services["drift"]
    assert drift["profiles"] == ["monitoring"]
    assert drift["network_mode"] == "none"
    assert not {"networks", "ports", "environment"} & set(drift)
    assert drift["volumes"] == ["predictions:/data:ro", "export:/export:ro", "drift:/drift"]
    # It reads the log of the orchestrator, runs in the image of the trainer, and writes where Prometheus scrapes.
    assert "predictions:/data" in services["orchestrator"]["volumes"]
    assert drift["image"] == services["trainer"]["image"]
    assert "drift:/drift:ro" in services["drift-metrics"]["volumes"]
    assert "--collector.textfile.directory=/drift" in services["drift-metrics"]["command"]
    assert drift["command"][drift["command"].index("--metrics") + 1].startswith("/drift/")
    assert drift["command"][-1].endswith(".prom")
    # The orchestrator shows the result to operators.
    result = services["orchestrator"]["environment"]["ORCHESTRATOR_DRIFT__FILE"]
    assert drift["command"][drift["command"].index("--json") + 1] == result
    assert "drift:/drift:ro" in services["orchestrator"]["volumes"]


def test_prometheus_can_reach_its_targets() -> None:
    """Each target is a service on a network of Prometheus."""
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    configuration = yaml.safe_load((COMPOSE.parent / "deploy" / "monitoring" / "prometheus.yml").read_text())
    for job in configuration["scrape_configs"]:
        for target in (target for targets in job["static_configs"] for target in targets["targets"]):
            name = target.split(":")[0]
            assert set(services[name]["networks"]) & set(services["prometheus"]["networks"])


def test_docker_compose_accepts_every_profile() -> None:
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("docker compose was not found")
    command = ["docker", "compose", "--profile", "*", "config", "--services"]
    completed = subprocess.run(command, cwd=COMPOSE.parent, capture_output=True, text=True, check=False, timeout=60)
    assert completed.returncode == 0, completed.stderr
    assert {*MONITORING, "drift"} <= set(completed.stdout.split())
