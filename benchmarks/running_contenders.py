"""Starts contenders and the servers behind them; each server runs once."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import STUB, Contender
from benchmarks.processes import Server, free_port


@dataclass(frozen=True)
class RunningContender:
    """A contender whose processes are running."""

    contender: Contender
    """Its definition."""
    server: Server
    """Its own server."""
    behind: Server | None
    """The server that it calls, if any."""
    expected: Path
    """File of the expected prices."""

    @property
    def servers(self) -> list[Server]:
        """Its own server and the server behind it."""
        return [self.server, *([self.behind] if self.behind else [])]

    def wait_until_idle(self) -> None:
        """Wait until all its servers are idle."""
        for server in self.servers:
            server.wait_until_idle()


def start(
    names: Sequence[str], known: Mapping[str, Contender], stack: ExitStack, *, of_stub: Path, of_model: Path
) -> dict[str, RunningContender]:
    """Start contenders in parallel, each server once, and wait until all are ready.

    Raises:
        NotReady: A server does not start.
    """
    needed = list(dict.fromkeys([*(known[name].behind for name in names if known[name].behind), *names]))
    ports = {name: free_port() for name in needed if name}
    servers: dict[str, Server] = {}
    for name, port in ports.items():
        contender = known[name]
        behind_port = ports[contender.behind] if contender.behind else 0
        if contender.behind:
            # An orchestrator that starts before its model server becomes ready a second later.
            servers[contender.behind].wait_until_ready()
        server = Server(
            name,
            contender.command(port, behind_port),
            port,
            ready=contender.ready,
            variables=contender.variables(port, behind_port),
            cwd=contender.cwd,
        )
        servers[name] = stack.enter_context(server)
    for server in servers.values():
        server.wait_until_ready()
    return {
        name: RunningContender(
            known[name],
            servers[name],
            servers[behind] if (behind := known[name].behind) else None,
            of_stub if STUB in (name, behind) else of_model,
        )
        for name in names
    }
