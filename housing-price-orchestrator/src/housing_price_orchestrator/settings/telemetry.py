"""Logs, metrics and traces."""

from pathlib import Path
from typing import Literal

from pydantic import HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing_price_orchestrator.settings.base import Group


class LogSettings(Group):
    """Log events, written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum severity of log events."""
    format: Literal["auto", "json", "console"] = "auto"
    """`json`: one JSON object per line; `console`: readable text; `auto`: `console` on a terminal, else `json`."""


class MetricsSettings(Group):
    """Prometheus metrics, served on the API's port."""

    enabled: bool = True
    """Whether to collect metrics and serve `/metrics`, which needs no authentication."""
    folder: Path | None = None
    """Folder in which workers share their metrics; default: a temporary folder, removed at exit."""


class TracingSettings(BaseSettings):
    """OpenTelemetry's standard variables that this service checks itself; the SDK reads the others."""

    model_config = SettingsConfigDict(
        env_prefix="OTEL_", env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    exporter_otlp_endpoint: HttpUrl | None = None
    """Base URL of an OTLP/HTTP collector, to which `v1/traces` is appended; tracing is off without it."""
    exporter_otlp_traces_endpoint: HttpUrl | None = None
    """Full URL for traces; overrides the base URL."""
    exporter_otlp_protocol: Literal["http/protobuf"] = "http/protobuf"
    """OTLP transport."""
    exporter_otlp_traces_protocol: Literal["http/protobuf"] | None = None
    """OTLP transport for traces only."""
    traces_exporter: Literal["otlp", "none"] = "otlp"
    """`none` turns tracing off."""
    sdk_disabled: bool = False
    """`true` turns tracing off."""
    service_name: str = "housing-price-orchestrator"
    """Service name in traces."""

    @property
    def endpoint(self) -> str | None:
        """URL to which spans are sent; None if tracing is off."""
        if self.sdk_disabled or self.traces_exporter == "none":
            return None
        if self.exporter_otlp_traces_endpoint is not None:
            return str(self.exporter_otlp_traces_endpoint)
        base = self.exporter_otlp_endpoint
        return None if base is None else f"{str(base).rstrip('/')}/v1/traces"
