import re
import sys
from operator import attrgetter

import pytest

from housing_price_orchestrator.settings import DELIMITER, PREFIX, InvalidSettings, Settings, load_settings
from housing_price_orchestrator.shared.quota import Rate


def test_the_defaults_are_valid() -> None:
    settings = load_settings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("variable", "value", "place", "expected"),
    [
        ("ORCHESTRATOR_SERVER__PORT", "8123", "server.port", 8123),
        ("ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS", "0.5", "requests.deadline_seconds", 0.5),
        ("ORCHESTRATOR_REQUESTS__MAX_BATCH_BYTES", "1000", "requests.max_batch_bytes", 1000),
        ("ORCHESTRATOR_MODEL_SERVER__MODEL_NAME", "prices", "model_server.model_name", "prices"),
        ("ORCHESTRATOR_READINESS__PROBE_INTERVAL_SECONDS", "7", "readiness.probe_interval_seconds", 7.0),
        ("ORCHESTRATOR_LOG__LEVEL", "debug", "log.level", "debug"),
        ("ORCHESTRATOR_RATE_LIMIT__REQUESTS", "100/second", "rate_limit.requests", Rate(100, 1)),
    ],
)
def test_a_variable_sets_its_setting(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, place: str, expected: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert attrgetter(place)(load_settings()) == expected


def test_a_variable_sets_the_url_of_the_model_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_MODEL_SERVER__BASE_URL", "http://model:9000")
    assert "http://model:9000/" in str(load_settings().model_server.base_url)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ORCHESTRATOR_SERVER__PORT", "eighty"),
        ("ORCHESTRATOR_SERVER__PORT", "65536"),
        ("ORCHESTRATOR_SERVER__PORT", ""),
        ("ORCHESTRATOR_MODEL_SERVER__BASE_URL", "not an address"),
        ("ORCHESTRATOR_MODEL_SERVER__BASE_URL", "ftp://model"),
        ("ORCHESTRATOR_MODEL_SERVER__MODEL_NAME", ""),
        ("ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS", "0"),
        ("ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS", "-1"),
        ("ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS", "nan"),
        ("ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS", "inf"),
        ("ORCHESTRATOR_REQUESTS__MAX_PREDICT_BYTES", "0"),
        ("ORCHESTRATOR_LOG__LEVEL", "loud"),
        ("ORCHESTRATOR_LOG__FORMAT", "xml"),
        ("ORCHESTRATOR_AUTH__REQUIRED", "perhaps"),
        ("ORCHESTRATOR_SERVER__PROT", "8000"),
        ("ORCHESTRATOR_RATE_LIMIT__REQUESTS", "many"),
        ("ORCHESTRATOR_RATE_LIMIT__REQUESTS", "0/second"),
        ("ORCHESTRATOR_RATE_LIMIT__REQUESTS_PER_ADDRESS", "1/fortnight"),
        ("ORCHESTRATOR_RATE_LIMIT__STORAGE_URL", "redis://127.0.0.1:6379"),
        ("ORCHESTRATOR_RATE_LIMIT__STORAGE_URL", "http://127.0.0.1"),
        ("ORCHESTRATOR_DOCS__CONTACT", "the help desk"),
        ("ORCHESTRATOR_DOCS__CONTACT", "javascript:alert(1)"),
    ],
)
def test_an_invalid_value_is_refused_naming_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=re.escape(variable)):
        load_settings()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("ORCHESTRATOR_AUTH_KEYS_FILE", "ORCHESTRATOR_AUTH__KEYS_FILE"),
        ("orchestrator_auth_keys_file", "ORCHESTRATOR_AUTH__KEYS_FILE"),
        ("ORCHESTRATOR_RATELIMIT__REQUESTS", "ORCHESTRATOR_RATE_LIMIT__REQUESTS"),
        ("ORCHESTRATOR_JWT_JWKS_URL", "ORCHESTRATOR_JWT__JWKS_URL"),
        ("ORCHESTRATOR_SERVERR__PORT", "ORCHESTRATOR_SERVER__PORT"),
        ("ORCHESTRATOR_SERVER_PORT", "ORCHESTRATOR_SERVER__PORT"),
        ("ORCHESTRATOR_SERVER__PORT__NUMBER", "ORCHESTRATOR_SERVER__PORT"),
        ("ORCHESTRATOR_TRACING__SERVICE_NAME", "ORCHESTRATOR_"),
        ("ORCHESTRATOR_PREDICTION_LOG_URL", "ORCHESTRATOR_PREDICTION_LOG__URL"),
    ],
)
def test_an_unknown_variable_is_refused_naming_the_closest_setting(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    monkeypatch.setenv(misspelt, "8001")
    with pytest.raises(InvalidSettings, match=rf"^{misspelt} is not a setting; did you mean {meant}") as refused:
        load_settings()
    assert "8001" not in str(refused.value)


def test_variables_of_container_platforms_and_of_compose_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = {
        "ORCHESTRATOR_SERVICE_HOST": "10.0.0.7",
        "ORCHESTRATOR_SERVICE_PORT": "8000",
        "ORCHESTRATOR_SERVICE_PORT_HTTP": "8000",
        "ORCHESTRATOR_PORT": "tcp://10.0.0.7:8000",
        "ORCHESTRATOR_PORT_8000_TCP": "tcp://10.0.0.7:8000",
        "ORCHESTRATOR_PORT_8000_TCP_PROTO": "tcp",
        "ORCHESTRATOR_PORT_8000_TCP_PORT": "8000",
        "ORCHESTRATOR_PORT_8000_TCP_ADDR": "10.0.0.7",
        "ORCHESTRATOR_API_PORT": "tcp://10.0.0.7:8000",
    }
    for name, value in platform.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == Settings()
    monkeypatch.setenv("ORCHESTRATOR_PORT", "8001")  # the port that compose.yaml publishes
    assert load_settings().server.port == 8000


def test_names_are_read_in_any_case_and_groups_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("orchestrator_log__level", "debug")
    monkeypatch.setenv("ORCHESTRATOR_SERVER", '{"port": 8003}')
    monkeypatch.setenv("ORCHESTRATOR_SERVER__HOST", "127.0.0.9")
    settings = load_settings()
    assert (settings.log.level, settings.server.port, settings.server.host) == ("debug", 8003, "127.0.0.9")


@pytest.mark.parametrize("value", ["{", '{"prot": 8000}', "[8000]", "8000", '{"port": "hunter2"}'])
def test_an_invalid_group_is_refused_naming_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SERVER", value)
    with pytest.raises(InvalidSettings, match=r"^ORCHESTRATOR_SERVER(__PORT|__PROT)?: ") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_every_invalid_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"ORCHESTRATOR_SERVER__PORT": "x", "ORCHESTRATOR_LOG__LEVEL": "x"}
    for variable, value in bad.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert all(variable in str(refused.value) for variable in bad)


