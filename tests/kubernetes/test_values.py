"""Wrong values are refused with a message that names the value; the files made from the values are up to date."""

import json
from typing import Any

import pytest
import yaml
from deploy.helm import generate

from housing_price_orchestrator.settings import list_settings

from .helm import CHART, Helm
from .objects import values_in
from .variants import DIGEST

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt value": ({"orchestrater": {}}, "orchestrater"),
    "a misspelt inner value": ({"price": {"replica": 2}}, "/price"),
    "a text for a number": ({"orchestrator": {"replicas": "two"}}, "/orchestrator/replicas"),
    "no replica": ({"price": {"replicas": 0}}, "/price/replicas"),
    "half a replica": ({"comparables": {"replicas": 1.5}}, "/comparables/replicas"),
    "a text for a boolean": ({"grpc": {"enabled": "yes"}}, "/grpc/enabled"),
    "the port of the API for gRPC": ({"grpc": {"enabled": True, "port": 8000}}, "/grpc/port"),
    "an unknown source of models": ({"model": {"source": "bucket"}}, "/model/source"),
    "an unknown runtime": ({"price": {"runtime": "triton"}}, "/price/runtime"),
    "the tag latest": ({"images": {"model": {"tag": "latest"}}}, "/images/model/tag"),
    "a short digest of an image": ({"images": {"model": {"digest": "sha256:12"}}}, "/images/model/digest"),
    "a digest without its algorithm": ({"price": {"digest": "5a" * 32}}, "/price/digest"),
    "an image without a repository": ({"images": {"orchestrator": {"repository": ""}}}, "/images/orchestrator"),
    "a model of the other kind": (
        {"price": {"registeredModel": "models:/housing-comparables/1"}},
        "/price/registeredModel",
    ),
    "a folder outside the volume": ({"price": {"folder": "../secrets"}}, "/price/folder"),
    "a size in words": ({"jobs": {"files": {"size": "large"}}}, "/jobs/files/size"),
    "an unknown access mode": ({"jobs": {"files": {"accessModes": ["ReadWrite"]}}}, "/jobs/files/accessModes/0"),
    "a secret in place of its name": (
        {"jobs": {"databaseSecret": {"name": "postgresql://user:password@db/jobs"}}},
        "/jobs/databaseSecret/name",
    ),
    "a setting that does not exist": (
        {"orchestrator": {"settings": {"ORCHESTRATOR_AUTH_REQUIRED": "true"}}},
        "/orchestrator/settings': additional properties 'ORCHESTRATOR_AUTH_REQUIRED' not allowed",
    ),
    "a setting that the chart sets": (
        {"orchestrator": {"settings": {"ORCHESTRATOR_SERVER__PORT": 80}}},
        "/orchestrator/settings",
    ),
    "a list for a setting": (
        {"orchestrator": {"settings": {"ORCHESTRATOR_LOG__LEVEL": ["info"]}}},
        "/orchestrator/settings/ORCHESTRATOR_LOG__LEVEL",
    ),
    "a setting of the API for the worker": (
        {"scoringWorker": {"settings": {"ORCHESTRATOR_CORS__ALLOWED_ORIGINS": "*"}}},
        "/scoringWorker/settings",
    ),
    "no limits": ({"orchestrator": {"resources": {"limits": None}}}, "/orchestrator/resources"),
    "resources in words": (
        {"tracking": {"resources": {"limits": {"memory": "2 GB"}}}},
        "/tracking/resources/limits/memory",
    ),
    "a wrong rate": ({"rateLimit": {"requests": "many"}}, "/rateLimit/requests"),
    "an address with a password": (
        {"tracking": {"enabled": False, "externalUrl": "https://me:secret@mlflow"}},
        "/tracking/externalUrl",
    ),
    "a host with a scheme": ({"ingress": {"enabled": True, "hosts": ["https://a.example.com"]}}, "/ingress/hosts/0"),
    "a store that is no URI": ({"jobs": {"stores": ["houses"]}}, "/jobs/stores/0"),
    "a version without a digest": ({"price": {"versions": [{"version": "2"}]}}, "/price/versions/0"),
    "a version with zeros in front": (
        {"price": {"versions": [{"version": "02", "digest": DIGEST}]}},
        "/price/versions/0/version",
    ),
    "a long name": ({"fullnameOverride": "a" * 41}, "/fullnameOverride"),
    "a peer that is no peer": ({"network": {"callers": [{"pod": "x"}]}}, "/network/callers/0"),
    "an interval without a unit": (
        {"monitoring": {"serviceMonitors": {"interval": "15"}}},
        "/monitoring/serviceMonitors/interval",
    ),
    "keys required without keys": ({"auth": {"required": True}}, "auth.required=true needs auth.keysSecret.name"),
    "keys and no authentication": (
        {"auth": {"required": False, "keysSecret": {"name": "keys"}}},
        "auth.required=false turns authentication off",
    ),
    "an Ingress without keys": (
        {"ingress": {"enabled": True, "hosts": ["a.example.com"]}},
        "publish the API without authentication",
    ),
    "an Ingress without hosts": (
        {"auth": {"required": False}, "ingress": {"enabled": True}},
        "ingress.enabled needs ingress.hosts",
    ),
    "a Gateway without parents": (
        {"auth": {"required": False}, "gateway": {"enabled": True, "hostnames": ["a.example.com"]}},
        "gateway.enabled needs gateway.parentRefs",
    ),
    "one host for both routes": (
        {
            "auth": {"required": False},
            "grpc": {"enabled": True},
            "gateway": {"enabled": True, "parentRefs": [{"name": "g"}], "hostnames": ["a.b"], "grpcHostnames": ["a.b"]},
        },
        "gateway.grpcHostnames: a.b is in gateway.hostnames too",
    ),
    "Redis without a rate": (
        {"rateLimit": {"redisSecret": {"name": "redis"}}},
        "rateLimit.redisSecret.name has no effect",
    ),
    "fewer pods than the fewest": (
        {"orchestrator": {"autoscaling": {"minReplicas": 7}}},
        "orchestrator.autoscaling.minReplicas is greater",
    ),
    "no tracking server": ({"tracking": {"enabled": False}}, "tracking.enabled=false needs tracking.externalUrl"),
    "models in images without images": (
        {"model": {"source": "image"}},
        "model.source=image needs price.image.repository",
    ),
    "versions without the worker that exports them": (
        {"price": {"versions": [{"version": "2", "digest": DIGEST}]}},
        "price.versions needs lifecycleWorker.enabled",
    ),
    "drift without a log": ({"drift": {"enabled": True}}, "drift.enabled needs predictionLog.databaseSecret.name"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_refused_by_its_name(helm: Helm, case: str) -> None:
    values, named = WRONG[case]
    rendered = helm.template(values)
    assert rendered.returncode != 0
    assert named in rendered.stderr, rendered.stderr


def schema() -> dict[str, Any]:
    return dict(json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))


