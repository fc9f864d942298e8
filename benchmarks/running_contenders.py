"""Contenders that answer: their processes, started side by side, each server once."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import STUB, Contender
from benchmarks.processes import Server, free_port


@dataclass(frozen=True)
class RunningContender:
    """A contender that answers.

    Attributes:
        contender: What it is.
        server: Its own processes.
        behind: Those of the server that it asks.
        expected: The file of right answers.
    """

    contender: Contender
    server: Server
    behind: Server | None
    expected: Path

    @property
    def servers(self) -> list[Server]:
        """All processes that work for it."""
        return [self.server, *([self.behind] if self.behind else [])]

    def settle(self) -> None:
        """Return when nothing is left to do."""
        for server in self.servers:
            server.settle()


def start(
    names: Sequence[str], known: Mapping[str, Contender], stack: ExitStack, *, of_stub: Path, of_model: Path
) -> dict[str, RunningContender]:
    """Start contenders, and what they need behind them, side by side; each server once.

    Raises:
        NotReady: one of them does not start.
    """
    needed = list(dict.fromkeys([*(known[name].behind for name in names if known[name].behind), *names]))
    ports = {name: free_port() for name in needed if name}
    servers: dict[str, Server] = {}
    for name, port in ports.items():
        contender = known[name]
        behind_port = ports[contender.behind] if contender.behind else 0
        if contender.behind:
            # An orchestrator that finds nobody behind it would only be ready a second later.
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
