"""Tells who answers, to whoever asks and to the metrics: a part of the composition root (`app.py`)."""

from collections.abc import Iterator

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.routes_file import RoutesFile
from housing_price_orchestrator.service.routing.variant_statistics import quantile
from housing_price_orchestrator.shared.ports import Variant
from housing_price_orchestrator.shared.routing import RoutingState, SeenVariant
from housing_price_orchestrator.shared.view.routes import Route
from housing_price_orchestrator.upstream.swap import Upstream


class UpstreamRouting:
    """A `Routing`: what an upstream does with the routes that it follows."""

    def __init__(self, upstream: Upstream, file: RoutesFile | None) -> None:
        """Tell of `upstream`, which follows `file` where there is one."""
        self._upstream = upstream
        self._file = file

    def state(self) -> RoutingState:
        """Tell how it is now."""
        return RoutingState(
            revision=self._upstream.routes.revision,
            is_file_usable=None if self._file is None else self._file.error is None,
            variants=tuple(self._variants()),
            stopped=self._upstream.stopped,
        )

    def tell(self, metrics: Metrics) -> None:
        """Let `metrics` read it."""
        upstream, file = self._upstream, self._file
        metrics.routes_revision.read_from(lambda: [((), upstream.routes.revision)])
        metrics.routes_unusable.read_from(lambda: [((), file is not None and file.error is not None)])
        metrics.variant_weight.read_from(
            lambda: [((variant, route.version), weight) for variant, route, weight in self._parts()]
        )

    def _parts(self) -> Iterator[tuple[Variant, Route, float]]:
        routes = self._upstream.routes
        weight = self._upstream.canary_weight
        yield "champion", routes.champion, 1 - weight
        if routes.canary is not None:
            yield "canary", routes.canary, weight
        if routes.shadow is not None:
            yield "shadow", routes.shadow, 0.0

    def _variants(self) -> Iterator[SeenVariant]:
        for variant, route, weight in self._parts():
            record = self._upstream.records.of(variant, route)
            yield SeenVariant(
                variant=variant,
                version=route.version,
                model_id=route.model_id,
                addresses=tuple(_without_credentials(str(address)) for address in route.addresses),
                weight=weight,
                answered=record.answered,
                failed=record.failed,
                p50_seconds=quantile(record.seconds, 0.5),
                p99_seconds=quantile(record.seconds, 0.99),
                median_deviation=self._upstream.canary_deviation if variant == "canary" else None,
            )


def _without_credentials(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}".rstrip("/")
