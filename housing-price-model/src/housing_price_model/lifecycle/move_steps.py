"""The steps of a move. Each can be repeated: it finds what it left before, and puts right what has changed since.

That matters twice: a worker that was killed in the middle of a step does it again, and the runner may have been started
anew meanwhile, with the champion that the registry knows.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from housing_price_model.errors import ArtefactError, MoveError, VerificationError
from housing_price_model.lifecycle.documents import Roles, Server
from housing_price_model.lifecycle.move_request import Move
from housing_price_model.lifecycle.plan import Plan, judge
from housing_price_model.lifecycle.serving_folder import VERSIONS, ServingFolder
from housing_price_model.registry.export_version import export_registered
from housing_price_model.registry.life_records import Lives
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import connect, translated
from housing_price_model.serving.verify import verify

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Moving:
    """Moves versions.

    Attributes:
        serving: What the runner and the orchestrators go by.
        tracking_uri: Where the registry is.
        drain_seconds: How long a server runs on after requests go elsewhere: orchestrators have noticed then, and have
            finished what was under way.
        ready_within_seconds: How long a server may take to start.
    """

    serving: ServingFolder
    tracking_uri: str
    drain_seconds: float = 5.0
    ready_within_seconds: float = 120.0

    def judge(self, asked: Any) -> Plan:
        """Say what the move comes to; changes nothing.

        Raises:
            MoveError, RegistryError: it may not be made, or cannot be judged.
        """
        move = Move.from_job(asked)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with translated("the registry cannot be read"):
            return judge(move, self._lives(), self.serving.desired(), at)

    def export(self, plan: Plan) -> None:
        """Write the version's files to where its server will read them; each is compared with what was registered.

        Raises:
            MoveError: `model-refused`.
            RegistryError: the registry does not answer.
        """
        version = _served(plan)
        try:
            export_registered(f"models:/{NAME}/{version}", self.serving.export_of(version), self.tracking_uri)
        except ArtefactError as exc:
            message = f"the files of version {version} are missing, or not those that were registered"
            raise MoveError("model-refused", message) from exc

    def start(self, plan: Plan, is_called_off: Callable[[], bool] = lambda: False) -> str:
        """Have a server of the version beside those that run, and wait until it is ready; returns its address.

        Raises:
            MoveError: `model-server-not-ready`; so, too, as soon as the move is called off.
        """
        version = _served(plan)
        server = Server(version=version, model_id=plan.model_id, digest=plan.digest, folder=f"{VERSIONS}/{version}")
        desired = self.serving.desired()
        if desired.server(version) != server:
            others = tuple(one for one in desired.servers if one.version != version)
            desired = self.serving.write_desired((*others, server), desired.roles)
        ends = time.monotonic() + self.ready_within_seconds
        while True:
            observed = self.serving.observed()
            # Only what was seen since it was asked for: a server of this version may have failed before.
            seen = observed.server(version) if observed.revision >= desired.revision else None
            if seen is not None and seen.state == "ready":
                return seen.address
            if seen is not None and seen.state == "failed":
                message = f"the model server of version {version} does not start: {seen.detail}"
                raise MoveError("model-server-not-ready", message)
            if is_called_off():
                raise MoveError(
                    "model-server-not-ready", f"nobody waits for a model server of version {version} any more"
                )
            if time.monotonic() > ends:
                message = f"the model server of version {version} was not ready within {self.ready_within_seconds:g} s"
                raise MoveError("model-server-not-ready", message)
            time.sleep(_POLL_SECONDS)

    def ask(self, plan: Plan) -> None:
        """Ask the running server for the golden answers that were stored when the version was trained.

        Raises:
            MoveError: `golden-answers-differ`, or `model-server-not-ready`: it does not answer.
        """
        version, address = _served(plan), self.start(plan)
        try:
            verified = verify(address, str(self.serving.export_of(version)), self.tracking_uri)
        except VerificationError as exc:
            raise MoveError("model-server-not-ready", f"the model server of version {version} cannot be asked") from exc
        except ArtefactError as exc:
            raise MoveError("model-refused", f"version {version} has no golden answers that can be read") from exc
        if verified.differences:
            message = (
                f"version {version} gives {len(verified.differences)} of {verified.asked} golden answers otherwise"
            )
            raise MoveError("golden-answers-differ", message)

    def route(self, plan: Plan) -> int:
        """Let requests go as planned; returns the revision of the routes."""
        if plan.serve is not None:
            self.start(plan)
        return self._assign(plan.after)

    def record(self, plan: Plan, job: str, asked: Any) -> None:
        """Write the move down in the registry, the champion's alias with it."""
        move, lives = Move.from_job(asked), self._lives()
        with translated("the move cannot be written down"):
            for change in plan.changes:
                lives.write(change.version, change.record(job, plan.at, move))

    def stop(self, plan: Plan) -> int:
        """Have all servers stopped that nobody is sent to any more; returns the revision of the routes."""
        before = self.serving.routes()
        revision = self.route(plan)
        if before is None or before.revision != revision:
            time.sleep(self.drain_seconds)  # a runner was started anew with other routes
        self._keep_only(plan.after)
        return revision

    def undo(self, plan: Plan, job: str, asked: Any, warn: Callable[[str], None]) -> None:
        """Make everything as it was before the move; what cannot be put back is told to `warn`."""
        steps: tuple[Callable[[], None], ...] = (
            lambda: self._unassign(plan.before),
            lambda: self._unrecord(plan, job, asked),
        )
        for step in steps:
            try:
                step()
            except Exception as exc:  # noqa: BLE001 - one part that stays must not keep the other
                warn(f"{job}: cannot be put back: {exc!r}")

    def _unassign(self, roles: Roles) -> None:
        if roles.champion is not None:  # before a first champion there are no routes
            self._assign(roles)
        self._keep_only(roles)

    def _unrecord(self, plan: Plan, job: str, asked: Any) -> None:
        move, lives = Move.from_job(asked), self._lives()
        with translated("the move cannot be taken back"):
            for change in plan.changes:
                life = lives.find(change.version)
                if life.state != change.source or any(one.job == job for one in life.records):
                    lives.unwrite(change.version, change.record(job, plan.at, move))

    def _assign(self, roles: Roles) -> int:
        self.serving.write_desired(self.serving.desired().servers, roles)
        return self.serving.write_routes(roles)

    def _keep_only(self, roles: Roles) -> None:
        wanted = set(roles.versions())
        servers = tuple(one for one in self.serving.desired().servers if one.version in wanted)
        self.serving.write_desired(servers, roles)

    def _lives(self) -> Lives:
        return Lives(connect(self.tracking_uri))


def _served(plan: Plan) -> str:
    if plan.serve is None:
        raise ValueError(f"version {plan.version}: nothing is to be served")
    return plan.serve
