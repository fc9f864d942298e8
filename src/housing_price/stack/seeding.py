"""Sets what is served at the start: the registry's champion, and the canary and shadow of the previous run."""

from housing_price.errors import StackError
from housing_price.stack.champion import Champion
from housing_price.stack.state import State
from housing_price_model.artefact.export import read_export
from housing_price_model.errors import ArtefactError, HousingPriceModelError, ServingFolderError
from housing_price_model.lifecycle.documents import Desired, Roles, Server
from housing_price_model.lifecycle.serving_folder import VERSIONS


def reset_routes(state: State) -> None:
    """Remove the routes of the previous run, whose servers no longer exist.

    Raises:
        StackError: The folder cannot be written.
    """
    try:
        state.serving.prepare()
        state.serving.forget_routes()
    except (HousingPriceModelError, OSError) as error:
        raise StackError(f"cannot write to {state.serving.folder}: {error}") from error


def write_desired_state(state: State, champion: Champion) -> Desired:
    """Write which versions to serve: the champion, and the versions of the previous run with an undamaged export.

    Keeps versions without a role too: an interrupted move still needs them. The champion's export must be valid.

    Raises:
        StackError: The folder cannot be written.
    """
    serving = state.serving
    try:
        previous = serving.desired()
    except ServingFolderError:
        previous = Desired()
    try:
        manifest = read_export(state.export_of(champion.version))
        first = Server(
            version=champion.version,
            model_id=manifest.model_id,
            digest=champion.digest or manifest.digest,
            folder=f"{VERSIONS}/{champion.version}",
        )
        others = tuple(
            server
            for server in previous.servers
            if server.version != champion.version and _has_valid_export(state, server)
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


def write_routes(state: State, roles: Roles) -> None:
    """Route requests to the versions with a role and a running model server.

    Raises:
        StackError: The folder cannot be written.
    """
    try:
        state.serving.write_routes(roles)
    except HousingPriceModelError as error:
        raise StackError(str(error)) from error


def _has_valid_export(state: State, server: Server) -> bool:
    try:
        read_export(state.serving.folder / server.folder, server.digest)
    except ArtefactError:
        return False
    return True
