"""The whole configuration: every group, and the rules that span groups."""

from typing import Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing_price_orchestrator.settings.access import AuthSettings, JwtSettings, RateLimitSettings
from housing_price_orchestrator.settings.base import DELIMITER, PREFIX, is_loopback
from housing_price_orchestrator.settings.grpc import GrpcSettings
from housing_price_orchestrator.settings.jobs import JobsSettings
from housing_price_orchestrator.settings.model_server import ComparablesSettings, ModelServerSettings
from housing_price_orchestrator.settings.prediction_log import PredictionLogSettings
from housing_price_orchestrator.settings.requests import RequestSettings
from housing_price_orchestrator.settings.resilience import (
    AdmissionSettings,
    CircuitSettings,
    FallbackSettings,
    ReadinessSettings,
    RetrySettings,
)
from housing_price_orchestrator.settings.server import (
    CORSSettings,
    DocsSettings,
    PageSettings,
    ServerSettings,
    TLSSettings,
)
from housing_price_orchestrator.settings.telemetry import DriftSettings, LogSettings, MetricsSettings, TracingSettings


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    server: ServerSettings = ServerSettings()
    tls: TLSSettings = TLSSettings()
    grpc: GrpcSettings = GrpcSettings()
    cors: CORSSettings = CORSSettings()
    docs: DocsSettings = DocsSettings()
    page: PageSettings = PageSettings()
    auth: AuthSettings = AuthSettings()
    jwt: JwtSettings = JwtSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    model_server: ModelServerSettings = ModelServerSettings()
    comparables: ComparablesSettings = ComparablesSettings()
    requests: RequestSettings = RequestSettings()
    admission: AdmissionSettings = AdmissionSettings()
    retry: RetrySettings = RetrySettings()
    circuit: CircuitSettings = CircuitSettings()
    fallback: FallbackSettings = FallbackSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    # `load_settings` reads these: OpenTelemetry's variables do not have this service's prefix.
    tracing: TracingSettings = TracingSettings.model_construct()
    prediction_log: PredictionLogSettings = PredictionLogSettings()
    drift: DriftSettings = DriftSettings()
    jobs: JobsSettings = JobsSettings()

    @property
    def authenticates_callers(self) -> bool:
        """Whether a way to authenticate callers is configured."""
        return self.auth.keys_file is not None or self.jwt.jwks_url is not None

    @model_validator(mode="after")
    def _check_authentication(self) -> Self:
        required = f"{PREFIX}AUTH__REQUIRED"
        if self.authenticates_callers and self.auth.required is False:
            raise ValueError(
                f"{required}=false turns authentication off, but {PREFIX}AUTH__KEYS_FILE or {PREFIX}JWT__JWKS_URL "
                "configures it: remove one of them"
            )
        if not self.authenticates_callers and self.auth.required is True:
            raise ValueError(
                f"{required}=true needs a way to authenticate callers: set {PREFIX}AUTH__KEYS_FILE "
                f"(`housing-price-orchestrator keys create` makes the file) or {PREFIX}JWT__JWKS_URL"
            )
        if not self.authenticates_callers and self.auth.required is None and not is_loopback(self.server.host):
            raise ValueError(
                f"{PREFIX}SERVER__HOST={self.server.host} is not a loopback address and authentication is off: "
                f"set {PREFIX}AUTH__KEYS_FILE, or set {required}=false if a proxy in front authenticates callers"
            )
        return self
