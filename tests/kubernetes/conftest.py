"""Helm, and the objects of each variant of the chart."""

from collections.abc import Callable
from functools import cache

import pytest

from .helm import Helm, Object, extract_helm
from .variants import VARIANTS


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(extract_helm(tmp_path_factory.mktemp("helm")))


@pytest.fixture(scope="session")
def render(helm: Helm) -> Callable[[str], list[Object]]:
    """Return a function that renders a variant, once."""

    @cache
    def render(variant: str) -> list[Object]:
        return helm.objects(VARIANTS[variant])

    return render


@pytest.fixture(params=VARIANTS)
def objects(request: pytest.FixtureRequest, render: Callable[[str], list[Object]]) -> list[Object]:
    """The objects of each variant."""
    return render(request.param)
