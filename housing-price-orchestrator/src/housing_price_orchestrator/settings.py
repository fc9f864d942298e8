"""Every setting, its default and its meaning. Read from environment variables: `ORCHESTRATOR_<GROUP>__<NAME>`."""

import importlib.util
import ipaddress
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    RedisDsn,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from housing_price_orchestrator.shared.locations import checked_prefix
from housing_price_orchestrator.shared.quota import Rate

PREFIX = "ORCHESTRATOR_"
DELIMITER = "__"

type Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
type Bytes = Annotated[int, Field(gt=0, le=2**32)]


class InvalidSettings(ValueError):
    """The configuration cannot be used; the message names each variable and what is wrong with it."""


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _addresses(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _listed(value: object) -> object:
    return () if value == "" else _addresses(value)


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f"{error}; an address or a network is written like 10.0.0.7 or 10.0.0.0/8") from error


type Network = Annotated[str, AfterValidator(_network)]
type HostPattern = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$|^\[[0-9A-Fa-f:.]+\]$")]
type Origin = Annotated[
    str, Field(pattern=r"^(\*|https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?)$")
]


class ServerSettings(_Group):
    """Where and how this service listens."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to listen on; 0 lets the system choose."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """How many processes answer requests; more help where there are cores to spare."""
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 4096
    """How many connections each process serves; what comes on top is told so, with 503."""
    client_timeout_seconds: Seconds = 8.0
    """How long a client may take for a request's head, for a TLS handshake, and for taking any part of its answer."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = 8
    """How long a connection is kept for the next request: longer than a proxy in front keeps it."""
    stop_notice_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 1.0
    """How long after SIGTERM requests are still taken while `/readyz` says 503, so that proxies go elsewhere."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Proxies whose X-Forwarded-For and -Proto are believed: addresses or networks, separated by commas."""
    trusted_hosts: Annotated[tuple[HostPattern, ...], NoDecode, BeforeValidator(_listed)] = ()
    """The names that requests may be meant for (`Host`), such as `prices.example.com,*.example.net`; empty: any."""


class TLSSettings(_Group):
    """A certificate, where no proxy in front ends TLS."""

    cert_file: Path | None = None
    """The certificate and those that it rests on, as PEM; with it, only TLS 1.2 and later is spoken."""
    key_file: Path | None = None
    """Its private key, as PEM, not encrypted."""

    @model_validator(mode="after")
    def _both_can_be_used_together(self) -> Self:
        if self.cert_file is None and self.key_file is None:
            return self
        paths = {_variable(("tls", name)): getattr(self, name) for name in ("cert_file", "key_file")}
        for variable, path in paths.items():
            if path is None:
                raise ValueError(f"{variable} is missing: a certificate and its key belong together")
            if not path.is_file() or not os.access(path, os.R_OK):
                raise ValueError(f"{variable}={path} is no file that can be read")
        try:
            # An empty password keeps OpenSSL from asking for one on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(self.cert_file), self.key_file, "")
        except (OSError, ValueError) as error:
            both = " and ".join(f"{variable}={path}" for variable, path in paths.items())
            raise ValueError(f"{both} are no certificate and its unencrypted key: {error}") from error
        return self