def test_the_names_of_settings_in_the_schema_are_up_to_date() -> None:
    assert schema() == generate.with_settings(schema()), "run: python deploy/helm/generate.py"


def test_the_chart_sets_settings_that_exist() -> None:
    assert {name for name, _, _ in list_settings()} >= generate.SET_BY_CHART
    assert not set(generate.settings_of_api()) & generate.SET_BY_CHART
    assert set(generate.settings_of_worker()) < set(generate.settings_of_api())


def test_the_table_of_values_is_up_to_date() -> None:
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    table = generate.values_table((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert readme == generate.with_table(readme, table), "run: python deploy/helm/generate.py"


def test_every_value_is_described() -> None:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    described = tuple(value.path for value in generate.described_values(text))
    for path, _ in values_in(yaml.safe_load(text)):
        assert path.removeprefix(".").startswith(described), path
    # Empty lists and maps are values too.
    assert {"images.pullSecrets", "podLabels", "orchestrator.settings", "network.trackingUsers"} <= set(described)


def test_the_schema_knows_every_value_and_nothing_else() -> None:
    """Each object of the schema is closed, and its properties are those of the values."""

    def check(values: Any, part: dict[str, Any], path: str) -> None:
        definition = schema()["definitions"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        if "allOf" in definition:
            definition = schema()["definitions"][definition["allOf"][0]["$ref"].rpartition("/")[2]]
        if (
            definition.get("additionalProperties") is False
            and isinstance(values, dict)
            and not path.endswith("ettings")
        ):
            assert set(values) == set(definition["properties"]) - {"global", "ephemeral-storage"}, path
            for name, value in values.items():
                check(value, definition["properties"][name], f"{path}.{name}")

    check(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), schema(), "")


def test_the_default_tag_is_the_version_of_the_chart() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == chart["version"]
