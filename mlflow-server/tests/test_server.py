"""The real server, from a client's point of view."""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mlflow_server.page import NOTICE, SETTING

from .conftest import RunningServer, start_server

pytestmark = pytest.mark.stack


def test_everything_is_stored_in_the_given_folder(server: RunningServer) -> None:
    assert [path.name for path in server.folder.parent.iterdir()] == [server.folder.name]
    assert (server.folder / "state" / "mlflow.db").stat().st_size
    assert (server.folder / "artifacts").is_dir()


def test_artifacts_are_uploaded_over_http_into_the_store(server: RunningServer, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("kept")
    client = MlflowClient(tracking_uri=server.url, registry_uri=server.url)
    run = client.create_run("0")
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    client.log_artifact(run.info.run_id, str(note))
    stored = list((server.folder / "artifacts").rglob("note.txt"))
    assert [path.read_text() for path in stored] == ["kept"]


def test_the_registry_stores_an_alias(server: RunningServer) -> None:
    client = MlflowClient(tracking_uri=server.url, registry_uri=server.url)
    client.create_registered_model("a-model")
    run = client.create_run("0")
    source = f"{run.info.artifact_uri}/model"
    version = client.create_model_version("a-model", source=source, run_id=run.info.run_id)
    client.set_registered_model_alias("a-model", "champion", version.version)
    assert client.get_model_version_by_alias("a-model", "champion").version == version.version


def test_a_foreign_host_header_is_refused(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"host": "evil.example"})
    assert answer.status_code == 403


def test_metrics_count_requests_by_status(server: RunningServer) -> None:
    def total(status: int) -> int:
        page = httpx.get(f"{server.url}/metrics")
        assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
        name = "housing_price_tracking_server_requests_total"
        found = re.search(rf'^{name}{{status="{status}"}} (\d+)$', page.text, re.MULTILINE)
        return int(found[1]) if found else 0

    before = {status: total(status) for status in (200, 403)}
    assert httpx.get(f"{server.url}/health").status_code == 200
    assert httpx.get(f"{server.url}/", headers={"host": "evil.example"}).status_code == 403
    assert {status: total(status) - before[status] for status in before} == {200: 1, 403: 1}
    assert httpx.head(f"{server.url}/metrics").status_code == 200


def test_the_assistant_is_disabled(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/ajax-api/3.0/mlflow/assistant/config").status_code == 404


def test_job_execution_is_disabled(server: RunningServer) -> None:
    answer = httpx.post(f"{server.url}/ajax-api/3.0/jobs/", json={"job_name": "anything", "params": {}})
    assert answer.is_error, answer.text


def test_telemetry_of_the_user_interface_is_disabled(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/ajax-api/3.0/mlflow/ui-telemetry").json()["disable_ui_telemetry"] is True


def test_the_page_says_that_usage_reporting_is_off(server: RunningServer) -> None:
    page = httpx.get(f"{server.url}/", headers={"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    head, _, _ = page.text.partition("</head>")
    assert f'localStorage.setItem("{SETTING}","false")' in head
    assert f'localStorage.setItem("{NOTICE}","true")' in head
    assert int(page.headers["content-length"]) == len(page.content)
    # The script runs before the page's own, which reads these keys.
    assert head.index(SETTING) < head.index("static-files/static/js/main.")
    (script,) = re.findall(r'src="(static-files/static/js/main\.\w+\.js)"', head)
    code = httpx.get(f"{server.url}/{script}").text
    assert all(f'"{key.removesuffix("_v1")}"' in code for key in (SETTING, NOTICE))
    assert httpx.head(f"{server.url}/").status_code == 200


def test_every_line_of_the_log_is_an_event_and_none_is_a_warning(server: RunningServer) -> None:
    events = [json.loads(line) for line in (server.folder / "server.log").read_text().splitlines()]
    assert all({"service", "event", "level", "time"} <= event.keys() for event in events)
    # Another test of this server sends an invalid host on purpose.
    expected = "Rejected request with invalid Host header"
    assert [event for event in events if event["level"] != "info" and not event["event"].startswith(expected)] == []


def test_the_server_is_one_process(server: RunningServer) -> None:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list a process's children")
    assert children.read_text().split() == []


def test_a_port_in_use_is_an_error_that_names_the_port_and_the_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "mlflow_server", "serve", "--port", port]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert port in result.stderr
    assert "--port" in result.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server(how: signal.Signals, tmp_path: Path) -> None:
    running = start_server(tmp_path)
    assert running.stop(how) in {0, -how, 128 + how}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}/health")


def test_mlflow_has_the_version_that_the_settings_were_tested_with() -> None:
    assert mlflow.__version__ == "3.17.2"
