"""Logs, metrics and traces."""

from pathlib import Path
from typing import Literal

from pydantic import HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing_price_orchestrator.settings.base import Group


class LogSettings(Group):
    """What is written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe events that are written."""
    format: Literal["auto", "json", "console"] = "auto"
    """`json`: one JSON object per line; `console`: for people; `auto`: `console` on a terminal, else `json`."""


class MetricsSettings(Group):
    """What `/metrics` shows, on the same port as everything else."""

    enabled: bool = True
    """Whether there is a page `/metrics`; nobody is asked who reads it, and without it nothing is counted."""
    folder: Path | None = None
    """Where several workers find what the others have counted; without it, a temporary folder that goes with them."""


class TracingSettings(BaseSettings):
    """Where traces go, by the variables that OpenTelemetry has for it; its SDK reads the others itself."""

    model_config = SettingsConfigDict(
        env_prefix="OTEL_", env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    exporter_otlp_endpoint: HttpUrl | None = None
    """The address of a collector that speaks OTLP over HTTP, to which `v1/traces` is added; without one, no traces."""
    exporter_otlp_traces_endpoint: HttpUrl | None = None
    """The whole address for traces, instead."""
    exporter_otlp_protocol: Literal["http/protobuf"] = "http/protobuf"
    """How they are sent."""
    exporter_otlp_traces_protocol: Literal["http/protobuf"] | None = None
    """The same, of traces only."""
    traces_exporter: Literal["otlp", "none"] = "otlp"
    """`none` switches traces off."""
    sdk_disabled: bool = False
    """`true` switches them off, too."""
    service_name: str = "housing-price-orchestrator"
    """What this service is called in traces."""

    @property
    def endpoint(self) -> str | None:
        """Where spans are sent; None where they are not."""
        if self.sdk_disabled or self.traces_exporter == "none":
            return None
        if self.exporter_otlp_traces_endpoint is not None:
            return str(self.exporter_otlp_traces_endpoint)
        base = self.exporter_otlp_endpoint
        return None if base is None else f"{str(base).rstrip('/')}/v1/traces"
