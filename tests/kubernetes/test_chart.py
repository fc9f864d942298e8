"""The chart is well formed: lint, the strict schemas of each Kubernetes version, custom resources, and its package."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from monitoring_files import RULES

from .custom_resources import SCHEMAS
from .helm import CHART, NAMESPACE, PREFIX, RELEASE, Helm, Object
from .objects import of_kind, values_in
from .variants import VARIANTS

VERSIONS = ("1.33", "1.34", "1.35", "1.36", "1.37")

type Render = Callable[[str], list[Object]]


@pytest.mark.parametrize("variant", VARIANTS)
def test_lint_finds_nothing(helm: Helm, variant: str) -> None:
    linted = helm.lint(VARIANTS[variant])
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "[WARNING]" not in linted.stdout


@pytest.fixture(scope="module")
def distinct(render: Render) -> list[Object]:
    """Each object that any variant renders, once."""
    found = {json.dumps(one, sort_keys=True): one for variant in VARIANTS for one in render(variant)}
    return list(found.values())


@pytest.fixture(scope="module", autouse=True)
def _cached_schemas() -> Iterator[None]:
    """The package reads its definitions (1.4 MB) again for each object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


def problems_of(one: Object, version: str) -> Iterator[str]:
    name = f"{one['kind']} {one['metadata']['name']}"
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{name}: {'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"{name}: unknown to Kubernetes {version}"


@pytest.mark.full
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_in_every_kubernetes_version(distinct: list[Object], version: str) -> None:
    own = [one for one in distinct if one["kind"] not in SCHEMAS]
    assert len(own) > 100
    assert [problem for one in own for problem in problems_of(one, version)] == []


def test_the_defaults_are_valid_in_the_oldest_and_newest_version(render: Render) -> None:
    for version in (VERSIONS[0], VERSIONS[-1]):
        assert [problem for one in render("defaults") for problem in problems_of(one, version)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "template", "spec", "containers", 0, "readinesProbe"), {}),
        (("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"), "http"),
        (("spec", "replica"), 2),
    ],
)
def test_a_field_that_kubernetes_does_not_know_is_found(render: Render, path: tuple[Any, ...], value: object) -> None:
    broken = json.loads(json.dumps(of_kind(render("defaults"), "Deployment")[0]))
    inner = broken
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert list(problems_of(broken, VERSIONS[-1]))


def test_every_custom_resource_is_valid(distinct: list[Object]) -> None:
    custom = [one for one in distinct if one["kind"] in SCHEMAS]
    assert {one["kind"] for one in custom} == set(SCHEMAS)
    for one in custom:
        jsonschema_rs.validator_for(SCHEMAS[one["kind"]]).validate(one)


def test_no_value_is_null_or_unrendered(objects: list[Object]) -> None:
    for one in objects:
        for path, value in values_in(one):
            assert value is not None, path
            # Texts of alerts have templates of Prometheus.
            assert "{{" not in str(value) or one["kind"] == "PrometheusRule", path
            assert "<no value>" not in str(value), path


def test_names_are_unique_and_in_the_namespace_of_the_release(objects: list[Object]) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    for one in objects:
        assert one["metadata"]["namespace"] == NAMESPACE
        # 63 is the limit of labels and of the names of pods: `-0` and more follow for pods.
        assert len(one["metadata"]["name"]) <= 63


def test_the_rules_of_prometheus_are_those_of_the_monitoring_folder(render: Render) -> None:
    (rules,) = of_kind(render("monitoring"), "PrometheusRule")
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    assert rules["spec"]["groups"] == groups
    assert len(groups) >= 2


def test_a_package_of_the_chart_renders_the_same(helm: Helm, render: Render, tmp_path: Path) -> None:
    packaged = helm.run("package", str(CHART), "--destination", str(tmp_path))
    assert packaged.returncode == 0, packaged.stderr
    (archive,) = tmp_path.glob("*.tgz")
    assert helm.objects(VARIANTS["monitoring"], archive) == render("monitoring")


def test_the_names_follow_the_release(helm: Helm, render: Render) -> None:
    assert all(one["metadata"]["name"].startswith(PREFIX) for one in render("defaults"))
    named = render("names, labels and places")
    assert all(one["metadata"]["name"].startswith("a-name-of-forty-characters-exactly-so-xy-") for one in named)
    # A release with the chart's name is not named twice.
    rendered = helm.run("template", "housing-price", str(CHART), "--namespace", NAMESPACE)
    assert "name: housing-price-orchestrator" in rendered.stdout
    assert RELEASE not in rendered.stdout.replace("prices of houses", "")
