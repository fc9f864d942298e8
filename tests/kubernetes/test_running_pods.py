"""The pods of the chart on a local container engine: probes, a price, a job, a model by digest, and graceful stops."""

import json
import subprocess
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from supply_chain.locks import IMAGES
from typer.testing import CliRunner

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

import housing_price_orchestrator.cli.main
from certificates import certificate
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import connect, find_version
from housing_price_model.training.train import train
from postgres import find_programs
from waiting import wait_until

from ..container.engine import reason_for_no_engine
from ..lifecycle_store import QUICK, every_tenth_house
from .engine import Engine, RunningPod, docker
from .helm import PREFIX, REPOSITORY, Helm

# The first build installs every package. The last test ends the pods.
pytestmark = [
    pytest.mark.container,
    pytest.mark.timeout(1800),
    pytest.mark.random_order(disabled=True),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

HOUSE = json.loads((REPOSITORY / "examples" / "request-1461.json").read_bytes())
LOCK_OF_IMAGE = {
    "orchestrator": "housing-price-orchestrator",
    "scoringWorker": "housing-price-orchestrator-worker",
    "model": "housing-price-model",
    "trackingServer": "mlflow-server",
}
COMPONENTS = (
    "orchestrator", "price-server", "comparables-server", "training-worker", "lifecycle-worker", "scoring-worker",
)  # fmt: skip
POSTGRES = """
initdb --pgdata /pg/data --username postgres --auth trust --locale C --encoding UTF8 --no-sync >/dev/null
echo 'host all all all trust' >>/pg/data/pg_hba.conf
exec postgres -D /pg/data -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


@dataclass(frozen=True)
class Release:
    """The running release: its pods by component, an API key with the scopes of callers, and the model's digest."""

    engine: Engine
    pods: dict[str, RunningPod]
    key: str
    digest: str

    def api(self) -> httpx.Client:
        # The certificate names a public host, and the test calls the address of the pod.
        return httpx.Client(
            base_url=f"https://{self.pods['orchestrator'].address}:8000",
            headers={"Host": f"{PREFIX}-orchestrator", "Authorization": f"Bearer {self.key}"},
            verify=False,  # noqa: S501 - as above
            trust_env=False,
            timeout=30,
        )


def build_images(project: str) -> dict[str, dict[str, str]]:
    """Build the images as the documentation says, and return them as values. Layers of other tests are reused."""
    for repository, name in LOCK_OF_IMAGE.items():
        extras = [] if IMAGES[name].extras is None else ["--build-arg", f"EXTRAS={IMAGES[name].extras}"]
        target = f"{project}/{repository.lower()}:test"
        file = str(IMAGES[name].dockerfile)
        docker("build", "--quiet", "--file", file, *extras, "--tag", target, str(REPOSITORY), seconds=1200)
    return {name: {"repository": f"{project}/{name.lower()}", "tag": "test"} for name in LOCK_OF_IMAGE}


def start_postgres(engine: Engine, image: str, programs: Path) -> None:
    """Run the Postgres of this machine in a container of the same Debian release, under the name `postgres`."""
    name = f"{engine.name}-postgres"
    engine.containers.append(name)
    docker(
        *("run", "--detach", "--name", name, "--network", engine.name, "--network-alias", "postgres"),
        *("--user", "65534:65534", "--tmpfs", "/pg:mode=1777", "--tmpfs", "/tmp:mode=1777"),  # noqa: S108 - in a container
        *("--volume", "/usr:/usr:ro", "--env", f"PATH={programs}:/usr/bin", "--entrypoint", "/usr/bin/bash"),
        *(image, "-ec", POSTGRES),
    )
    client = ("docker", "exec", name)
    login = ("--host", "postgres", "--username", "postgres")

    def answers() -> bool:
        query = [*client, "psql", *login, "--command", "SELECT 1"]
        return subprocess.run(query, capture_output=True, check=False).returncode == 0

    wait_until(answers, "Postgres does not answer", seconds=60)
    for database in ("log", "jobs"):
        docker(*client[1:], "createdb", *login, database)


def make_secrets(folder: Path) -> tuple[dict[str, dict[str, str]], str]:
    """Make the Secrets of the values; returns them and an API key."""
    keys = folder / "keys.json"
    command = ["keys", "create", "tests", "--file", str(keys), "--scope", "predict", "--scope", "jobs"]
    created = CliRunner().invoke(housing_price_orchestrator.cli.main.app, command)
    assert created.exit_code == 0, created.output
    files = certificate(folder / "certificate", host="prices.example.com")
    secrets = {
        "log": {"url": "postgresql://postgres@postgres/log"},
        "jobs": {"url": "postgresql://postgres@postgres/jobs"},
        "keys": {"keys.json": keys.read_text(encoding="utf-8")},
        "certificate": {"tls.crt": files.cert_file.read_text(), "tls.key": files.key_file.read_text()},
    }
    return secrets, created.stdout.strip().splitlines()[-1]


def values_of(images: dict[str, dict[str, str]]) -> dict[str, object]:
    return {
        "images": images,
        "predictionLog": {"databaseSecret": {"name": "log"}},
        "jobs": {"databaseSecret": {"name": "jobs"}},
        "auth": {"required": True, "keysSecret": {"name": "keys"}},
        "tls": {"secretName": "certificate"},
        "grpc": {"enabled": True},
        # The test reaches it by its address.
        "tracking": {"allowedHosts": ["*"]},
    }


@pytest.fixture(scope="module")
def release(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Every pod of the chart. Those that need others start beside them, and wait."""
    if reason := reason_for_no_engine():
        pytest.skip(f"needs a container engine: {reason}")
    programs = find_programs()
    if programs is None or not programs.is_relative_to("/usr"):
        pytest.skip("Postgres was not found below /usr (Debian: postgresql)")
    project = f"housing-price-pods-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("pods")
    secrets, key = make_secrets(folder)
    images = build_images(project)
    try:
        with Engine(helm.objects(values_of(images)), secrets, folder / "secrets", project) as engine:
            start_postgres(engine, f"{project}/orchestrator:test", programs)
            pods = {"tracking-server": engine.start("tracking-server")}
            engine.run_job("migration")
            pods["tracking-server"].wait_until_ready()
            digest = train_quickly(f"http://{pods['tracking-server'].address}:9999", folder)
            engine.run_job("trainer")
            pods |= {name: engine.start(name) for name in COMPONENTS}
            pods["price-server-1"] = engine.start("price-server", number=1)
            for pod in pods.values():
                pod.wait_until_ready()
            yield Release(engine, pods, key, digest)
    finally:
        tags = [f"{image['repository']}:{image['tag']}" for image in images.values()]
        subprocess.run(["docker", "rmi", "--force", *tags], capture_output=True, check=False)


def train_quickly(uri: str, folder: Path) -> str:
    """Register a small champion of both models, so that the trainer has only to export; returns the price's digest."""
    trained = train(uri, every_tenth_house(folder / "few.csv"), 1, recipe=QUICK)
    assert trained.registered
    return trained.registered.digest


def test_every_pod_of_the_chart_is_ready_by_its_probes(release: Release) -> None:
    long_running = {"Deployment", "StatefulSet"}
    expected = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]
        for one in release.engine.objects
        if one["kind"] in long_running
    }
    assert expected | {"price-server-1"} == set(release.pods)
    assert all(pod.is_running() for pod in release.pods.values())


