"""JSON documents of the serving folder: the desired model servers, the observed ones, and the routes.

Parsing is strict: unknown keys are rejected. JSON keys are in camelCase.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from housing_price_platform.orders.base import VersionNumber
from housing_price_platform.orders.document import Document
from housing_price_platform.orders.moves import CanaryLimits

type Share = Annotated[float, Field(gt=0, le=1)]
"""A stored share; an order accepts no share below `MIN_SHARE`."""
type ServerState = Literal["starting", "ready", "failed"]


class StateDocument(Document):
    """A JSON document of the serving folder. Python code constructs it by field name; JSON always uses the aliases."""

    model_config = ConfigDict(validate_by_name=True)


class CanaryRole(StateDocument):
    """The version that prices a share of the houses, and that share (`weight`)."""

    version: VersionNumber
    weight: Share
    limits: CanaryLimits = CanaryLimits()


class ShadowRole(StateDocument):
    """The version that prices a copy of the traffic, and the share that is copied (`sample`)."""

    version: VersionNumber
    sample: Share = 1.0


class Roles(StateDocument):
    """The version in each role."""

    champion: VersionNumber | None = None
    canary: CanaryRole | None = None
    shadow: ShadowRole | None = None

    def versions(self) -> Iterator[str]:
        """Yield each version that has a role, the champion first."""
        if self.champion is not None:
            yield self.champion
        for role in (self.canary, self.shadow):
            if role is not None:
                yield role.version

    def without(self, version: str) -> "Roles":
        """Return a copy in which this version is neither canary nor shadow."""
        canary = None if self.canary is None or self.canary.version == version else self.canary
        shadow = None if self.shadow is None or self.shadow.version == version else self.shadow
        return Roles(champion=self.champion, canary=canary, shadow=shadow)


class Server(StateDocument):
    """A model server that should run."""

    version: VersionNumber
    model_id: str
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    """Digest of the model's files in the registry; the server refuses to load any other."""
    folder: str
    """Path of the version's export, relative to the serving folder."""


class Desired(StateDocument):
    """`desired.json`: the model servers that should run, and the role of each version."""

    revision: Annotated[int, Field(ge=0)] = 0
    """Increases with each new server."""
    servers: tuple[Server, ...] = ()
    roles: Roles = Roles()

    def server(self, version: str) -> Server | None:
        """Find the server of a version."""
        return next((one for one in self.servers if one.version == version), None)


class SeenServer(StateDocument):
    """The observed state of a model server."""

    version: VersionNumber
    address: Annotated[str, Field(pattern="^https?://[^/]+$")]
    state: ServerState
    detail: str = ""
    """Reason for the state `failed`."""


class Observed(StateDocument):
    """`observed.json`: the observed model servers, after the desired state of this revision was read."""

    revision: Annotated[int, Field(ge=0)] = 0
    servers: tuple[SeenServer, ...] = ()

    def server(self, version: str) -> SeenServer | None:
        """Find the server of a version."""
        return next((one for one in self.servers if one.version == version), None)


class Route(StateDocument):
    """The addresses of the servers of a version."""

    version: VersionNumber
    model_id: str
    addresses: tuple[str, ...]


class CanaryRoute(Route):
    """The route to the canary, and the share of houses that it prices (`weight`)."""

    weight: Share
    limits: CanaryLimits


class ShadowRoute(Route):
    """The route to the shadow, and the share of traffic that is copied to it (`sample`)."""

    sample: Share


class Routes(StateDocument):
    """`routes.json`: where the orchestrators send requests."""

    revision: Annotated[int, Field(ge=1)]
    champion: Route
    canary: CanaryRoute | None = None
    shadow: ShadowRoute | None = None
