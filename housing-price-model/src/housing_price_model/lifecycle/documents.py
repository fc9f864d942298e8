"""What is to be served, what is seen of it, and where requests go: the documents of the serving folder.

Strictly read: a key that is not known is a mistake. In JSON the keys are in camelCase.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

type VersionNumber = Annotated[str, Field(pattern="^[1-9][0-9]{0,9}$")]
type Share = Annotated[float, Field(gt=0, le=1)]
type ServerState = Literal["starting", "ready", "failed"]


class Document(BaseModel):
    """A closed, immutable JSON object."""

    # By name too, for the code that makes one; what is written has the names of JSON only.
    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class CanaryLimits(Document):
    """Beyond which a canary is taken out of service by the orchestrators themselves."""

    max_error_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.05
    max_latency_ratio: Annotated[float, Field(ge=1, le=1000)] = 3.0
    """So many times the champion's."""
    max_median_deviation: Annotated[float, Field(gt=0, le=10)] = 0.15
    """Of its prices from the champion's, as a share."""
    least_requests: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Before it is judged."""


class CanaryRole(Document):
    """Which version answers a part of the callers, and how large a part."""

    version: VersionNumber
    weight: Share
    limits: CanaryLimits = CanaryLimits()


class ShadowRole(Document):
    """Which version prices a copy of the traffic, and how much of it."""

    version: VersionNumber
    sample: Share = 1.0


class Roles(Document):
    """Who does what."""

    champion: VersionNumber | None = None
    canary: CanaryRole | None = None
    shadow: ShadowRole | None = None

    def versions(self) -> Iterator[str]:
        """Give each version that has a role, the champion first."""
        if self.champion is not None:
            yield self.champion
        for role in (self.canary, self.shadow):
            if role is not None:
                yield role.version

    def without(self, version: str) -> "Roles":
        """Give the roles with this version as neither canary nor shadow."""
        canary = None if self.canary is None or self.canary.version == version else self.canary
        shadow = None if self.shadow is None or self.shadow.version == version else self.shadow
        return Roles(champion=self.champion, canary=canary, shadow=shadow)


class Server(Document):
    """A model server that is to run."""

    version: VersionNumber
    model_id: str
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    """What the registry recorded of the model's files; the server refuses any other."""
    folder: str
    """Where its export is, in the serving folder."""


class Desired(Document):
    """`desired.json`: which model servers are to run, and who is to do what."""

    revision: Annotated[int, Field(ge=0)] = 0
    """Grows with each server that is new."""
    servers: tuple[Server, ...] = ()
    roles: Roles = Roles()

    def server(self, version: str) -> Server | None:
        """Find the server of a version."""
        return next((one for one in self.servers if one.version == version), None)


class SeenServer(Document):
    """A model server as it is."""

    version: VersionNumber
    address: Annotated[str, Field(pattern="^https?://[^/]+$")]
    state: ServerState
    detail: str = ""
    """Why it has failed."""


class Observed(Document):
    """`observed.json`: the model servers as they are, since the desired state of this revision was read."""

    revision: Annotated[int, Field(ge=0)] = 0
    servers: tuple[SeenServer, ...] = ()

    def server(self, version: str) -> SeenServer | None:
        """Find the server of a version."""
        return next((one for one in self.servers if one.version == version), None)


class Route(Document):
    """Where a version is asked."""

    version: VersionNumber
    model_id: str
    addresses: tuple[str, ...]


class CanaryRoute(Route):
    """Where the canary is asked, and for whom."""

    weight: Share
    limits: CanaryLimits


class ShadowRoute(Route):
    """Where the shadow is asked, and how often."""

    sample: Share


class Routes(Document):
    """`routes.json`: what orchestrators go by."""

    revision: Annotated[int, Field(ge=1)]
    champion: Route
    canary: CanaryRoute | None = None
    shadow: ShadowRoute | None = None
