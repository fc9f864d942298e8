"""The configuration that the pods get is one that the services accept, and says what the values say."""

from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import housing_price_model.cli.app
import mlflow_server.cli
from housing_price_orchestrator.settings import Settings, load_settings
from housing_price_platform.environment.variables import SharedVariable
from mlflow_server.environment import Variable

from .helm import NAMESPACE, PREFIX, Object
from .objects import component_of, containers_of, environment_of, find, of_kind, pod_of, workloads
from .variants import DIGEST, VARIANTS

type Render = Callable[[str], list[Object]]

SECRETS = {
    "log/url": "postgresql://user:password@postgres/log",
    "jobs/url": "postgresql://user:password@postgres/jobs",
    "jobs/address": "postgresql://user:password@postgres/jobs",
    "redis/url": "redis://:password@redis:6379/0",
}
IN_IMAGE = {"ORCHESTRATOR_SERVER__HOST": "0.0.0.0", "ORCHESTRATOR_SERVER__PORT": "8000"}  # noqa: S104 - as in the image


def container_of(objects: list[Object], component: str) -> dict[str, Any]:
    (workload,) = (one for one in workloads(objects) if component_of(one) == component)
    return dict(pod_of(workload)["containers"][0])


def settings_of(objects: list[Object], component: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Read the environment of a pod as the service does, but without its certificate: it would have to exist here."""
    variables = environment_of(container_of(objects, component))
    variables = {name: value for name, value in variables.items() if "_TLS__" not in name}
    for name, value in {**IN_IMAGE, **variables}.items():
        monkeypatch.setenv(name, SECRETS.get(value, value))
    return load_settings()


@pytest.mark.parametrize("component", ["orchestrator", "scoring-worker", "migration"])
def test_the_api_and_its_worker_accept_their_environment(
    objects: list[Object], component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if component not in {component_of(workload) for workload in workloads(objects)}:
        return
    settings = settings_of(objects, component, monkeypatch)
    assert settings.server.port == 8000
    if component == "orchestrator":
        assert all(str(url).rstrip("/").endswith(":8080") for url in settings.model_server.base_url)
        assert settings.jobs.stores == () or settings.jobs.database_url is not None


def test_other_services_get_variables_that_they_know(objects: list[Object]) -> None:
    known = {*SharedVariable, *Variable}
    for workload in workloads(objects):
        if component_of(workload) in {"orchestrator", "scoring-worker", "migration"}:
            continue
        for container in containers_of(workload):
            assert set(environment_of(container)) <= known


def test_commands_have_options_that_exist(objects: list[Object]) -> None:
    programs = {
        "housing-price-model": typer.main.get_group(housing_price_model.cli.app.app),
        "mlflow-server": typer.main.get_group(mlflow_server.cli.app),
    }
    checked = 0
    for container in (container for workload in workloads(objects) for container in containers_of(workload)):
        program, command, *arguments = container["command"]
        if program not in programs:
            continue
        found = programs[program].get_command(typer.Context(programs[program]), command)
        assert found is not None
        options = {name for parameter in found.params for name in parameter.opts}
        assert {argument.partition("=")[0] for argument in arguments if argument.startswith("--")} <= options
        checked += 1
    assert checked


def test_each_price_server_is_an_address_of_the_api_and_of_the_scoring_worker(render: Render) -> None:
    objects = render("databases")
    server = f"{PREFIX}-price-server"
    addresses = ",".join(f"http://{server}-{number}.{server}:8080" for number in range(2))
    for component in ("orchestrator", "scoring-worker"):
        environment = environment_of(container_of(objects, component))
        assert environment["ORCHESTRATOR_MODEL_SERVER__BASE_URL"] == addresses
    service = find(objects, "Service", "price-server")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    assert find(objects, "StatefulSet", "price-server")["spec"]["serviceName"] == server
    three = environment_of(container_of(render("MLServer"), "orchestrator"))
    assert three["ORCHESTRATOR_MODEL_SERVER__BASE_URL"].count("http://") == 3


def test_without_databases_there_is_no_log_no_job_and_no_worker(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = render("defaults")
    settings = settings_of(objects, "orchestrator", monkeypatch)
    assert (settings.prediction_log.enabled, settings.jobs.database_url) == (False, None)
    assert {component_of(workload) for workload in workloads(objects)} == {
        "orchestrator", "price-server", "comparables-server", "tracking-server", "trainer",
    }  # fmt: skip


def test_with_databases_each_queue_has_a_worker_and_the_log_is_migrated_before(render: Render) -> None:
    objects = render("databases")
    components = {component_of(workload) for workload in workloads(objects)}
    assert {"scoring-worker", "training-worker", "lifecycle-worker", "migration"} <= components
    migration = find(objects, "Job", "migration")
    assert migration["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert environment_of(container_of(objects, "migration"))["ORCHESTRATOR_PREDICTION_LOG__URL"] == "log/url"
    # The account and the network policy of the Job are created before it.
    for kind in ("ServiceAccount", "NetworkPolicy"):
        annotations = find(objects, kind, "migration")["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert int(annotations["helm.sh/hook-weight"]) < int(
            migration["metadata"]["annotations"]["helm.sh/hook-weight"]
        )
    for component in ("training-worker", "lifecycle-worker"):
        assert environment_of(container_of(objects, component))["HOUSING_PRICE_JOBS_URL"] == "jobs/address"


def test_the_api_follows_the_routes_of_the_lifecycle_worker_if_there_is_one(render: Render) -> None:
    name = "ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE"
    for component in ("orchestrator", "scoring-worker"):
        assert environment_of(container_of(render("databases"), component))[name] == "/serving/routes.json"
        without = render("without migration and lifecycle")
        assert name not in environment_of(container_of(without, component))


def test_hosts_of_the_service_and_of_its_publication_are_served(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(render("Ingress"), "orchestrator", monkeypatch)
    service = f"{PREFIX}-orchestrator"
    assert {service, f"{service}.{NAMESPACE}", f"{service}.{NAMESPACE}.svc.cluster.local"} <= set(
        settings.server.trusted_hosts
    )
    assert {"prices.example.com", "*.houses.example.com"} <= set(settings.server.trusted_hosts)


def test_keys_and_certificate_are_mounted_where_the_settings_say(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = render("keys and TLS")
    settings = settings_of(objects, "orchestrator", monkeypatch)
    volumes = {volume["name"]: volume for volume in pod_of(find(objects, "Deployment", "orchestrator"))["volumes"]}
    mounts = {mount["name"]: mount for mount in container_of(objects, "orchestrator")["volumeMounts"]}
    assert settings.authenticates_callers
    assert (
        str(settings.auth.keys_file) == f"{mounts['keys']['mountPath']}/{volumes['keys']['secret']['items'][0]['path']}"
    )
    assert volumes["keys"]["secret"]["secretName"] == "keys"
    variables = environment_of(container_of(objects, "orchestrator"))
    assert variables["ORCHESTRATOR_TLS__CERT_FILE"] == f"{mounts['tls']['mountPath']}/tls.crt"
    assert variables["ORCHESTRATOR_TLS__KEY_FILE"] == f"{mounts['tls']['mountPath']}/tls.key"
    assert volumes["tls"]["secret"]["secretName"] == "certificate"
    # YAML 1.1 reads 0440 as octal. Not writable by others, which the service refuses.
    assert volumes["keys"]["secret"]["defaultMode"] == 0o440
    # A mount of a single file would never change.
    assert "subPath" not in mounts["keys"]


def test_tokens_are_settings(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = render("tokens")
    assert settings_of(objects, "orchestrator", monkeypatch).authenticates_callers
    assert "ORCHESTRATOR_JWT__ISSUER" in environment_of(container_of(objects, "migration"))


@pytest.mark.parametrize(
    ("variant", "image", "command"),
    [
        ("defaults", "housing-price-model:0.1.0", ["housing-price-model", "serve", "/export/champion"]),
        ("MLServer", "housing-price-mlserver:0.1.0", ["housing-price-mlserver", "/export/champion"]),
        ("models in images", "houses/price:2026-11-30", ["housing-price-model", "serve", "/export/champion"]),
        (
            "models in an existing volume",
            "housing-price-model:0.1.0",
            ["housing-price-model", "serve", "/export/price-7"],
        ),
    ],
)
def test_the_price_server_serves_the_model_of_its_source(
    render: Render, variant: str, image: str, command: list[str]
) -> None:
    objects = render(variant)
    container = container_of(objects, "price-server")
    assert (container["image"], container["command"][: len(command)]) == (image, command)
    digest = VARIANTS[variant].get("price", {}).get("digest")
    assert environment_of(container).get("HOUSING_PRICE_MODEL_DIGEST") == digest
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert ("/export" in mounts) is (variant != "models in images")
    trains = "trainer" in {component_of(workload) for workload in workloads(objects)}
    assert trains is (variant in {"defaults", "MLServer"})


def test_an_init_container_exports_the_champion_or_the_model_with_the_digest(render: Render) -> None:
    for variant, models in {
        "models from the registry": ["models:/housing-price@champion", "models:/housing-comparables@champion"],
        "models from the registry by digest": [
            f"models:/housing-price@{DIGEST}",
            f"models:/housing-comparables@{DIGEST}",
        ],
    }.items():
        for model, component in zip(models, ("price-server", "comparables-server"), strict=True):
            pod = pod_of(find(render(variant), "StatefulSet", component))
            (init,) = pod["initContainers"]
            command = init["command"]
            assert command[command.index("--model") + 1] == model
            assert command[command.index("--tracking-uri") + 1] == f"http://{PREFIX}-tracking-server:9999"
            served = pod["containers"][0]["command"]
            assert command[command.index("--to") + 1] in served


def test_further_versions_serve_the_exports_of_the_lifecycle_worker(render: Render) -> None:
    objects = render("two versions of the price model")
    for version, replicas in (("2", 1), ("11", 2)):
        deployment = find(objects, "Deployment", f"price-server-v{version}")
        (container,) = pod_of(deployment)["containers"]
        assert deployment["spec"]["replicas"] == replicas
        assert f"/serving/versions/{version}" in container["command"]
        assert environment_of(container) == {"HOUSING_PRICE_MODEL_DIGEST": DIGEST}
        assert find(objects, "Service", f"price-server-v{version}")["spec"]["ports"][0]["port"] == 8080


def test_the_tracking_server_answers_under_the_name_that_others_use(render: Render) -> None:
    objects = render("databases")
    hosts = environment_of(container_of(objects, "tracking-server"))["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    used = container_of(objects, "training-worker")["command"][-1]
    assert used.removeprefix("http://") in hosts
    probe = container_of(objects, "tracking-server")["readinessProbe"]["httpGet"]
    assert {"name": "Host", "value": "localhost"} in probe["httpHeaders"]
    assert "localhost" in hosts


def test_an_external_tracking_server_is_used_and_none_is_run(render: Render) -> None:
    objects = render("external tracking server")
    assert "tracking-server" not in {component_of(workload) for workload in workloads(objects)}
    for component in ("trainer", "training-worker", "lifecycle-worker", "drift"):
        assert "https://mlflow.example.com" in " ".join(container_of(objects, component)["command"])


def test_credentials_of_stores_reach_only_who_needs_them(render: Render) -> None:
    objects = render("databases, Redis and object store")
    with_secret = {
        component_of(one) for one in workloads(objects) for container in containers_of(one) if "envFrom" in container
    }
    assert with_secret == {"scoring-worker", "tracking-server"}


def test_volumes_outlive_the_release_unless_they_were_there_before(render: Render) -> None:
    claims = of_kind(render("databases"), "PersistentVolumeClaim")
    assert {claim["metadata"]["name"] for claim in claims} == {
        f"{PREFIX}-{name}" for name in ("jobs", "models", "registry", "serving")
    }
    assert all(claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for claim in claims)
    names = {
        claim["metadata"]["name"] for claim in of_kind(render("models in an existing volume"), "PersistentVolumeClaim")
    }
    assert names == {f"{PREFIX}-registry"}


def test_routes_lead_to_the_ports_of_the_service(render: Render) -> None:
    (ingress,) = of_kind(render("Ingress"), "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["prices.example.com", "*.houses.example.com"]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    objects = render("Gateway with gRPC and TLS")
    ports = [port["port"] for port in find(objects, "Service", "orchestrator")["spec"]["ports"]]
    assert (backend["name"], backend["port"]["number"]) == (f"{PREFIX}-orchestrator", ports[0])
    for kind, port, hosts in (("HTTPRoute", 8000, ["prices.example.com"]), ("GRPCRoute", 50051, ["grpc.example.com"])):
        (route,) = of_kind(objects, kind)
        assert route["spec"]["hostnames"] == hosts
        assert route["spec"]["rules"][0]["backendRefs"] == [{"name": f"{PREFIX}-orchestrator", "port": port}]
        assert port in ports


def test_labels_and_places_of_the_values_are_on_every_pod(render: Render) -> None:
    values = VARIANTS["names, labels and places"]
    for workload in workloads(render("names, labels and places")):
        metadata, pod = workload["spec"]["template"]["metadata"], pod_of(workload)
        assert values["podLabels"].items() <= metadata["labels"].items()
        assert metadata["annotations"] == values["podAnnotations"]
        assert (pod["nodeSelector"], pod["tolerations"]) == (values["nodeSelector"], values["tolerations"])
        assert pod["priorityClassName"] == "high"
        assert pod["imagePullSecrets"] == [{"name": "pull"}]
        for container in containers_of(workload):
            assert container["image"].startswith("registry.example.com:5000/houses/")


def test_the_name_of_the_trainers_job_changes_with_its_pod(helm: Any) -> None:
    """A Job cannot be changed."""
    names = [
        job["metadata"]["name"]
        for tag in ("1", "1", "2")
        for job in of_kind(helm.objects({"images": {"model": {"tag": tag}}}), "Job")
    ]
    assert names[0] == names[1] != names[2]


def test_unknown_commands_are_found() -> None:
    assert CliRunner().invoke(mlflow_server.cli.app, ["serve", "--hosts", "x"]).exit_code == 2
