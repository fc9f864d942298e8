"""The serving folder: exported versions, and the documents shared by worker, runner and orchestrators."""

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
from housing_price_platform.files import FileTooLarge, read_if_exists

DESIRED: Final = "desired.json"
OBSERVED: Final = "observed.json"
ROUTES: Final = "routes.json"
VERSIONS: Final = "versions"
MAX_BYTES: Final = 1024 * 1024
"""Size limit of a document, which the orchestrator has as well. Real ones take about 1 kB."""


class ServingFolder:
    """Reads and writes the serving folder.

    Each document has a single writer and is replaced atomically, so readers never see a partial document.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Create the folder.

        Raises:
            ServingFolderError: the folder cannot be created.
        """
        try:
            (self.folder / VERSIONS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServingFolderError(
                f"{self.folder}: cannot be used as the serving folder ({error.strerror})"
            ) from error

    def export_of(self, version: str) -> Path:
        """Return the path of a version's export."""
        return self.folder / VERSIONS / version

    def desired(self) -> Desired:
        """Read the desired state; empty before the first write.

        Raises:
            ServingFolderError: the document is damaged. The other readers raise it, too.
        """
        return self._read(DESIRED, Desired) or Desired()

    def observed(self) -> Observed:
        """Read the observed state; empty before the first write."""
        return self._read(OBSERVED, Observed) or Observed()

    def routes(self) -> Routes | None:
        """Read the routes; None before the first write."""
        return self._read(ROUTES, Routes)

    def write_desired(self, servers: tuple[Server, ...], roles: Roles) -> Desired:
        """Write the desired servers and roles; the revision increases only when a server is new.

        Otherwise the observed state remains valid for this revision, and the runner need not observe again.

        Raises:
            OutputError: the document cannot be written. The other writers raise it, too.
        """
        before = self.desired()
        if (before.servers, before.roles) == (servers, roles):
            return before
        has_new_server = not set(servers) <= set(before.servers)
        revision = self._next_revision(before) if has_new_server else before.revision
        desired = Desired(revision=revision, servers=servers, roles=roles)
        self._write(DESIRED, desired)
        return desired

    def write_observed(self, observed: Observed) -> None:
        """Write the observed state."""
        self._write(OBSERVED, observed)

    def write_routes(self, roles: Roles) -> int:
        """Route requests to the observed servers; returns the revision, which stays the same if nothing changes.

        Raises:
            ServingFolderError: the champion has no model server.
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
        """Delete the routes because their servers are gone; orchestrators fall back to their configured address."""
        (self.folder / ROUTES).unlink(missing_ok=True)

    def _next_revision(self, desired: Desired) -> int:
        try:
            routes = self.routes()
        except ServingFolderError:
            routes = None  # the damaged document is about to be replaced
        return max(desired.revision, routes.revision if routes else 0) + 1

    def _read[D: Document](self, name: str, kind: type[D]) -> D | None:
        path = self.folder / name
        try:
            content = read_if_exists(path, max_bytes=MAX_BYTES)
            return None if content is None else kind.model_validate_json(content)
        except (OSError, FileTooLarge, ValidationError) as error:
            raise ServingFolderError(f"{path}: cannot be read ({error})") from error

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
        raise ServingFolderError("no champion has a model server, so no route can be written")
    # A canary or a shadow without a server is omitted: the champion prices its share.
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
