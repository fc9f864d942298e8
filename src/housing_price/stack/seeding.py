"""What is served at the start: the registry's champion, and the canary and the shadow that there were."""

from housing_price.errors import StackError
from housing_price.stack.champion import Champion
from housing_price.stack.state import State
from housing_price_model.artefact.export import read_export
from housing_price_model.errors import ArtefactError, HousingPriceModelError, ServingFolderError
from housing_price_model.lifecycle.documents import Desired, Roles, Server
from housing_price_model.lifecycle.serving_folder import VERSIONS


def begin(state: State) -> None:
    """Forget where requests went at the last run: those servers are gone.

    Raises:
        StackError: the folder cannot be written.
    """
    try:
        state.serving.prepare()
        state.serving.forget_routes()
    except (HousingPriceModelError, OSError) as error:
        raise StackError(f"cannot write to {state.serving.folder}: {error}") from error


def seed(state: State, champion: Champion) -> Desired:
    """Say what is to be served. The champion's export was found whole; others that are not whole any more are left out.

    A version without a role stays, too: a move that was interrupted goes on with it, or ends it.

    Raises:
        StackError: the folder cannot be written.
    """
    serving = state.serving
    try:
        before = serving.desired()
    except ServingFolderError:
        before = Desired()
    try:
        manifest = read_export(state.export_of(champion.version))
        first = Server(
            version=champion.version,
            model_id=manifest.model_id,
            digest=champion.digest or manifest.digest,
            folder=f"{VERSIONS}/{champion.version}",
        )
        others = tuple(one for one in before.servers if one.version != champion.version and _is_whole(state, one))
        served = {one.version for one in others}
        canary, shadow = before.roles.canary, before.roles.shadow
        roles = Roles(
            champion=champion.version,
            canary=canary if canary and canary.version in served else None,
            shadow=shadow if shadow and shadow.version in served else None,
        )
        return serving.write_desired((first, *others), roles)
    except HousingPriceModelError as error:
        raise StackError(str(error)) from error


def route(state: State, roles: Roles) -> None:
    """Let requests go to whoever has a part and a model server.

    Raises:
        StackError: the folder cannot be written.
    """
    try:
        state.serving.write_routes(roles)
    except HousingPriceModelError as error:
        raise StackError(str(error)) from error


def _is_whole(state: State, server: Server) -> bool:
    try:
        read_export(state.serving.folder / server.folder, server.digest)
    except ArtefactError:
        return False
    return True
