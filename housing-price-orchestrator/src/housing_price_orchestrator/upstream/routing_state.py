"""Reports the routes in use to the API and to the metrics. Part of the composition root (`app.py`)."""

from collections.abc import Iterator

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.routes_file import RoutesFile
from housing_price_orchestrator.service.routing.variant_statistics import quantile
from housing_price_orchestrator.shared.ports import Variant
from housing_price_orchestrator.shared.routing import ComparablesState, RoutingState, VariantState
from housing_price_orchestrator.shared.view.routes import Route
from housing_price_orchestrator.upstream.comparables import ComparablesUpstream
from housing_price_orchestrator.upstream.swap import Upstream


class UpstreamRouting:
    """Implements `Routing` for an `Upstream` and a comparables model."""

    def __init__(
        self, upstream: Upstream, file: RoutesFile | None, comparables: ComparablesUpstream | None = None
    ) -> None:
        """Report on `upstream` and `comparables`; `file` is the routes file that `upstream` follows, if any."""
        self._upstream = upstream
        self._file = file
        self._comparables = comparables

    def state(self) -> RoutingState:
        """Return the routes in use, with the statistics of each version."""
        return RoutingState(
            revision=self._upstream.routes.revision,
            is_file_usable=None if self._file is None else self._file.error is None,
            variants=tuple(self._variants()),
            stopped=self._upstream.stopped,
            comparables=self._comparables_state(),
        )

    def register_metrics(self, metrics: Metrics) -> None:
        """Have `metrics` read the routes at each scrape."""
        upstream, file = self._upstream, self._file
        metrics.routes_revision.read_from(lambda: [((), upstream.routes.revision)])
        metrics.routes_unusable.read_from(lambda: [((), file is not None and file.error is not None)])
        metrics.variant_weight.read_from(
            lambda: [((variant, route.version), weight) for variant, route, weight in self._weighted_routes()]
        )

    def _comparables_state(self) -> ComparablesState | None:
        if self._comparables is None:
            return None
        probe = self._comparables.probe
        return ComparablesState(probe.identity, probe.is_answering, self._comparables.addresses)

    def _weighted_routes(self) -> Iterator[tuple[Variant, Route, float]]:
        routes = self._upstream.routes
        weight = self._upstream.canary_weight
        yield "champion", routes.champion, 1 - weight
        if routes.canary is not None:
            yield "canary", routes.canary, weight
        if routes.shadow is not None:
            yield "shadow", routes.shadow, 0.0

    def _variants(self) -> Iterator[VariantState]:
        for variant, route, weight in self._weighted_routes():
            statistics = self._upstream.statistics.of(variant, route)
            yield VariantState(
                variant=variant,
                version=route.version,
                model_id=route.model_id,
                addresses=tuple(_without_credentials(str(address)) for address in route.addresses),
                weight=weight,
                answered=statistics.answered,
                failed=statistics.failed,
                p50_seconds=quantile(statistics.seconds, 0.5),
                p99_seconds=quantile(statistics.seconds, 0.99),
                median_deviation=self._upstream.canary_deviation if variant == "canary" else None,
            )


def _without_credentials(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}".rstrip("/")
