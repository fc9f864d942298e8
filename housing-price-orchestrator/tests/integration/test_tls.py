"""TLS that ends in the shipped program."""

import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from certificates import Certificate, certificate
from factories import REPOSITORY, house_bytes
from servers import LISTENS, Process, StubModelServer
from wire import asked, connected, head, post, until_closed

PREDICT = "/api/v1/price/predict"
LAST = {"connection": "close"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def process(files: Certificate) -> Iterator[Process]:
    with (
        StubModelServer() as stub,
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=stub.url,
            ORCHESTRATOR_SERVER__CLIENT_TIMEOUT_SECONDS="0.5",
            ORCHESTRATOR_TLS__CERT_FILE=str(files.cert_file),
            ORCHESTRATOR_TLS__KEY_FILE=str(files.key_file),
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def url(process: Process) -> Iterator[str]:
    address = process.says(LISTENS)[1]
    assert address.startswith("https://")
    yield address
    assert process.stop() == 0
    assert [line for line in process.lines if json.loads(line)["level"] == "error"] == []


def test_a_house_is_priced_over_tls(url: str) -> None:
    (answer,) = asked(url, post(PREDICT, house_bytes(), **LAST))
    assert answer.status == 200
    assert answer.json["predictedPrice"] > 0


@pytest.mark.parametrize("has_tls", [True, False])
def test_the_health_check_of_the_container_follows_tls(url: str, files: Certificate, has_tls: bool) -> None:
    """Its URL is the same with and without TLS, and the certificate is not for its address."""
    command = [sys.executable, "-I", str(REPOSITORY / "deploy" / "container" / "healthcheck.py")]
    variables = {"ORCHESTRATOR_TLS__CERT_FILE": str(files.cert_file) if has_tls else ""}
    plain = f"{url.replace('https', 'http')}/livez"
    done = subprocess.run([*command, plain], capture_output=True, text=True, check=False, timeout=30, env=variables)
    assert done.returncode == (0 if has_tls else 1), done.stderr


def test_browsers_are_told_to_come_by_tls_from_now_on(url: str) -> None:
    (answer,) = asked(url, head("GET", "/livez", **LAST))
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("version", "is_spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_only_tls_of_today_is_spoken(url: str, version: ssl.TLSVersion, is_spoken: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Without it this side would refuse the old version by itself.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with connected(url.replace("https", "http")) as plain:
        if is_spoken:
            with context.wrap_socket(plain) as secured:
                assert secured.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain)


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01", b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n", b"\xff" * 500]
)
def test_a_handshake_that_does_not_come_to_its_end_is_given_up(url: str, sent: bytes) -> None:
    with connected(url.replace("https", "http")) as plain:
        plain.sendall(sent)
        # A reset: closed is closed.
        with contextlib.suppress(ConnectionResetError):
            until_closed(plain)


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT"])
def test_half_a_head_is_given_up_under_tls_as_well(url: str, sent: bytes) -> None:
    answers = asked(url, sent)
    assert [answer.status for answer in answers] == ([408] if sent else [])


def test_who_sends_a_large_body_that_is_refused_sees_the_answer_under_tls_as_well(url: str) -> None:
    (answer,) = asked(url, post(PREDICT, b" " * 5_000_000, **LAST))
    assert answer.status == 413


def encrypted(folder: Path) -> dict[str, str]:
    made = certificate(folder, password=b"secret")
    return {"CERT_FILE": str(made.cert_file), "KEY_FILE": str(made.key_file)}


def of_two(folder: Path) -> dict[str, str]:
    one, other = certificate(folder / "one"), certificate(folder / "other")
    return {"CERT_FILE": str(one.cert_file), "KEY_FILE": str(other.key_file)}


def without_key(folder: Path) -> dict[str, str]:
    return {"CERT_FILE": str(certificate(folder).cert_file)}


def without_certificate(folder: Path) -> dict[str, str]:
    return {"KEY_FILE": str(certificate(folder).key_file)}


def not_there(folder: Path) -> dict[str, str]:
    return {"CERT_FILE": str(folder / "nowhere.pem"), "KEY_FILE": str(certificate(folder).key_file)}


def not_pem(folder: Path) -> dict[str, str]:
    (folder / "text.pem").write_text("no certificate")
    return {"CERT_FILE": str(folder / "text.pem"), "KEY_FILE": str(certificate(folder).key_file)}


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (encrypted, "KEY_FILE"),
        (of_two, "KEY_FILE"),
        (without_key, "KEY_FILE"),
        (without_certificate, "CERT_FILE"),
        (not_there, "CERT_FILE"),
        (not_pem, "CERT_FILE"),
    ],
)
def test_files_that_cannot_be_used_stop_the_start_and_are_named(
    tmp_path: Path, make: Callable[[Path], dict[str, str]], named: str
) -> None:
    variables = {f"ORCHESTRATOR_TLS__{name}": value for name, value in make(tmp_path).items()}
    with Process(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0", **variables) as process:
        assert process.wait() == 2
        assert f"ORCHESTRATOR_TLS__{named}" in process.output
        assert "Traceback" not in process.output


def test_the_address_names_the_scheme(url: str) -> None:
    assert urlsplit(url).scheme == "https"