def test_command_line_options_override_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SERVER__PORT", "8001")
    monkeypatch.setenv("ORCHESTRATOR_SERVER__HOST", "127.0.0.2")
    server = load_settings(port=8002).server
    assert (server.host, server.port) == ("127.0.0.2", 8002)


LOOPBACK, ANYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - not opened
REQUIRED, KEYS_FILE = "ORCHESTRATOR_AUTH__REQUIRED", "ORCHESTRATOR_AUTH__KEYS_FILE"


@pytest.mark.parametrize(
    ("required", "keys_file", "host", "refusal"),
    [
        (None, None, LOOPBACK, None),
        (None, None, ANYWHERE, KEYS_FILE),
        (None, "keys.json", LOOPBACK, None),
        (None, "keys.json", ANYWHERE, None),
        ("true", "keys.json", LOOPBACK, None),
        ("true", "keys.json", ANYWHERE, None),
        ("true", None, LOOPBACK, REQUIRED),
        ("false", None, LOOPBACK, None),
        ("false", None, ANYWHERE, None),
        ("false", "keys.json", LOOPBACK, REQUIRED),
        ("false", "keys.json", ANYWHERE, REQUIRED),
        ("if-configured", None, ANYWHERE, None),
        ("if-configured", "keys.json", ANYWHERE, None),
        ("perhaps", None, LOOPBACK, REQUIRED),
    ],
)
def test_authentication_is_unambiguous_or_refused(
    monkeypatch: pytest.MonkeyPatch, required: str | None, keys_file: str | None, host: str, refusal: str | None
) -> None:
    for variable, value in ((REQUIRED, required), (KEYS_FILE, keys_file)):
        if value is not None:
            monkeypatch.setenv(variable, value)
    if refusal is None:
        assert load_settings(host=host).authenticates_callers == (keys_file is not None)
    else:
        with pytest.raises(InvalidSettings, match=refusal):
            load_settings(host=host)


TOKENS = {
    "ORCHESTRATOR_JWT__JWKS_URL": "https://issuer.example/jwks",
    "ORCHESTRATOR_JWT__ISSUER": "https://issuer.example",
    "ORCHESTRATOR_JWT__AUDIENCE": "housing-price",
}


def test_jwts_turn_authentication_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in TOKENS.items():
        monkeypatch.setenv(variable, value)
    assert load_settings(host=ANYWHERE).authenticates_callers
    monkeypatch.setenv(REQUIRED, "false")
    with pytest.raises(InvalidSettings, match="ORCHESTRATOR_JWT__JWKS_URL"):
        load_settings()


