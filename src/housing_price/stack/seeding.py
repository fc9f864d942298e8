"""Sets what is served at the start: the registry's champion, and the canary and shadow of the previous run."""

import time
from typing import Final

from housing_price.errors import StackError
from housing_price.stack.champion import Champion
from housing_price_model.artefact.export import read_export
from housing_price_model.errors import ArtefactError, HousingPriceModelError, ServingFolderError
from housing_price_model.lifecycle.documents import CanaryRole, Desired, Roles, Route, Server, ShadowRole
from housing_price_model.lifecycle.serving_folder import VERSIONS, ServingFolder

RESTORE_SECONDS: Final = 3.0
"""Maximum wait until damaged documents are written again: `ModelServers` does so at its next poll."""
RESTORE_POLL_SECONDS: Final = 0.1


def reset_routes(serving: ServingFolder) -> str | None:
    """Remove the routes of the previous run, whose servers no longer exist.

    A damaged desired state is rebuilt from them first: they name the canary and the shadow.

    Returns:
        A description of the damage; None without damage.

    Raises:
        StackError: The folder cannot be written.
    """
    try:
        serving.prepare()
        damage = _rebuild_desired(serving)
        serving.forget_routes()
    except (HousingPriceModelError, OSError) as error:
        raise StackError(f"cannot write to {serving.folder}: {error}") from error
    return damage


def _rebuild_desired(serving: ServingFolder) -> str | None:
    """Replace a damaged desired state by the versions of the last routes; returns the damage."""
    try:
        serving.desired()
    except ServingFolderError as error:
        damage = str(error)
    else:
        return None
    try:
        routes = serving.routes()
    except ServingFolderError:
        routes = None
    if routes is None:
        serving.write_desired((), Roles())
        return damage
    named = (routes.champion, routes.canary, routes.shadow)
    servers = {route.version: _server_of(serving, route) for route in named if route is not None}
    canary, shadow = routes.canary, routes.shadow
    roles = Roles(
        champion=routes.champion.version,
        canary=CanaryRole(version=canary.version, weight=canary.weight, limits=canary.limits) if canary else None,
        shadow=ShadowRole(version=shadow.version, sample=shadow.sample) if shadow else None,
    )
    serving.write_desired(tuple(server for server in servers.values() if server is not None), roles)
    return damage


def _server_of(serving: ServingFolder, route: Route) -> Server | None:
    try:
        manifest = read_export(serving.export_of(route.version))
    except ArtefactError:
        return None
    folder = f"{VERSIONS}/{route.version}"
    return Server(version=route.version, model_id=route.model_id, digest=manifest.digest, folder=folder)


def write_desired_state(serving: ServingFolder, champion: Champion) -> Desired:
    """Write which versions to serve: the champion, and the versions of the previous run with an undamaged export.

    Keeps versions without a role too: an interrupted move still needs them. The champion's export must be valid.

    Raises:
        StackError: The folder cannot be written.
    """
    try:
        previous = serving.desired()
    except ServingFolderError:
        previous = Desired()
    try:
        manifest = read_export(serving.export_of(champion.version))
        first = Server(
            version=champion.version,
            model_id=manifest.model_id,
            digest=champion.digest or manifest.digest,
            folder=f"{VERSIONS}/{champion.version}",
        )
        others = tuple(
            server
            for server in previous.servers
            if server.version != champion.version and _has_valid_export(serving, server)
        )
        served = {server.version for server in others}
        canary, shadow = previous.roles.canary, previous.roles.shadow
        roles = Roles(
            champion=champion.version,
            canary=canary if canary and canary.version in served else None,
            shadow=shadow if shadow and shadow.version in served else None,
        )
        return serving.write_desired((first, *others), roles)
    except HousingPriceModelError as error:
        raise StackError(str(error)) from error


def write_routes(serving: ServingFolder, roles: Roles) -> None:
    """Route requests to the versions with a role and a running model server.

    Raises:
        StackError: The folder cannot be written, or its documents stay damaged.
    """
    deadline = time.monotonic() + RESTORE_SECONDS
    while True:
        try:
            serving.write_routes(roles)
        except ServingFolderError as error:
            if time.monotonic() > deadline:
                raise StackError(str(error)) from error
        except HousingPriceModelError as error:
            raise StackError(str(error)) from error
        else:
            return
        time.sleep(RESTORE_POLL_SECONDS)


def has_routes(serving: ServingFolder) -> bool:
    """Return whether there are routes, damaged or not."""
    try:
        return serving.routes() is not None
    except ServingFolderError:
        return True


def _has_valid_export(serving: ServingFolder, server: Server) -> bool:
    try:
        read_export(serving.folder / server.folder, server.digest)
    except ArtefactError:
        return False
    return True
