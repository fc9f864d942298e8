"""Prometheus scrapes the same targets in the cluster as in compose."""

from collections.abc import Callable

from monitoring_files import prometheus_configuration

from .helm import Object
from .objects import component_of, find, of_kind

type Render = Callable[[str], list[Object]]


def test_every_scrape_target_of_compose_has_a_monitor_with_its_job_name(render: Render) -> None:
    """The rules select by `job`."""
    jobs = {job["job_name"] for job in prometheus_configuration()["scrape_configs"]}
    monitors = of_kind(render("monitoring"), "ServiceMonitor")
    relabelings = [monitor["spec"]["endpoints"][0]["relabelings"] for monitor in monitors]
    assert {one["replacement"] for (one,) in relabelings if one["targetLabel"] == "job"} >= jobs


def test_every_service_has_a_monitor_but_mlserver(render: Render) -> None:
    for variant in ("monitoring", "monitoring with TLS and MLServer"):
        objects = render(variant)
        scraped = {component_of(monitor) for monitor in of_kind(objects, "ServiceMonitor")}
        services = {component_of(service) for service in of_kind(objects, "Service")}
        assert services - scraped == ({"price-server"} if "MLServer" in variant else set())


def test_monitors_select_services_and_their_ports(render: Render) -> None:
    for variant, scheme in (("monitoring", None), ("monitoring with TLS and MLServer", "https")):
        objects = render(variant)
        monitors = of_kind(objects, "ServiceMonitor")
        assert monitors
        for monitor in monitors:
            service = find(objects, "Service", component_of(monitor))
            assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
            (endpoint,) = monitor["spec"]["endpoints"]
            assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
            assert endpoint.get("scheme") == (scheme if component_of(monitor) == "orchestrator" else None)


def test_prometheus_finds_the_objects_by_the_labels_of_the_values(render: Render) -> None:
    for one in of_kind(render("monitoring"), "ServiceMonitor", "PrometheusRule"):
        assert one["metadata"]["labels"]["release"] == "prometheus"
