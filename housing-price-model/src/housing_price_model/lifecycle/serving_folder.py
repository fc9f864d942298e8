"""The serving folder: exported versions, and the documents shared by worker, runner and orchestrators."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from housing_price_model.atomic_write import write_atomically
from housing_price_model.errors import ServingFolderError
from housing_price_model.lifecycle.documents import (
    CanaryRoute,
    Desired,
    Observed,
    Roles,
    Route,
    Routes,
    Server,
    ShadowRoute,
    StateDocument,
)
from housing_price_platform.files import DamagedFile, read_document
from housing_price_platform.orders.move_rules import MOVE_RULES, RefusedMoves, serving_folder_of
from housing_price_platform.orders.moves import ServedModel

DESIRED: Final = "desired.json"
OBSERVED: Final = "observed.json"
ROUTES: Final = "routes.json"
VERSIONS: Final = "versions"
MAX_BYTES: Final = 1024 * 1024
"""Size limit of a document, which the orchestrator has as well. Real ones take about 1 kB."""

WRITE_RETRY_SECONDS: Final = 1.0
"""Time for which writing is retried after temporary errors, such as a full disk. Moves retry for longer."""


class ServingFolder:
    """Reads and writes the serving folder.

    Each document has a single writer and is replaced atomically, so readers never see a partial document.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, model: ServedModel) -> "ServingFolder":
        """Return the serving folder of one of the models of a stack; that of the price model is this one."""
        return ServingFolder(serving_folder_of(self.folder, model))

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

    def exported_versions(self) -> list[str]:
        """Return the versions with a folder for their export, the newest first; the exports may be damaged."""
        try:
            names = [path.name for path in (self.folder / VERSIONS).iterdir()]
        except OSError:
            return []
        return sorted((name for name in names if name.isdecimal()), key=int, reverse=True)

    def desired(self) -> Desired:
        """Read the desired state; empty before the first write.

        Raises:
            ServingFolderError: the document is damaged. The other readers raise it, too.
        """
        return self.find_desired() or Desired()

    def find_desired(self) -> Desired | None:
        """Read the desired state; None if it is missing."""
        return self._read(DESIRED, Desired)

    def observed(self) -> Observed:
        """Read the observed state; empty before the first write."""
        return self._read(OBSERVED, Observed) or Observed()

    def observed_if_undamaged(self) -> Observed:
        """Read the observed state; empty before the first write, and while the document is damaged."""
        return self._undamaged(self.observed) or Observed()

    def routes(self) -> Routes | None:
        """Read the routes; None before the first write."""
        return self._read(ROUTES, Routes)

    def write_desired(self, servers: tuple[Server, ...], roles: Roles) -> Desired:
        """Write the desired servers and roles; the revision increases only when a server is new.

        Otherwise the observed state remains valid for this revision, and the runner need not observe again. A damaged
        document is replaced.

        Raises:
            OutputError: the document cannot be written. The other writers raise it, too.
        """
        before = self._undamaged(self.find_desired)
        if before is None:
            before = Desired()
        elif (before.servers, before.roles) == (servers, roles):
            return before
        has_new_server = not set(servers) <= set(before.servers)
        revision = self._next_revision(before) if has_new_server else before.revision
        desired = Desired(revision=revision, servers=servers, roles=roles)
        self._write(DESIRED, desired)
        return desired

    def restore_desired(self, desired: Desired) -> bool:
        """Write a desired state that was read earlier, if the document is missing or damaged now; returns whether."""
        if self._undamaged(self.find_desired) is not None:
            return False
        self._write(DESIRED, desired)
        return True

    def holds_observed(self, observed: Observed) -> bool:
        """Return whether the document is undamaged and states this."""
        return self._undamaged(self.observed) == observed

    def write_observed(self, observed: Observed) -> None:
        """Write the observed state."""
        self._write(OBSERVED, observed)

    def write_routes(self, roles: Roles) -> int:
        """Route requests to the observed servers; returns the revision, which stays the same if nothing changes.

        Raises:
            ServingFolderError: the champion has no model server.
        """
        before = self._undamaged(self.routes)
        desired, observed = self.desired(), self.observed()
        revision = self._next_revision(desired) if before is None else before.revision
        routes = _routes(revision, roles, desired, observed)
        if routes == before:
            return revision
        revision = self._next_revision(desired)
        self._write(ROUTES, routes.model_copy(update={"revision": revision}))
        return revision

    def write_move_rules(self, rules: RefusedMoves) -> None:
        """Write which moves are refused; the API reads it.

        Raises:
            OutputError: the document cannot be written.
        """
        write_atomically(self.folder / MOVE_RULES, rules.model_dump_json(indent=2) + "\n")

    def forget_routes(self) -> None:
        """Delete the routes because their servers are gone; orchestrators fall back to their configured address."""
        (self.folder / ROUTES).unlink(missing_ok=True)

    def _next_revision(self, desired: Desired) -> int:
        # Also where `desired.json` is lost: a revision must not be used twice.
        routes, observed = self._undamaged(self.routes), self._undamaged(self.observed)
        revisions = (document.revision for document in (desired, routes, observed) if document is not None)
        return max(revisions) + 1

    @staticmethod
    def _undamaged[D: StateDocument](read: Callable[[], D | None]) -> D | None:
        """Read a document that is about to be replaced; None if it is missing or damaged."""
        try:
            return read()
        except ServingFolderError:
            return None

    def _read[D: StateDocument](self, name: str, kind: type[D]) -> D | None:
        remedy = "restart `housing-price up`, or whatever runs the model servers: it writes the file again"
        try:
            return read_document(self.folder / name, kind.model_validate_json, remedy=remedy, max_bytes=MAX_BYTES)
        except DamagedFile as error:
            raise ServingFolderError(str(error)) from error

    def _write(self, name: str, document: StateDocument) -> None:
        write_atomically(
            self.folder / name, document.model_dump_json(indent=2) + "\n", retry_seconds=WRITE_RETRY_SECONDS
        )


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