def test_a_house_is_priced_with_a_key_over_tls_and_logged_in_postgres(release: Release) -> None:
    with release.api() as api:
        answer = api.post("/api/v1/price/predict", json=HOUSE)
        assert answer.status_code == 200, answer.text
        path = f"/api/v1/predictions/{answer.json()['transactionId']}"
        wait_until(lambda: api.get(path).status_code == 200, "the price is not in the log")
        assert api.get(path).json()["predictedPrice"] == answer.json()["predictedPrice"]
        assert api.post("/api/v1/price/predict", json=HOUSE, headers={"Host": "evil.example.com"}).status_code == 400
        del api.headers["authorization"]
        assert api.post("/api/v1/price/predict", json=HOUSE).status_code == 401


def test_a_valuation_has_the_comparable_sales_of_the_other_model_server(release: Release) -> None:
    with release.api() as api:
        answer = api.post("/api/v1/valuation?include=comparables", json=HOUSE)
        assert answer.status_code == 200, answer.text
        assert answer.json()["comparables"]


def test_a_job_is_priced_by_the_worker_over_the_shared_volume(release: Release) -> None:
    lines = "".join(json.dumps(HOUSE | {"id": number}) + "\n" for number in (1, 2, 3))
    with release.api() as api:
        sent = api.post("/api/v1/jobs/scoring/ndjson", content=lines, headers={"Content-Type": "application/x-ndjson"})
        assert sent.status_code == 202, sent.text
        path = sent.headers["location"]
        wait_until(
            lambda: api.get(path).json()["state"] not in {"queued", "running"}, "the job does not end", seconds=120
        )
        assert api.get(path).json()["state"] == "succeeded", api.get(path).text
        rows = [json.loads(line) for line in api.get(f"{path}/result").text.splitlines()]
        assert [row["row"] for row in rows] == [1, 2, 3]


def test_prices_go_on_with_one_of_two_price_servers(release: Release) -> None:
    """The address of each pod is an own one, under the name that a headless Service gives it."""
    docker("stop", release.pods["price-server-1"].container)
    try:
        with release.api() as api:
            assert [api.post("/api/v1/price/predict", json=HOUSE).status_code for _ in range(10)] == [200] * 10
    finally:
        docker("start", release.pods["price-server-1"].container)
        release.pods["price-server-1"].wait_until_ready()


def test_an_init_container_exports_the_model_with_the_digest(release: Release, helm: Helm) -> None:
    images = {"model": {"repository": f"{release.engine.name}/model", "tag": "test"}}
    values = {"images": images, "model": {"source": "registry"}, "price": {"digest": release.digest}}
    name, network = f"{release.engine.name}-registry", release.engine.name
    with Engine(helm.objects(values), {}, release.engine.folder, name, network) as engine:
        pod = engine.start("price-server", number=7)
        pod.wait_until_ready()
        answer = httpx.get(f"http://{pod.address}:8080/ping", trust_env=False)
        uri = f"http://{release.pods['tracking-server'].address}:9999"
        registered, _ = find_version(connect(uri), f"models:/{NAME}@{release.digest}")
        assert answer.headers["x-model-version"] == registered.version


@pytest.mark.parametrize("component", [*COMPONENTS, "price-server-1", "tracking-server"])
def test_a_pod_stops_by_itself_within_its_grace_period(release: Release, component: str) -> None:
    pod = release.pods[component]
    code = pod.stop()
    assert code == 0, f"{pod.container} ended with {code}\n{pod.logs()[-2000:]}"
