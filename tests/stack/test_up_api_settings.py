"""`housing-price up` with settings of the API that concern its own checks: a real orchestrator, fakes of the others."""

import os
import re
import shlex
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from factories import house_json
from rpc_client import priced, rpc_client

from ..running import REPOSITORY, Up, refused_up

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

type Start = Callable[..., Up]

START_SECONDS = 120
END_SECONDS = 60


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables with which every service but the orchestrator is a fake."""
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    for name in ("housing_price_model", "mlflow_server"):
        (fakes / name).symlink_to(REPOSITORY / "tests" / "fakes" / name)
    return {"PYTHONPATH": os.pathsep.join([str(fakes), str(REPOSITORY)]), "FAKE_STATE": str(tmp_path / "state")}


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """Settings for TLS with a certificate for another name than the address of the checks."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = shlex.split("-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost")
    options += ["-addext", "subjectAltName=DNS:localhost", "-out", str(cert), "-keyout", str(key)]
    subprocess.run(["openssl", "req", *options], check=True, capture_output=True)
    return {"ORCHESTRATOR_TLS__CERT_FILE": str(cert), "ORCHESTRATOR_TLS__KEY_FILE": str(key)}


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A setting for keys, and a key for the caller."""
    file = tmp_path / "keys.json"
    command = ["housing-price-orchestrator", "keys", "create", "test", "--file", str(file)]
    created = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"ORCHESTRATOR_AUTH__KEYS_FILE": str(file), "HOUSING_PRICE_API_KEY": created.stdout.strip()}


def price_by_pasted_line(up: Up, environment: dict[str, str]) -> str:
    variables = os.environ | environment
    done = subprocess.run(  # noqa: S602 - run as a user would paste it
        up.curl, shell=True, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=variables, timeout=30
    )
    return done.stdout


def test_keys_and_tls_and_trusted_hosts(
    start: Start, environment: dict[str, str], certificate: dict[str, str], keys: dict[str, str]
) -> None:
    hosts = {"ORCHESTRATOR_SERVER__TRUSTED_HOSTS": "*.example.com,10.0.0.0/8,localhost"}
    up = start(fakes=False, environment=environment | certificate | keys | hosts)
    up.wait_until_up(START_SECONDS)
    # The printed address is one that the API serves, and the printed command works as it is.
    assert up.url.startswith("https://localhost:")
    assert "is priced at" not in up.log
    assert keys["HOUSING_PRICE_API_KEY"] not in up.log
    assert "predictedPrice" in price_by_pasted_line(up, keys)
    trust = ssl.create_default_context(cafile=certificate["ORCHESTRATOR_TLS__CERT_FILE"])
    assert httpx.get(f"{up.url}/api/v1/jobs", verify=trust, trust_env=False).status_code == 401


def test_another_address_without_authentication(start: Start, environment: dict[str, str]) -> None:
    variables = {
        "ORCHESTRATOR_SERVER__HOST": "127.0.0.2",
        "ORCHESTRATOR_AUTH__REQUIRED": "false",
        "ORCHESTRATOR_SERVER__TRUSTED_HOSTS": "prices.example.com",
        "ORCHESTRATOR_SERVER__PATH_PREFIX": "/prices",
    }
    up = start(fakes=False, environment=environment | variables)
    up.wait_until_up(START_SECONDS)
    assert up.url.startswith("http://127.0.0.2:")
    assert "the example house is priced at 105,000 USD" in up.log
    assert "predictedPrice" in price_by_pasted_line(up, {})
    for host, status in (("prices.example.com", 200), ("localhost", 200), ("evil.example", 400)):
        assert httpx.get(up.url, headers={"host": host}, trust_env=False).status_code == status


def test_allowed_origins_of_the_command_line_replace_those_of_the_setting(
    start: Start, environment: dict[str, str]
) -> None:
    setting = {"ORCHESTRATOR_CORS__ALLOWED_ORIGINS": "https://www.example.com"}
    options = ("--allow-origin", "http://LOCALHOST:5173", "--allow-origin", "https://prices.example.com:443")
    up = start(*options, fakes=False, environment=environment | setting)
    up.wait_until_up(START_SECONDS)
    allowed = {}
    for origin in ("http://localhost:5173", "https://prices.example.com", "https://www.example.com"):
        answer = httpx.get(f"{up.url}/livez", headers={"origin": origin}, trust_env=False)
        allowed[origin] = answer.headers.get("access-control-allow-origin")
    assert allowed == {
        "http://localhost:5173": "http://localhost:5173",
        "https://prices.example.com": "https://prices.example.com",
        "https://www.example.com": None,
    }


def test_something_else_than_an_origin_ends_the_command_at_once(tmp_path: Path) -> None:
    refused = refused_up(tmp_path / "state", "--allow-origin", "localhost:5173")
    assert refused.exit_code == 2
    assert "--allow-origin" in refused.output
    assert "https://www.example.com" in refused.output
    assert isinstance(refused.exception, SystemExit)  # no traceback


def test_grpc_is_served_on_a_free_port_that_is_printed(start: Start, environment: dict[str, str]) -> None:
    up = start("--grpc-port", "0", fakes=False, environment=environment)
    up.wait_until_up(START_SECONDS)
    printed = re.search(r"over gRPC\W+(127\.0\.0\.1:\d+)", up.log)
    assert printed
    assert f"gRPC running on {printed[1]}" in up.log
    with rpc_client(printed[1]) as rpc:
        assert priced(rpc.predict(house_json())).predicted_price > 0


def test_grpc_is_off_by_default(start: Start, environment: dict[str, str]) -> None:
    up = start(fakes=False, environment=environment)
    up.wait_until_up(START_SECONDS)
    assert "gRPC" not in up.log


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"ORCHESTRATOR_AUTH__KEYS_FILE": "/nowhere/keys.json"}, "ORCHESTRATOR_AUTH__KEYS_FILE"),
        ({"ORCHESTRATOR_TLS__CERT_FILE": "/nowhere/cert.pem"}, "ORCHESTRATOR_TLS__CERT_FILE=/nowhere/cert.pem"),
        ({"ORCHESTRATOR_SERVER__TRUSTED_HOSTS": "https://prices.example.com"}, "ORCHESTRATOR_SERVER__TRUSTED_HOSTS"),
        (
            {"ORCHESTRATOR_SERVER__HOST": "127.0.0.1", "ORCHESTRATOR_AUTH__REQUIRED": "true"},
            "needs a way to authenticate",
        ),
        ({"ORCHESTRATOR_CIRCUIT__MAX_FAILURES": "many"}, "ORCHESTRATOR_CIRCUIT__MAX_FAILURES"),
    ],
)
def test_an_invalid_setting_ends_the_stack_with_its_message(
    start: Start, environment: dict[str, str], variables: dict[str, str], named: str
) -> None:
    up = start(fakes=False, environment=environment | variables)
    assert up.wait(END_SECONDS) == 1
    _, _, message = up.log.partition("error: ")
    assert "the orchestrator failed to start 1 times: its configuration is invalid" in message
    assert named in message
    assert "restarting" not in up.log
    assert "Traceback" not in up.log
