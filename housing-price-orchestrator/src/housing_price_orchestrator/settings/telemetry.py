"""Logs, metrics, traces and the drift check."""

import importlib.util
import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing_price_orchestrator.settings.base import Group
from housing_price_platform.environment.opentelemetry_variables import TRANSPORT, find_invalid, is_tracing, protocol_of


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


class DriftSettings(Group):
    """The scheduled drift check (docs/drift.md), whose result the operations view shows."""

    file: Path | None = None
    """JSON document that `housing-price-model drift --json FILE --every` writes; `GET /models/drift` summarises it."""


def _parse_flag(value: object) -> object:
    return value.strip().lower() == "true" if isinstance(value, str) else value


class TracingSettings(BaseSettings):
    """OpenTelemetry's standard variables that this service checks itself; the SDK reads the others.

    Values are checked while tracing is on. `ignore_invalid` of the platform has removed other invalid ones.
    """

    model_config = SettingsConfigDict(
        env_prefix="OTEL_", env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    exporter_otlp_endpoint: str | None = None
    """Base URL of an OTLP collector; over HTTP `v1/traces` is appended. Tracing is off without it."""
    exporter_otlp_traces_endpoint: str | None = None
    """Full URL for traces; overrides the base URL."""
    exporter_otlp_protocol: str = "http/protobuf"
    """OTLP transport: `http/protobuf`, or `grpc` (extra `grpc`)."""
    exporter_otlp_traces_protocol: str | None = None
    """OTLP transport for traces only."""
    traces_exporter: str = "otlp"
    """`none` turns tracing off."""
    sdk_disabled: Annotated[bool, BeforeValidator(_parse_flag)] = False
    """`true` turns tracing off."""
    service_name: str = "housing-price-orchestrator"
    """Service name in traces."""

    @property
    def is_grpc(self) -> bool:
        """Whether spans are sent over gRPC instead of HTTP."""
        return protocol_of(self._variables) == "grpc"

    @property
    def endpoint(self) -> str | None:
        """URL to which spans are sent; None if tracing is off."""
        if not is_tracing(self._variables):
            return None
        if self.exporter_otlp_traces_endpoint is not None or self.exporter_otlp_endpoint is None or self.is_grpc:
            return self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return f"{self.exporter_otlp_endpoint.rstrip('/')}/v1/traces"

    @property
    def _variables(self) -> dict[str, str]:
        values = self.model_dump(exclude_none=True)
        return {f"OTEL_{name.upper()}": str(value) for name, value in values.items()}

    @model_validator(mode="after")
    def _check_transport(self) -> Self:
        """Refuse what would lose all traces. The message names the variable: model validators know none."""
        if self.endpoint is None:
            return self
        # Certificates are read by the exporter, not by these settings.
        transport = {name: value for name, value in os.environ.items() if name in TRANSPORT and value}
        problems = find_invalid(
            transport | {name: value for name, value in self._variables.items() if name in TRANSPORT}
        )
        if problems:
            raise ValueError("\n".join(f"{name}: must be {wanted}" for name, wanted in problems.items()))
        if self.is_grpc and importlib.util.find_spec("opentelemetry.exporter.otlp.proto.grpc") is None:
            raise ValueError(
                "OTEL_EXPORTER_OTLP_PROTOCOL: grpc needs the package opentelemetry-exporter-otlp-proto-grpc: "
                "install housing-price-orchestrator[grpc]"
            )
        return self
