"""The steps of a move. Each step is idempotent: it continues from its earlier result and corrects later changes.

Idempotence matters twice: a worker that was killed during a step repeats it, and the runner may have been restarted in
between, with the champion from the registry.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from housing_price_model.errors import ArtefactError, MoveError, VerificationError
from housing_price_model.lifecycle.documents import Roles, Server
from housing_price_model.lifecycle.move_request import move_of
from housing_price_model.lifecycle.plan import Plan, judge
from housing_price_model.lifecycle.serving_folder import VERSIONS, ServingFolder
from housing_price_model.registry.export_version import export_registered
from housing_price_model.registry.life_records import LifeRecords
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import connect, find_champion, note_serving, registry_errors
from housing_price_platform.orders.moves import ServedModel

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class MoveSteps:
    """Carries out the steps of a move."""

    serving: ServingFolder
    """The folder that the runner and the orchestrators read."""
    tracking_uri: str
    """The tracking server with the registry."""
    drain_seconds: float = 5.0
    """Time that a server keeps running after its route is removed, so that orchestrators can read the new routes and
    finish open requests."""
    ready_within_seconds: float = 120.0
    """Maximum start time of a server."""
    model: ServedModel = ServedModel.PRICE
    """The model whose versions are moved. The price's folder contains the folders of the others."""

    def of(self, model: ServedModel) -> "MoveSteps":
        """Return the steps for the versions of another model of the same stack; to be called on those of the price."""
        return self if model is self.model else replace(self, serving=self.serving.of(model), model=model)

    @property
    def name(self) -> str:
        """The name of the registered model."""
        return NAME_OF_MODEL[self.model]

    def judge(self, argument: Any) -> Plan:
        """Plan the move; changes nothing but the registry's record of which version serves.

        Raises:
            MoveError: the move is not allowed.
            RegistryError: the registry cannot be read.
        """
        move = move_of(argument)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with registry_errors("the registry cannot be read"):
            lives, desired = self._lives(), self.serving.desired()
            note_roles(lives, desired.roles, at)
            return judge(move, lives, desired, at)

    def note_serving(self) -> None:
        """Record in the registry which version the stack serves since its start.

        Skipped while a move is unfinished, whose own steps record the change.

        Raises:
            RegistryError: the registry does not answer.
        """
        served = self.serving.desired().roles.champion
        if served is None:
            return
        client = connect(self.tracking_uri)
        champion = find_champion(client, self.name)
        if champion is not None and str(champion.version) == served:
            note_serving(client, served, self.name)

    def export(self, plan: Plan) -> None:
        """Export the version's files into the serving folder and verify them against the registered digest.

        Raises:
            MoveError: `model-refused`: the files are missing or differ.
            RegistryError: the registry does not answer.
        """
        version = _version_to_serve(plan)
        try:
            export_registered(f"models:/{self.name}/{version}", self.serving.export_of(version), self.tracking_uri)
        except ArtefactError as error:
            message = f"The files of version {version} are missing or differ from the registered ones."
            raise MoveError("model-refused", message) from error

    def start(self, plan: Plan, is_cancelled: Callable[[], bool] = lambda: False) -> str:
        """Request a model server for the version and wait until it is ready; returns its address.

        Raises:
            MoveError: `model-server-not-ready`: it failed, did not start in time, or the move was cancelled.
        """
        version = _version_to_serve(plan)
        server = Server(version=version, model_id=plan.model_id, digest=plan.digest, folder=f"{VERSIONS}/{version}")
        desired = self.serving.desired()
        if desired.server(version) != server:
            others = tuple(one for one in desired.servers if one.version != version)
            desired = self.serving.write_desired((*others, server), desired.roles)
        deadline = time.monotonic() + self.ready_within_seconds
        while True:
            observed = self.serving.observed_if_undamaged()  # the runner replaces a damaged document
            # Ignore older observations: an earlier server of this version may have failed.
            seen = observed.server(version) if observed.revision >= desired.revision else None
            if seen is not None and seen.state == "ready":
                return seen.address
            if seen is not None and seen.state == "failed":
                message = f"The model server of version {version} failed to start: {seen.detail}"
                raise MoveError("model-server-not-ready", message)
            if is_cancelled():
                raise MoveError(
                    "model-server-not-ready",
                    f"The move was cancelled before the server of version {version} was ready.",
                )
            if time.monotonic() > deadline:
                message = f"The model server of version {version} was not ready within {self.ready_within_seconds:g} s."
                raise MoveError("model-server-not-ready", message)
            time.sleep(_POLL_SECONDS)

    def ask(self, plan: Plan) -> None:
        """Check that the running server reproduces the golden answers stored at training.

        Raises:
            MoveError: `golden-answers-differ`; `model-server-not-ready` if the server does not answer; `model-refused`
                if the golden answers cannot be read.
        """
        # Imports scikit-learn, which a worker that waits does not need.
        from housing_price_model.serving.verify import verify  # noqa: PLC0415  # slow import

        version, address = _version_to_serve(plan), self.start(plan)
        try:
            verified = verify(address, str(self.serving.export_of(version)), self.tracking_uri)
        except VerificationError as error:
            raise MoveError(
                "model-server-not-ready", f"The model server of version {version} does not answer."
            ) from error
        except ArtefactError as error:
            raise MoveError("model-refused", f"The golden answers of version {version} cannot be read.") from error
        if verified.differences:
            message = (
                f"The model server of version {version} does not reproduce {len(verified.differences)} of "
                f"{verified.houses} golden answers."
            )
            raise MoveError("golden-answers-differ", message)

    def route(self, plan: Plan) -> int:
        """Switch the routes to the planned roles; returns the revision of the routes."""
        if plan.serve is not None:
            self.start(plan)
        return self._assign(plan.after)

    def record(self, plan: Plan, job: str, argument: Any) -> None:
        """Record the move in the registry, including the champion's alias."""
        move, lives = move_of(argument), self._lives()
        with registry_errors("the move cannot be recorded"):
            for change in plan.changes:
                lives.write(change.version, change.record(job, plan.at, move))
            if plan.after.champion is not None:
                lives.set_serving(plan.after.champion)

    def stop(self, plan: Plan) -> int:
        """Stop all servers without a route; returns the revision of the routes."""
        before = self.serving.routes()
        revision = self.route(plan)
        if before is None or before.revision != revision:
            time.sleep(self.drain_seconds)  # a restarted runner had written other routes
        self._keep_only(plan.after)
        return revision

    def undo(self, plan: Plan, job: str, argument: Any, warn: Callable[[str], None]) -> None:
        """Restore the state before the move; failures are reported to `warn`."""
        steps: tuple[Callable[[], None], ...] = (
            lambda: self._unassign(plan.before),
            lambda: self._unrecord(plan, job, argument),
        )
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - a failure in one part must not prevent undoing the other
                warn(f"{job}: the move could not be undone completely: {error!r}")

    def _unassign(self, roles: Roles) -> None:
        if roles.champion is not None:  # without a champion there are no routes
            self._assign(roles)
        self._keep_only(roles)

    def _unrecord(self, plan: Plan, job: str, argument: Any) -> None:
        move, lives = move_of(argument), self._lives()
        with registry_errors("the move cannot be undone"):
            for change in plan.changes:
                life = lives.find(change.version)
                if life.state != change.source or any(one.job == job for one in life.records):
                    lives.undo(change.version, change.record(job, plan.at, move))
            before = plan.before.champion or plan.previous
            if before != plan.after.champion == lives.serving():
                # Without an earlier champion, the alias tells whether the version was the champion before the move.
                lives.set_serving(before or lives.champion_alias())

    def _assign(self, roles: Roles) -> int:
        self.serving.write_desired(self.serving.desired().servers, roles)
        return self.serving.write_routes(roles)

    def _keep_only(self, roles: Roles) -> None:
        wanted = set(roles.versions())
        servers = tuple(one for one in self.serving.desired().servers if one.version in wanted)
        self.serving.write_desired(servers, roles)

    def _lives(self) -> LifeRecords:
        return LifeRecords(connect(self.tracking_uri), self.name)


def note_roles(lives: LifeRecords, roles: Roles, at: str) -> None:
    """Record in the registry which versions serve. They decide, not the alias, which may have been moved by hand."""
    if roles.champion is not None:
        lives.note_serving(roles.champion, at)
        lives.note_trials(_trials(roles), at)


def _trials(roles: Roles) -> dict[str, State]:
    held = ((roles.canary, State.CANARY), (roles.shadow, State.SHADOW))
    return {role.version: state for role, state in held if role is not None}


def _version_to_serve(plan: Plan) -> str:
    if plan.serve is None:
        raise ValueError(f"version {plan.version}: the plan serves no version")
    return plan.serve
