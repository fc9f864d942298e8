"""Rules for every pod: unprivileged, limited, probed, stopped gracefully, and with secrets by reference only."""

import json
import re
import warnings
from importlib import import_module
from typing import Any

import pytest
import yaml

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.serving import server as model_server
from housing_price_orchestrator import serve
from housing_price_orchestrator.composition import store
from mlflow_server import server as tracking_server

from .helm import REPOSITORY, Object
from .objects import (
    component_of,
    containers_of,
    environment_of,
    labels_of_pod,
    of_kind,
    pod_of,
    selects,
    values_in,
    workloads,
)

USER = 10001
"""The user of every image (`USER 10001:10001` in the Dockerfiles)."""


def test_every_pod_is_unprivileged_with_a_read_only_root(objects: list[Object]) -> None:
    for workload in workloads(objects):
        security = pod_of(workload)["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == USER
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers_of(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        for name in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            assert name not in pod_of(workload)
        assert not [volume for volume in pod_of(workload)["volumes"] if "hostPath" in volume]


def test_no_pod_has_a_token_and_each_component_has_an_account_of_its_own(objects: list[Object]) -> None:
    accounts = {account["metadata"]["name"]: account for account in of_kind(objects, "ServiceAccount")}
    used = [pod_of(workload)["serviceAccountName"] for workload in workloads(objects)]
    assert sorted(used) == sorted(accounts)
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    assert all(pod_of(workload)["automountServiceAccountToken"] is False for workload in workloads(objects))


def test_every_image_has_a_version(objects: list[Object]) -> None:
    for container in (container for workload in workloads(objects) for container in containers_of(workload)):
        name, _, digest = container["image"].partition("@")
        assert re.fullmatch("sha256:[0-9a-f]{64}", digest) or re.search(r":[^/:]+$", name), container["image"]
        assert not name.endswith(":latest")
        assert container["imagePullPolicy"] == "IfNotPresent"


def test_every_container_has_requests_and_limits(objects: list[Object]) -> None:
    for container in (container for workload in workloads(objects) for container in containers_of(workload)):
        for kind in ("requests", "limits"):
            assert {"cpu", "memory"} <= set(container["resources"][kind])


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The services of compose."""
    return dict(yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["services"])


def test_memory_limits_are_those_of_compose(objects: list[Object], compose: dict[str, Any]) -> None:
    names = {"price-server": "model-server"}
    for workload in workloads(objects):
        component = names.get(component_of(workload), component_of(workload))
        if component in {"migration", "drift"} or component.startswith("price-server-v"):
            continue
        (container,) = pod_of(workload)["containers"]
        limits = compose[component]["deploy"]["resources"]["limits"]
        assert container["resources"]["limits"]["memory"] == f"{limits['memory']}i"


def test_everything_that_runs_long_has_all_three_probes(objects: list[Object]) -> None:
    for workload in workloads(objects):
        (container,) = pod_of(workload)["containers"]
        probes = {"startupProbe", "readinessProbe", "livenessProbe"} & set(container)
        assert len(probes) == (0 if workload["kind"] == "Job" else 3), component_of(workload)
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in (container[name] for name in probes):
            assert "httpGet" not in probe or probe["httpGet"]["port"] in ports
            # A start may take longer than a pod may be unhealthy.
            assert probe["timeoutSeconds"] >= 5 or probe["failureThreshold"] >= 3
        if probes:
            start = container["startupProbe"]
            assert start["periodSeconds"] * start["failureThreshold"] >= 90


def test_liveness_of_the_api_does_not_depend_on_the_model_servers(objects: list[Object]) -> None:
    (api,) = (one for one in workloads(objects) if component_of(one) == "orchestrator")
    (container,) = pod_of(api)["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    has_tls = "ORCHESTRATOR_TLS__CERT_FILE" in environment_of(container)
    assert container["readinessProbe"]["httpGet"]["scheme"] == ("HTTPS" if has_tls else "HTTP")


def test_probes_run_programs_that_the_images_contain(objects: list[Object]) -> None:
    contained = "/usr/local/share/housing-price/"
    for container in (container for workload in workloads(objects) for container in containers_of(workload)):
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            command = container.get(name, {}).get("exec", {}).get("command", [])
            for argument in (argument for argument in command if argument.startswith(contained)):
                assert (REPOSITORY / "deploy" / "container" / argument.removeprefix(contained)).is_file()
            if "worker_alive.py" in str(command):
                assert any(command[-1].startswith(mount["mountPath"]) for mount in container["volumeMounts"])


OWN_SECONDS = {
    "price-server": model_server._GRACE_SECONDS,
    "comparables-server": model_server._GRACE_SECONDS,
    "tracking-server": tracking_server.SHUTDOWN_GRACE_SECONDS,
}
"""The longest time that a service takes to stop after SIGTERM."""


def test_the_grace_period_is_longer_than_the_hook_and_the_services_own_stop(objects: list[Object]) -> None:
    for workload in (one for one in workloads(objects) if one["kind"] != "Job"):
        pod = pod_of(workload)
        (container,) = pod["containers"]
        component = component_of(workload)
        if component == "orchestrator":
            notice = float(environment_of(container)["ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS"])
            own = notice + serve.GRACE_SECONDS + store.DRAIN_SECONDS
        else:
            own = OWN_SECONDS.get("price-server" if component.startswith("price-server") else component, 5)
        hook = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] >= hook + own + 2, component
        has_callers = bool(container.get("ports")) and component != "drift"
        assert (hook > 0) is has_callers, component


def test_values_hold_no_secret_and_secrets_are_only_referenced(objects: list[Object]) -> None:
    assert not of_kind(objects, "Secret")
    for container in (container for workload in workloads(objects) for container in containers_of(workload)):
        for name, value in environment_of(container).items():
            if name.endswith(("DATABASE_URL", "STORAGE_URL", "LOG__URL", "JOBS_URL", "LOG_URL", "STORE_URI")):
                assert re.fullmatch("[a-z]+/(url|address)", value), f"{name} must come from a Secret"
    for one in objects:
        for path, value in values_in(one):
            assert not re.search(r"//[^/\s]*:[^/\s]*@", str(value)), path


def test_every_volume_is_mounted_and_every_mount_has_a_volume(objects: list[Object]) -> None:
    claims = {claim["metadata"]["name"] for claim in of_kind(objects, "PersistentVolumeClaim")}
    for workload in workloads(objects):
        pod = pod_of(workload)
        templates = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])]
        names = {volume["name"] for volume in pod["volumes"]} | set(templates)
        mounted = {mount["name"] for container in containers_of(workload) for mount in container["volumeMounts"]}
        assert names == mounted, component_of(workload)
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims | {"models"}
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"]


def test_only_the_lifecycle_worker_writes_routes_and_model_servers_write_nothing(objects: list[Object]) -> None:
    for workload in workloads(objects):
        component = component_of(workload)
        for container in pod_of(workload)["containers"]:
            writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert ("/serving" in writable) is (component == "lifecycle-worker")
            if component.startswith(("price-server", "comparables-server")):
                assert writable == {"/tmp"}  # noqa: S108 - the mount of each pod


def test_selectors_find_exactly_their_own_pods(objects: list[Object]) -> None:
    pods = {component_of(workload): labels_of_pod(workload) for workload in workloads(objects)}
    for one in of_kind(objects, "Deployment", "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = one["spec"]
        selector: dict[str, Any] = spec.get("podSelector", spec.get("selector"))
        selector = selector.get("matchLabels", selector)
        assert [name for name, labels in pods.items() if selects(selector, labels)] == [component_of(one)]


def test_ports_of_services_are_ports_of_their_pods(objects: list[Object]) -> None:
    containers = {component_of(one): pod_of(one)["containers"][0] for one in workloads(objects)}
    for service in of_kind(objects, "Service"):
        ports = {port["name"]: port["containerPort"] for port in containers[component_of(service)]["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]


def test_replicas_are_spread_and_keep_one_pod_during_evictions(objects: list[Object]) -> None:
    for component in ("orchestrator", "price-server"):
        (workload,) = (one for one in workloads(objects) if component_of(one) == component)
        spread = pod_of(workload)["topologySpreadConstraints"]
        assert {one["topologyKey"] for one in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        (budget,) = (one for one in of_kind(objects, "PodDisruptionBudget") if component_of(one) == component)
        assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("variant", ["databases", "no autoscaling"])
def test_the_autoscaler_sets_the_replicas_or_the_values_do(variant: str, render: Any) -> None:
    objects = render(variant)
    (api,) = (one for one in workloads(objects) if component_of(one) == "orchestrator")
    scalers = of_kind(objects, "HorizontalPodAutoscaler")
    if variant == "no autoscaling":
        assert (scalers, api["spec"]["replicas"]) == ([], 3)
    else:
        (scaler,) = scalers
        assert "replicas" not in api["spec"]
        assert scaler["spec"]["scaleTargetRef"]["name"] == api["metadata"]["name"]
        assert json.dumps(scaler["spec"]["metrics"]).count("cpu") == 1
