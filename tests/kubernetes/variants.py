"""The variants of the chart that the tests render, each as its values."""

from collections.abc import Mapping
from typing import Any, Final

DIGEST: Final = "sha256:" + "5a" * 32
DATABASES: Final = {
    "predictionLog": {"databaseSecret": {"name": "log"}},
    "jobs": {"databaseSecret": {"name": "jobs", "key": "address"}},
}
KEYS: Final = {"auth": {"required": True, "keysSecret": {"name": "keys"}}}
IMAGE: Final = {"repository": "houses/price", "tag": "2026-11-30"}

VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "defaults": {},
    "databases": DATABASES,
    "databases, Redis and object store": DATABASES
    | {
        "jobs": {"databaseSecret": {"name": "jobs"}, "stores": ["s3://houses", "s3://prices"], "storesSecret": "s3"},
        "rateLimit": {
            "requests": "100/second",
            "requestsPerAddress": "1000 per minute",
            "redisSecret": {"name": "redis"},
        },
        "tracking": {"databaseSecret": {"name": "registry"}, "artifacts": "s3://models", "artifactsSecret": "s3"},
        "network": {"postgres": {"to": [{"ipBlock": {"cidr": "10.1.2.0/24"}}], "ports": [5433]}},
    },
    "without migration and lifecycle": {
        "predictionLog": {"databaseSecret": {"name": "log"}, "migration": {"enabled": False}},
        "jobs": {"databaseSecret": {"name": "jobs"}},
        "lifecycleWorker": {"enabled": False},
    },
    "external tracking server": DATABASES
    | {"tracking": {"enabled": False, "externalUrl": "https://mlflow.example.com"}, "drift": {"enabled": True}},
    "MLServer": {"price": {"runtime": "mlserver", "replicas": 3}},
    "models in images": {
        "model": {"source": "image"},
        "price": {"image": IMAGE, "digest": DIGEST},
        "comparables": {"image": {"repository": "houses/comparables", "digest": DIGEST}},
    },
    "MLServer with its model in the image": {
        "model": {"source": "image"},
        "price": {"image": IMAGE, "runtime": "mlserver"},
        "comparables": {"enabled": False},
    },
    "models in an existing volume": {
        "model": {"claim": {"existingClaim": "models"}},
        "price": {"folder": "price-7", "digest": DIGEST},
        "trainer": {"enabled": False},
    },
    "models from the registry": {"model": {"source": "registry"}},
    "models from the registry by digest": DATABASES
    | {"model": {"source": "registry"}, "price": {"digest": DIGEST}, "comparables": {"digest": DIGEST}},
    "two versions of the price model": DATABASES
    | {"price": {"versions": [{"version": "2", "digest": DIGEST}, {"version": "11", "digest": DIGEST, "replicas": 2}]}},
    "no comparables": DATABASES | {"comparables": {"enabled": False}},
    "no autoscaling": {
        "orchestrator": {"autoscaling": {"enabled": False}, "replicas": 3, "preStopSeconds": 20, "stopNoticeSeconds": 4}
    },
    "keys and TLS": KEYS | {"tls": {"secretName": "certificate"}},
    "tokens": {
        "orchestrator": {
            "settings": {
                "ORCHESTRATOR_JWT__JWKS_URL": "https://id.example.com/keys",
                "ORCHESTRATOR_JWT__ISSUER": "https://id.example.com",
                "ORCHESTRATOR_JWT__AUDIENCE": "prices",
            },
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        },
        "network": {"orchestratorEgress": [{"ports": [{"protocol": "TCP", "port": 3128}]}]},
        "predictionLog": {"databaseSecret": {"name": "log"}},
    },
    "gRPC": {"grpc": {"enabled": True, "port": 9000}},
    "Ingress": KEYS
    | {
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "hosts": ["prices.example.com", "*.houses.example.com"],
            "tlsSecretName": "certificate",
            "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "32m"},
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}],
        }
    },
    "Gateway with gRPC and TLS": KEYS
    | {
        "tls": {"secretName": "certificate"},
        "grpc": {"enabled": True},
        "gateway": {
            "enabled": True,
            "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
            "hostnames": ["prices.example.com"],
            "grpcHostnames": ["grpc.example.com"],
        },
    },
    "monitoring": DATABASES
    | {
        "monitoring": {
            "serviceMonitors": {"enabled": True, "interval": "30s"},
            "prometheusRules": {"enabled": True},
            "labels": {"release": "prometheus"},
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        },
        "drift": {"enabled": True},
    },
    "monitoring with TLS and MLServer": {
        "price": {"runtime": "mlserver"},
        "tls": {"secretName": "certificate"},
        "monitoring": {"serviceMonitors": {"enabled": True}},
    },
    "no NetworkPolicies": {"network": {"policies": False}},
    "names, labels and places": DATABASES
    | {
        "fullnameOverride": "a-name-of-forty-characters-exactly-so-xy",
        "images": {
            "registry": "registry.example.com:5000/houses",
            "pullSecrets": ["pull"],
            "model": {"digest": DIGEST},
        },
        "podLabels": {"team": "valuation"},
        "podAnnotations": {"example.com/owner": "valuation"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "priorityClassName": "high",
        "scoringWorker": {
            "replicas": 3,
            "settings": {"ORCHESTRATOR_LOG__LEVEL": "debug", "ORCHESTRATOR_JOBS__MAX_JOBS": 2},
        },
    },
}
