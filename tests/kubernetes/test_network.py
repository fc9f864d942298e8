"""The NetworkPolicies: every pod has one, model servers have no way out, and every call of a service is allowed."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from .helm import PREFIX, Object
from .objects import component_of, containers_of, environment_of, labels_of_pod, of_kind, pod_of, selects, workloads
from .variants import VARIANTS

type Render = Callable[[str], list[Object]]

WITH_POLICIES = [name for name, values in VARIANTS.items() if values.get("network", {}).get("policies", True)]


def policies_of(objects: Sequence[Object]) -> dict[str, dict[str, Any]]:
    return {component_of(policy): policy["spec"] for policy in of_kind(objects, "NetworkPolicy")}


def reaches(rules: Sequence[dict[str, Any]], direction: str, labels: dict[str, str], port: int) -> bool:
    """Return whether a rule names pods with these labels by a selector, and the port."""
    return any(
        port in [entry["port"] for entry in rule["ports"]]
        and any(
            peer.get("podSelector", {}).get("matchLabels") and selects(peer["podSelector"]["matchLabels"], labels)
            for peer in rule.get(direction, [])
        )
        for rule in rules
    )


def callers_of(policy: dict[str, Any], variant: str) -> set[str]:
    """Return the components that may call a pod. Besides them, only Prometheus may, and only where it scrapes."""
    monitoring = VARIANTS[variant].get("monitoring", {})
    peers = [peer for rule in policy["ingress"] for peer in rule["from"]]
    components = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in peers if "podSelector" in peer
    }
    others = [peer for peer in peers if "podSelector" not in peer]
    scrapes = monitoring.get("serviceMonitors", {}).get("enabled", False)
    assert others == (monitoring.get("from", [{"namespaceSelector": {}}]) if scrapes else [])
    return components


@pytest.mark.parametrize("variant", WITH_POLICIES)
def test_every_pod_has_a_policy_for_both_directions(render: Render, variant: str) -> None:
    objects = render(variant)
    assert set(policies_of(objects)) == {component_of(workload) for workload in workloads(objects)}
    for policy in policies_of(objects).values():
        assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_policies_can_be_left_out(render: Render) -> None:
    assert policies_of(render("no NetworkPolicies")) == {}


@pytest.mark.parametrize("variant", WITH_POLICIES)
def test_model_servers_have_no_way_out_unless_they_export_from_the_registry(render: Render, variant: str) -> None:
    for component, policy in policies_of(render(variant)).items():
        if not component.startswith(("price-server", "comparables-server")):
            continue
        if VARIANTS[variant].get("model", {}).get("source") == "registry":
            ports = {entry["port"] for rule in policy["egress"] for entry in rule["ports"]}
            assert ports == {53, 9999}
            continue
        assert policy["egress"] == []
        assert callers_of(policy, variant) <= {"orchestrator", "scoring-worker", "lifecycle-worker"}


@pytest.mark.parametrize("variant", WITH_POLICIES)
def test_every_address_that_a_pod_is_given_is_allowed_at_both_ends(render: Render, variant: str) -> None:
    """Addresses in variables and commands that name a Service of the chart."""
    objects = render(variant)
    pods = {component_of(one): labels_of_pod(one) for one in workloads(objects)}
    policies = policies_of(objects)
    calls = set()
    for workload in workloads(objects):
        for container in containers_of(workload):
            texts = [*environment_of(container).values(), *container["command"]]
            found = re.findall(rf"http://(?:[a-z0-9-]+\.)?{PREFIX}-([a-z0-9-]+):(\d+)", " ".join(texts))
            calls |= {(component_of(workload), callee, int(port)) for callee, port in found}
    if not VARIANTS[variant].get("fullnameOverride"):
        assert ("orchestrator", "price-server", 8080) in calls
    for caller, callee, port in calls:
        assert reaches(policies[caller]["egress"], "to", pods[callee], port), (caller, callee)
        assert reaches(policies[callee]["ingress"], "from", pods[caller], port), (caller, callee)


@pytest.mark.parametrize("variant", WITH_POLICIES)
def test_nobody_else_reaches_the_tracking_server(render: Render, variant: str) -> None:
    """It has no login, and whoever reaches it can replace the model."""
    policy = policies_of(render(variant)).get("tracking-server")
    if policy is None:
        return
    users = callers_of(policy, variant)
    allowed = {"trainer", "training-worker", "lifecycle-worker", "drift"}
    if VARIANTS[variant].get("model", {}).get("source") == "registry":
        allowed |= {"price-server", "comparables-server"}
    assert users <= allowed


@pytest.mark.parametrize("variant", WITH_POLICIES)
def test_every_pod_with_a_database_reaches_it_and_no_other_pod_does(render: Render, variant: str) -> None:
    objects = render(variant)
    port = VARIANTS[variant].get("network", {}).get("postgres", {"ports": [5432]})["ports"][0]
    for workload in workloads(objects):
        variables = {name for container in pod_of(workload)["containers"] for name in environment_of(container)}
        has_database = any(
            name.endswith(("DATABASE_URL", "LOG__URL", "JOBS_URL", "LOG_URL", "STORE_URI")) for name in variables
        )
        egress = policies_of(objects)[component_of(workload)]["egress"]
        ports = {entry["port"] for rule in egress for entry in rule["ports"]}
        assert (port in ports) is has_database, component_of(workload)
        assert (6379 in ports) is ("ORCHESTRATOR_RATE_LIMIT__STORAGE_URL" in variables)


def test_the_api_is_open_to_its_namespace_and_to_the_controller_only(render: Render) -> None:
    (own,) = policies_of(render("defaults"))["orchestrator"]["ingress"]
    assert own["from"] == [{"podSelector": {}}]
    own, controller = policies_of(render("Ingress"))["orchestrator"]["ingress"]
    assert own["from"] == [{"podSelector": {}}]
    assert controller["from"] == VARIANTS["Ingress"]["ingress"]["from"]
    ports = [entry["port"] for entry in policies_of(render("gRPC"))["orchestrator"]["ingress"][0]["ports"]]
    assert ports == [8000, 9000]


def test_prometheus_reaches_what_it_scrapes(render: Render) -> None:
    objects = render("monitoring")
    peers = VARIANTS["monitoring"]["monitoring"]["from"]
    for monitor in of_kind(objects, "ServiceMonitor"):
        component = component_of(monitor)
        (service,) = (one for one in of_kind(objects, "Service") if component_of(one) == component)
        port = next(
            entry["port"]
            for entry in service["spec"]["ports"]
            if entry["name"] == monitor["spec"]["endpoints"][0]["port"]
        )
        rules = policies_of(objects)[component]["ingress"]
        assert any(rule["from"] == peers and port in [entry["port"] for entry in rule["ports"]] for rule in rules)


def test_further_rules_of_the_values_are_kept(render: Render) -> None:
    assert (
        VARIANTS["tokens"]["network"]["orchestratorEgress"][0]
        in policies_of(render("tokens"))["orchestrator"]["egress"]
    )
    databases = [
        rule
        for rule in policies_of(render("databases, Redis and object store"))["scoring-worker"]["egress"]
        if rule["ports"] == [{"protocol": "TCP", "port": 5433}]
    ]
    assert databases[0]["to"] == [{"ipBlock": {"cidr": "10.1.2.0/24"}}]