@pytest.mark.parametrize("missing", TOKENS)
def test_a_missing_jwt_variable_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for variable, value in TOKENS.items():
        if variable != missing:
            monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=missing):
        load_settings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("Prices.Read=predict", (("Prices.Read", "predict"),)),
        (
            "https://api.example/a=b=jobs, Price Owners = admin",
            (("https://api.example/a=b", "jobs"), ("Price Owners", "admin")),
        ),
    ],
)
def test_a_scope_mapping_is_pairs(monkeypatch: pytest.MonkeyPatch, text: str, expected: object) -> None:
    for name, value in (TOKENS | {"ORCHESTRATOR_JWT__SCOPE_MAPPING": text}).items():
        monkeypatch.setenv(name, value)
    settings = load_settings().jwt
    assert (settings.scope_claims, settings.scope_mapping) == (("scope", "scp"), expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SCOPE_MAPPING", "predict"),
        ("SCOPE_MAPPING", "Prices.Read=price"),
        ("SCOPE_MAPPING", "=predict"),
        ("SCOPE_MAPPING", "a=predict,,b=admin"),
        ("SCOPE_CLAIMS", ""),
        ("SCOPE_CLAIMS", "roles,,scp"),
    ],
)
def test_invalid_scopes_of_tokens_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    for variable, value in (TOKENS | {f"ORCHESTRATOR_JWT__{name}": text}).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=f"ORCHESTRATOR_JWT__{name}"):
        load_settings()


def test_scopes_of_tokens_need_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_JWT__SCOPE_CLAIMS", "roles")
    with pytest.raises(InvalidSettings, match="ORCHESTRATOR_JWT__JWKS_URL"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "is_accepted"),
    [
        ("https://issuer.example/jwks", True),
        ("http://127.0.0.1:8080/jwks", True),
        ("http://[::1]:8080/jwks", True),
        ("http://localhost/jwks", True),
        ("http://issuer.example/jwks", False),
        ("http://10.0.0.7/jwks", False),
    ],
)
def test_the_jwks_url_must_be_https_or_loopback(monkeypatch: pytest.MonkeyPatch, url: str, is_accepted: bool) -> None:
    for variable, value in {**TOKENS, "ORCHESTRATOR_JWT__JWKS_URL": url}.items():
        monkeypatch.setenv(variable, value)
    if is_accepted:
        assert load_settings().authenticates_callers
    else:
        with pytest.raises(InvalidSettings, match="ORCHESTRATOR_JWT__JWKS_URL"):
            load_settings()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_authentication(host: str) -> None:
    assert load_settings(host=host).server.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "192.168.1.7", "example.org", ""])  # noqa: S104 - refused
def test_listening_beyond_loopback_needs_authentication_or_an_explicit_opt_out(host: str) -> None:
    with pytest.raises(InvalidSettings, match="ORCHESTRATOR_AUTH__REQUIRED=false"):
        load_settings(host=host)


def test_with_the_opt_out_it_listens_on_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_AUTH__REQUIRED", "false")
    assert load_settings(host="0.0.0.0").server.host == "0.0.0.0"  # noqa: S104 - not opened


def test_every_setting_has_a_description() -> None:
    for group_name, group in Settings.model_fields.items():
        kind = group.annotation
        assert isinstance(kind, type)
        for name, field in kind.model_fields.items():
            assert field.description, f"{PREFIX}{group_name.upper()}{DELIMITER}{name.upper()}"


COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}

LOST = [
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://me:hunter2@collector"},
    COLLECTOR | {"OTEL_EXPORTER_OTLP_PROTOCOL": "xyz"},
    COLLECTOR | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
    COLLECTOR | {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"},
]


@pytest.mark.parametrize("variables", LOST, ids=str)
def test_with_tracing_on_an_invalid_way_to_the_collector_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"^{list(variables)[-1]}: must be ") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": " True"}, {"OTEL_TRACES_EXPORTER": "none"}])
@pytest.mark.parametrize("variables", LOST, ids=str)
def test_with_tracing_off_no_opentelemetry_variable_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], off: dict[str, str]
) -> None:
    for name, value in (variables | off).items():
        monkeypatch.setenv(name, value)
    assert load_settings().tracing.endpoint is None


def test_grpc_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (COLLECTOR | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).items():
        monkeypatch.setenv(name, value)
    tracing = load_settings().tracing
    assert (tracing.is_grpc, tracing.endpoint) == (True, "http://collector:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc", None)
    with pytest.raises(InvalidSettings, match=r"^OTEL_EXPORTER_OTLP_PROTOCOL: grpc needs the package"):
        load_settings()


def test_the_standard_opentelemetry_variables_set_the_endpoint_for_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().tracing.endpoint is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    assert load_settings().tracing.endpoint is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert load_settings().tracing.endpoint == "http://collector:4318/v1/traces"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other:4318/here")
    assert load_settings().tracing.endpoint == "http://other:4318/here"


def test_routes_of_the_comparables_model_need_an_address_to_start_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_COMPARABLES__ROUTES_FILE", "/serving/comparables/routes.json")
    with pytest.raises(InvalidSettings, match="ORCHESTRATOR_COMPARABLES__BASE_URL"):
        load_settings()
    monkeypatch.setenv("ORCHESTRATOR_COMPARABLES__BASE_URL", "http://first:8081,http://second:8081")
    assert len(load_settings().comparables.base_url) == 2