class CORSSettings(_Group):
    """Pages of other sites that may call this service from a browser."""

    allowed_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Their origins, such as `https://www.example.com`, separated by commas; `*` for all; empty: none."""


class DocsSettings(_Group):
    """The pages that explain the API."""

    enabled: bool = True
    """Whether `/docs`, `/redoc` and `/openapi.json` are there."""


class AuthSettings(_Group):
    """Who may ask.

    | `REQUIRED` | a way to know callers (a file of keys, tokens) | callers | may listen |
    |---|---|---|---|
    | not set | no | are not asked who they are | on loopback only |
    | not set, `true` | yes | need a key | anywhere |
    | `false` | no | are not asked who they are | anywhere |
    | `true` | no | refused at the start | |
    | `false` | yes | refused at the start | |
    """

    required: bool | None = None
    """`false` allows listening beyond loopback without any check of who asks: something in front must do it."""
    keys_file: Path | None = None
    """The file of API keys (`housing-price-orchestrator keys`); where it is set, callers need one."""


class JwtSettings(_Group):
    """Tokens of an identity provider (OAuth 2) instead of keys, or beside them: all three are set, or none."""

    jwks_url: HttpUrl | None = None
    """Where the provider publishes its public keys; `https`, or on loopback."""
    issuer: Annotated[str, Field(min_length=1)] | None = None
    """What tokens must say in `iss`."""
    audience: Annotated[str, Field(min_length=1)] | None = None
    """What tokens must say in `aud`: what this service is called there."""

    @field_validator("jwks_url")
    @classmethod
    def _nobody_on_the_way_can_change_the_keys(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url is not None and url.scheme != "https" and not _is_loopback((url.host or "").strip("[]")):
            raise ValueError("whoever is on the way to it could change the keys: use https, or an address on loopback")
        return url

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        missing = [name for name in type(self).model_fields if getattr(self, name) is None]
        if missing and len(missing) < len(type(self).model_fields):
            names = ", ".join(_variable(("jwt", name)) for name in missing)
            raise ValueError(f"tokens cannot be checked without {names}")
        return self


def _rate(value: object) -> object:
    return Rate.parse(value) if isinstance(value, str) else value


class RateLimitSettings(_Group):
    """How often callers may ask; nothing is counted unless it is set."""

    requests: Annotated[Rate | None, NoDecode, BeforeValidator(_rate)] = None
    """So many requests are granted to each key, or to each address where nobody is asked for one: `100/second`."""
    requests_per_address: Annotated[Rate | None, NoDecode, BeforeValidator(_rate)] = None
    """So many are granted to each address besides, whatever its keys, and counted before a key is looked at."""
    storage_url: RedisDsn | None = None
    """A Redis in which all processes and replicas count together; without it each process counts for itself."""

    @model_validator(mode="after")
    def _there_is_something_to_count(self) -> Self:
        if self.storage_url is not None and self.requests is None and self.requests_per_address is None:
            names = [_variable(("rate_limit", name)) for name in type(self).model_fields]
            raise ValueError(f"nothing is counted at {names[2]}: set {names[0]} or {names[1]}")
        return self


class ModelServerSettings(_Group):
    """The model server that makes the prices."""

    base_url: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(_addresses), Field(min_length=1)] = (
        HttpUrl("http://127.0.0.1:8080"),
    )
    """Its address, or several separated by commas, which share the work; `/invocations` is added to each."""
    routes_file: Path | None = None
    """A file that says which model servers answer, for `BASE_URL`; followed without a restart (docs/routes.md)."""
    model_name: Annotated[str, Field(min_length=1, max_length=200)] = "housing-price"
    """What its model is called in answers where the model server does not say."""
    connect_timeout_seconds: Seconds = 1.0
    """How long opening a connection to it may take."""
    max_calls: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many calls to each address each process may have under way at a time; one is kept for small requests."""
    max_rows_per_call: Annotated[int, Field(ge=1, le=100_000)] = 500
    """How many houses one call carries at the most."""
    max_waiting_rows: Annotated[int, Field(ge=10_000, le=10_000_000)] = 50_000
    """How many houses may wait for a call; what comes on top is refused at once, with 503."""


class RequestSettings(_Group):
    """What a request may ask for."""

    deadline_seconds: Seconds = 2.0
    """The time that a request has from when it has been read until its prices are there."""
    max_predict_bytes: Bytes = 64 * 1024
    """The largest body of a single prediction; a house takes about 1.7 kB."""
    max_batch_bytes: Bytes = 32 * 1024 * 1024
    """The largest body of a batch; 10,000 houses take about 17 MB."""
    max_body_seconds: Seconds = 8.0
    """How long sending a body may take."""
    max_line_bytes: Bytes = 64 * 1024
    """The longest line of a stream."""
    stream_idle_seconds: Seconds = 30.0
    """How long a stream's client may send or take nothing."""


