"""A runner for tests: serves the versions in `desired.json` with the real scoring application, in this process."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import mlflow
import uvicorn
from benchmarks.repeating_thread import RepeatingThread

from housing_price_model.errors import ArtefactError, ServingFolderError
from housing_price_model.lifecycle.documents import Observed, SeenServer, Server
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.serving.find_model import open_model
from housing_price_model.serving.scoring_app import create_app

PAUSE_SECONDS = 0.02


@dataclass
class _Running:
    server: uvicorn.Server
    thread: threading.Thread
    address: str


class ServingRunner(RepeatingThread):
    """Starts and stops model servers as the stack's runner does; `may_start` can delay the start of a version."""

    def __init__(self, serving: ServingFolder, may_start: Callable[[str], bool] = lambda _version: True) -> None:
        super().__init__(PAUSE_SECONDS)
        self.may_start = may_start
        self._serving = serving
        self._running: dict[str, _Running] = {}

    @property
    def versions(self) -> set[str]:
        return set(self._running)

    def stop(self) -> None:
        super().stop()
        for version in list(self._running):
            self._end(version)

    def step(self) -> None:
        desired = self._serving.desired()
        wanted = {server.version: server for server in desired.servers}
        for version in self._running.keys() - wanted.keys():
            self._end(version)
        seen = tuple(self._seen(server) for server in desired.servers)
        self._serving.write_observed(Observed(revision=desired.revision, servers=seen))

    def _seen(self, server: Server) -> SeenServer:
        version = server.version
        if version not in self._running:
            if not self.may_start(version):
                return SeenServer(version=version, address="http://127.0.0.1:9", state="starting")
            try:
                self._start(version)
            except (ArtefactError, ServingFolderError) as error:
                return SeenServer(version=version, address="http://127.0.0.1:9", state="failed", detail=str(error))
        return SeenServer(version=version, address=self._running[version].address, state="ready")

    def _start(self, version: str) -> None:
        with open_model(str(self._serving.export_of(version)), "") as found:
            app = create_app(mlflow.pyfunc.load_model(str(found.folder)))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        self._running[version] = _Running(server, thread, f"http://127.0.0.1:{port}")

    def _end(self, version: str) -> None:
        running = self._running.pop(version)
        running.server.should_exit = True
        running.thread.join()
