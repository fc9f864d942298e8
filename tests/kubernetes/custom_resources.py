"""Schemas of the custom resources that the chart makes, which Kubernetes itself does not define.

Each lists the fields that the chart uses, as the definitions of Prometheus Operator 0.86 (monitoring.coreos.com/v1) and
Gateway API 1.4 (gateway.networking.k8s.io/v1) state them, and nothing else.
"""

from collections.abc import Mapping
from typing import Any, Final


def closed(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """A closed object."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**required, **optional},
        "required": list(required),
    }


def many(items: Mapping[str, Any], maximum: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": maximum}


TEXT: Final = {"type": "string", "minLength": 1}
LABELS: Final = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}}
DURATION: Final = {
    "type": "string",
    "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
}
METADATA: Final = closed({"name": TEXT, "namespace": TEXT, "labels": LABELS}, annotations={"type": "object"})
HOSTNAME: Final = {
    "type": "string",
    "maxLength": 253,
    "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
PORT: Final = {"type": "integer", "minimum": 1, "maximum": 65535}
PARENT: Final = closed({"name": TEXT}, namespace=TEXT, sectionName=TEXT, group=TEXT, kind=TEXT, port=PORT)
BACKEND: Final = closed({"name": TEXT, "port": PORT})


def resource(group: str, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return closed({"apiVersion": {"const": f"{group}/v1"}, "kind": {"const": kind}, "metadata": METADATA, "spec": spec})


def route(kind: str) -> dict[str, Any]:
    rules = many(closed({"backendRefs": many(BACKEND, 16)}), 16)
    spec = closed({"parentRefs": many(PARENT, 32), "hostnames": many(HOSTNAME, 16), "rules": rules})
    return resource("gateway.networking.k8s.io", kind, spec)


ENDPOINT: Final = closed(
    {"port": TEXT, "path": TEXT, "interval": DURATION},
    scheme={"enum": ["http", "https"]},
    tlsConfig=closed({"insecureSkipVerify": {"type": "boolean"}}),
    honorTimestamps={"type": "boolean"},
    relabelings=many(closed({"targetLabel": TEXT, "replacement": TEXT}), 100),
)
RULE: Final = closed(
    {"expr": {"type": ["string", "integer"]}},
    alert=TEXT,
    record=TEXT,
    labels=LABELS,
    annotations={"type": "object", "additionalProperties": {"type": "string"}},
    **{"for": DURATION, "keep_firing_for": DURATION},
)

SCHEMAS: Final = {
    "ServiceMonitor": resource(
        "monitoring.coreos.com",
        "ServiceMonitor",
        closed({"selector": closed({"matchLabels": LABELS}), "endpoints": many(ENDPOINT, 10)}),
    ),
    "PrometheusRule": resource(
        "monitoring.coreos.com",
        "PrometheusRule",
        closed({"groups": many(closed({"name": TEXT, "rules": many(RULE, 1000)}, interval=DURATION), 100)}),
    ),
    "HTTPRoute": route("HTTPRoute"),
    "GRPCRoute": route("GRPCRoute"),
}