class AdmissionSettings(_Group):
    """What is refused on arrival, with 503, because it could not be answered in time."""

    share_of_deadline: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How much of its time a request may be expected to take. A longer queue prices no more, and forgives less."""
    call_seconds: Seconds = 0.25
    """Where requests wait, calls carry no more houses than the model server prices in about so long."""


class RetrySettings(_Group):
    """When a model server that cannot be reached or says that it is away (502, 503, 504) is asked again."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often at the most a call is tried; 1 turns retries off. Three tries are the SRE book's limit per request."""
    budget_ratio: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Retries for each call, over the last 10 s: 0.2 is Envoy's retry budget of 20 %, and Finagle's."""
    budget_floor: Annotated[int, Field(ge=0, le=1000)] = 3
    """So many retries in 10 s are allowed even where there are few calls, as in Envoy (`min_retry_concurrency`)."""
    backoff_seconds: Seconds = 0.025
    """The longest pause before the first retry, drawn at random; twice as long before the next (Envoy: 25 ms)."""


class CircuitSettings(_Group):
    """When a model server is left alone, each address for itself."""

    max_failures: Annotated[int, Field(ge=1, le=1000)] = 8
    """Failures in a row that open the circuit; Envoy and Finagle take 5: soon, where every second call fails."""
    max_slow_calls: Annotated[int, Field(ge=1, le=1000)] = 2
    """Slow calls in a row that open it. One may be an accident; two are as many as single houses have under way."""
    slow_call_seconds: Seconds = 1.8
    """From when on a call is slow, whether or not an answer comes; at the most 90 % of the requests' deadline."""
    open_seconds: Seconds = 0.25
    """How long it stays open before one prediction of our own is tried; twice as long after each that fails."""
    max_open_seconds: Seconds = 0.5
    """The longest such time: what a model server that is back waits for its first request."""


class FallbackSettings(_Group):
    """Prices from memory, always marked as such in the answer. All is off unless an age is set."""

    cache_seconds: Seconds | None = None
    """How old a price may be that is given without asking the model server, if the same model answers; empty is off."""
    last_known_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] | None = None
    """How old the last price of a house may be that is given while the model server is away; empty is off."""
    max_houses: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """How many houses' prices each process remembers, at about 2 kB each."""


class ReadinessSettings(_Group):
    """How `/readyz` knows."""

    probe_interval_seconds: Seconds = 0.5
    """The pause between two real predictions asked of the model server."""
    probe_timeout_seconds: Seconds = 2.0
    """How long such a prediction may take; as long as a request may, so that both say the same."""


class LogSettings(_Group):
    """What is written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe events that are written."""
    format: Literal["auto", "json", "console"] = "auto"
    """`json`: one JSON object per line; `console`: for people; `auto`: `console` on a terminal, else `json`."""


class MetricsSettings(_Group):
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


