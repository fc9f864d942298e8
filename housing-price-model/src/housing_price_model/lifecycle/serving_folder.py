"""The serving folder: exports of versions, and the documents that worker, runner and orchestrators go by."""

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from housing_price_model.atomic_write import write_atomically
from housing_price_model.errors import ServingFolderError
from housing_price_model.lifecycle.documents import (
    CanaryRoute,
    Desired,
    Document,
    Observed,
    Roles,
    Route,
    Routes,
    Server,
    ShadowRoute,
)

DESIRED: Final = "desired.json"
OBSERVED: Final = "observed.json"
ROUTES: Final = "routes.json"
VERSIONS: Final = "versions"


class ServingFolder:
    """Reads and writes it.

    Each document has one writer at a time and is replaced as a whole, so that no reader sees half of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            ServingFolderError: it cannot be made.
        """
        try:
            (self.folder / VERSIONS).mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ServingFolderError(f"{self.folder}: cannot be used as the serving folder ({exc.strerror})") from exc

    def export_of(self, version: str) -> Path:
        """Say where the export of a version is."""
        return self.folder / VERSIONS / version

    def desired(self) -> Desired:
        """Read what is to run; nothing, where nobody has said so yet.

        Raises:
            ServingFolderError: it is damaged. So for the other documents.
        """
        return self._read(DESIRED, Desired) or Desired()

    def observed(self) -> Observed:
        """Read what runs."""
        return self._read(OBSERVED, Observed) or Observed()

    def routes(self) -> Routes | None:
        """Read where requests go; None where nobody has said so yet."""
        return self._read(ROUTES, Routes)

    def write_desired(self, servers: tuple[Server, ...], roles: Roles) -> Desired:
        """Say what is to run and who is to do what; the revision grows only with a server that is new.

        What was seen of the others is true still, and whoever sees to them need not look again.

        Raises:
            OutputError: it cannot be written. So for the other documents.
        """
        before = self.desired()
        if (before.servers, before.roles) == (servers, roles):
            return before
        is_wanting = not set(servers) <= set(before.servers)
        revision = self._next_revision(before) if is_wanting else before.revision
        desired = Desired(revision=revision, servers=servers, roles=roles)
        self._write(DESIRED, desired)
        return desired

    def write_observed(self, observed: Observed) -> None:
        """Say what runs."""
        self._write(OBSERVED, observed)

    def write_routes(self, roles: Roles) -> int:
        """Let requests go to the servers that are seen; returns the revision, which stays where nothing changes.

        Raises:
            ServingFolderError: there is no champion that has a server.
        """
        before = self.routes()
        desired, observed = self.desired(), self.observed()
        revision = self._next_revision(desired) if before is None else before.revision
        routes = _routes(revision, roles, desired, observed)
        if routes == before:
            return revision
        revision = self._next_revision(desired)
        self._write(ROUTES, routes.model_copy(update={"revision": revision}))
        return revision

    def forget_routes(self) -> None:
        """Let requests go where the orchestrators are told to ask first: the servers of these routes are gone."""
        (self.folder / ROUTES).unlink(missing_ok=True)

    def _next_revision(self, desired: Desired) -> int:
        try:
            routes = self.routes()
        except ServingFolderError:
            routes = None  # it is about to be replaced
        return max(desired.revision, routes.revision if routes else 0) + 1

    def _read[D: Document](self, name: str, kind: type[D]) -> D | None:
        path = self.folder / name
        try:
            return kind.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as exc:
            raise ServingFolderError(f"{path}: cannot be read ({exc})") from exc

    def _write(self, name: str, document: Document) -> None:
        write_atomically(self.folder / name, document.model_dump_json(indent=2) + "\n")


def _routes(revision: int, roles: Roles, desired: Desired, observed: Observed) -> Routes:
    def route(version: str) -> dict[str, Any] | None:
        server, seen = desired.server(version), observed.server(version)
        if server is None or seen is None:
            return None
        return {"version": version, "model_id": server.model_id, "addresses": (seen.address,)}

    champion = route(roles.champion) if roles.champion is not None else None
    if champion is None:
        raise ServingFolderError("there is no champion with a model server to send requests to")
    # A canary or a shadow without a server is left out: the champion answers its part.
    canary = route(roles.canary.version) if roles.canary else None
    shadow = route(roles.shadow.version) if roles.shadow else None
    return Routes(
        revision=revision,
        champion=Route(**champion),
        canary=CanaryRoute(**canary, weight=roles.canary.weight, limits=roles.canary.limits)
        if canary and roles.canary
        else None,
        shadow=ShadowRoute(**shadow, sample=roles.shadow.sample) if shadow and roles.shadow else None,
    )
