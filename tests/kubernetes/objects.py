"""Finds objects, pods and containers in a rendered chart."""

from collections.abc import Iterator, Sequence
from typing import Any

from .helm import PREFIX, Object

COMPONENT = "app.kubernetes.io/component"


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def find(objects: Sequence[Object], kind: str, component: str) -> Object:
    (found,) = (one for one in of_kind(objects, kind) if one["metadata"]["name"] == f"{PREFIX}-{component}")
    return found


def workloads(objects: Sequence[Object]) -> list[Object]:
    return of_kind(objects, "Deployment", "StatefulSet", "Job")


def pod_of(workload: Object) -> dict[str, Any]:
    return dict(workload["spec"]["template"]["spec"])


def labels_of_pod(workload: Object) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def component_of(one: Object) -> str:
    return str(one["metadata"]["labels"][COMPONENT])


def containers_of(workload: Object) -> list[dict[str, Any]]:
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


def environment_of(container: dict[str, Any]) -> dict[str, str]:
    """The variables of a container: each has a text, or the reference to a Secret as `NAME/KEY`."""
    found: dict[str, str] = {}
    for variable in container.get("env", []):
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        else:
            reference = variable["valueFrom"]["secretKeyRef"]
            found[variable["name"]] = f"{reference['name']}/{reference['key']}"
    return found


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def values_in(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a document that is no list or object, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from values_in(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from values_in(inner, f"{path}[{number}]")
    else:
        yield path, value