def _database(value: str) -> str:
    try:
        url = make_url(value)
    except ArgumentError:
        url = None
    known = url is not None and url.get_backend_name() in {"sqlite", "postgresql"}
    if url is None or not known or (url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}):
        raise ValueError("must be sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    if url.get_backend_name() == "postgresql":
        if importlib.util.find_spec("psycopg") is None:
            raise ValueError("Postgres needs the extra `postgres`: install housing-price-orchestrator[postgres]")
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


class PredictionLogSettings(_Group):
    """Where every answered price is written down (docs/prediction-log.md)."""

    enabled: bool = True
    """`false` writes nothing, and opens no database."""
    url: Annotated[str, AfterValidator(_database)] = "sqlite:///housing-price-predictions.db"
    """The database: a file of SQLite, or `postgresql://...` (extra `postgres`)."""
    sample_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    """The share of prices that are written down, chosen by chance; every price has a transaction id all the same."""
    retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    """Prices older than that are deleted, a few at a time; without it all are kept."""
    max_queued_rows: Annotated[int, Field(ge=10_000, le=1_000_000)] = 50_000
    """How many prices may wait to be written (1 kB of memory each); what comes on top is dropped and counted."""
    read_seconds: Seconds = 10.0
    """How long a question to the log may take."""


type StoreUri = Annotated[str, AfterValidator(checked_prefix)]


class JobsSettings(_Group):
    """Long work: files to price, models to train (docs/jobs.md). Off unless there is a database."""

    database_url: Annotated[str, AfterValidator(_database)] | None = None
    """The database of the jobs, for the API and all workers: `sqlite:///FILE`, or `postgresql://...` (`postgres`)."""
    folder: Path = Path("housing-price-jobs")
    """Where files that came with jobs, and their results, are kept: a folder that the API and the workers share."""
    stores: Annotated[tuple[StoreUri, ...], NoDecode, BeforeValidator(_listed)] = ()
    """URIs, separated by commas, below which jobs read and write: `file:///FOLDER`, `s3://BUCKET` (docs/jobs.md)."""
    max_file_bytes: Bytes = 2**32
    """The largest file that is taken; a house takes about 1.7 kB as JSON and 0.4 kB as CSV."""
    file_idle_seconds: Seconds = 30.0
    """How long nothing may come of such a file."""
    max_file_seconds: Seconds = 3600.0
    """How long sending all of it may take."""
    wait_seconds: Seconds = 5.0
    """How long the database may keep a request waiting."""
    rows_per_step: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    """How many rows the worker prices between two checkpoints; after a crash so many are priced again at the most."""
    max_jobs: Annotated[int, Field(ge=1, le=64)] = 1
    """How many files one worker prices at a time."""
    patience_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] = 3600.0
    """How long a job waits for a model server that is away before it fails."""
    retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    """The worker deletes jobs that ended longer ago, and their files, a few at a time; without it all are kept."""


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    server: ServerSettings = ServerSettings()
    tls: TLSSettings = TLSSettings()
    cors: CORSSettings = CORSSettings()
    docs: DocsSettings = DocsSettings()
    auth: AuthSettings = AuthSettings()
    jwt: JwtSettings = JwtSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    model_server: ModelServerSettings = ModelServerSettings()
    requests: RequestSettings = RequestSettings()
    admission: AdmissionSettings = AdmissionSettings()
    retry: RetrySettings = RetrySettings()
    circuit: CircuitSettings = CircuitSettings()
    fallback: FallbackSettings = FallbackSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    # Its variables are read by `load_settings`: here they have no prefix of ours.
    tracing: TracingSettings = TracingSettings.model_construct()
    prediction_log: PredictionLogSettings = PredictionLogSettings()
    jobs: JobsSettings = JobsSettings()

    @property
    def knows_callers(self) -> bool:
        """Whether there is a way to know who asks."""
        return self.auth.keys_file is not None or self.jwt.jwks_url is not None

    @model_validator(mode="after")
    def _nothing_listens_wider_than_it_may(self) -> Self:
        required = f"{PREFIX}AUTH__REQUIRED"
        if self.knows_callers and self.auth.required is False:
            raise ValueError(
                f"{required}=false asks nobody for a key, but {PREFIX}AUTH__KEYS_FILE or {PREFIX}JWT__JWKS_URL says "
                "how to know callers: leave one out"
            )
        if not self.knows_callers and self.auth.required:
            raise ValueError(
                f"{required}=true needs a way to know callers: set {PREFIX}AUTH__KEYS_FILE "
                f"(`housing-price-orchestrator keys create` makes the file) or {PREFIX}JWT__JWKS_URL"
            )
        if not self.knows_callers and self.auth.required is None and not _is_loopback(self.server.host):
            raise ValueError(
                f"{PREFIX}SERVER__HOST={self.server.host} is not a loopback address and nobody is asked for a key: "
                f"set {PREFIX}AUTH__KEYS_FILE, or {required}=false where something in front of this service keeps "
                "strangers out"
            )
        return self


def load_settings(*, host: str | None = None, port: int | None = None) -> Settings:
    """Read the environment; `host` and `port` count more than their variables.

    Raises:
        InvalidSettings: some variable cannot be used; the message names it and says what would be right.
    """
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        tracing = TracingSettings()
    except ValidationError as error:
        raise _invalid(error, "tracing") from error
    try:
        return Settings(server=given, tracing=tracing) if given else Settings(tracing=tracing)
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError, *group: str) -> InvalidSettings:
    lines = [
        f"{_variable((*group, *finding['loc']))}: {finding['msg']}" if finding["loc"] else finding["msg"]
        for finding in error.errors(include_url=False, include_input=False)
    ]
    return InvalidSettings("\n".join(lines))


def hand_to_workers(settings: Settings, *, metrics_folder: Path) -> None:
    """Put into the environment what worker processes, which read it anew, would not find there."""
    os.environ[_variable(("metrics", "folder"))] = str(metrics_folder)
    os.environ[_variable(("server", "host"))] = settings.server.host
    os.environ[_variable(("server", "port"))] = str(settings.server.port)


def described() -> Iterator[tuple[str, str, str]]:
    """Tell of each setting its variable, its default and its meaning."""
    for group, field in Settings.model_fields.items():
        default = field.get_default()
        for name, setting in type(default).model_fields.items():
            yield _variable((group, name)), _as_text(getattr(default, name)), setting.description or ""


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part).rstrip("/") for part in value)
    return "" if value is None else str(value)


def _variable(loc: tuple[int | str, ...]) -> str:
    if loc[0] == "tracing":
        return "OTEL_" + DELIMITER.join(str(part).upper() for part in loc[1:])
    return PREFIX + DELIMITER.join(str(part).upper() for part in loc)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
