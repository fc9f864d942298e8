"""The ports of the service layer: what it needs from providers, and what it may assume."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

import msgspec
from msgspec import Meta

from housing_price_orchestrator.shared.drift import DriftState
from housing_price_orchestrator.shared.errors import MoveRefused
from housing_price_orchestrator.shared.input_ranges import InputRanges
from housing_price_orchestrator.shared.jobs import Job, JobKind, JobOrder, QueueFigures
from housing_price_orchestrator.shared.view.price import PriceSource
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_platform.orders.moves import Action, ServedModel

type ModelKind = Literal["price", "comparables"]
"""A model that the service calls; the label `model` of metrics."""

type Variant = Literal["champion", "canary", "shadow"]
"""The role of a model: it prices all houses, a share of them, or copies whose prices are only logged."""


class ModelIdentity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The model behind a price: registered name, registry version (or the id, if unknown) and content id."""

    name: str
    version: str
    id: str
    variant: Variant = "champion"


class PriceEstimate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The predicted price of one house: US dollars, finite and positive, `low <= price <= high`.

    A msgspec struct, because batches create thousands: it is created in a seventh of the time of a frozen dataclass.
    The prediction log serialises it as the list of its values, in this order.
    """

    price_usd: float
    low_usd: float
    high_usd: float
    model: ModelIdentity
    source: PriceSource = "model"
    """`model`: called for this request; `cache`: a recent price; `last-known`: the model server was unavailable."""
    inputs: bytes = b""
    """The model's input row for this price, as the JSON list of its column values.

    Empty in estimates that are read from the log or kept in memory.
    """


class ValuationRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A valuation in the prediction log, beside its price. Amounts are in US dollars.

    The prediction log serialises it as the list of its values, in this order.
    """

    method: str
    """The method of the value: see `ValueMethod`."""
    value_usd: float
    low_usd: float
    high_usd: float
    confidence: str | None
    parts: tuple[str, ...]
    """The parts that answered."""
    problems: dict[str, str]
    """The class of the error of each part that failed."""
    comparables: ModelIdentity | None
    """The model that found the sales; None without an answer."""
    sales: tuple[int, ...]
    """The ids of the comparable sales, closest first."""


class Model[Question, Answer](Protocol):
    """Answers questions: a model behind a model server, or a wrapper around another model.

    Wrappers (deadline, admission, coalescing, retries, balancing, circuit breaker) implement the same method and keep
    the same guarantees, for every type of question and answer.
    """

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """Answer each question.

        Returns one answer per question, in the order of the questions; an answer is never None. The answer to a
        question does not depend on the other questions. An empty sequence returns an empty one, without a call. Never
        blocks the event loop on I/O; may be cancelled at any time.

        Raises:
            ModelServerError: there is no usable answer; the leaf says why.
            DeadlineExceeded: there was no answer in time (only wrappers with a deadline).
            ModelChanged: different models answered the questions (only wrappers that check it).
            QueueFull: the queue is full (only wrappers with a queue).
        """
        ...


class IdentifiedAnswer(Protocol):
    """An answer that carries the identity of the model that gave it."""

    @property
    def model(self) -> ModelIdentity:
        """The model that gave the answer."""
        ...


type PriceModel = Model[AnyHouse, PriceEstimate]
"""Predicts the price of each house. Each estimate has the identity of its model."""


DEFAULT_COMPARABLES: Final = 6
"""Sales per house of a valuation."""


class ComparablesQuestion(msgspec.Struct, frozen=True):
    """A house whose most similar sales are wanted."""

    house: AnyHouse
    """The house; see `house_with_gaps` for one of which only some fields are known."""
    k: int = DEFAULT_COMPARABLES
    """The number of sales, at least 1."""
    known: tuple[str, ...] = ()
    """Names of the fields of `house` that are known; empty if all are. The distance uses no other field."""


class ComparableSale(msgspec.Struct, frozen=True, gc=False):
    """A sold house."""

    id: int
    """The number of the sale in the data that the model was trained on."""
    pid: str | None
    """The parcel number; None if the data has none."""
    price_usd: float
    """The sale price in US dollars: finite and positive."""
    year_sold: int
    month_sold: int
    condition: str
    """The condition of the sale: a word of the field `sale_condition`."""
    distance: float
    """The distance from the house of the question: finite, at least 0."""
    house: AnyHouse
    """The sold house with all its features, checked like a house of a caller; its id is that of the sale."""


class ConfidenceLimits(msgspec.Struct, frozen=True, gc=False):
    """The forecast standard deviations up to which a value has a grade; beyond both it is `low`."""

    high: Annotated[float, Meta(ge=0, le=1)]
    medium: Annotated[float, Meta(ge=0, le=1)]
    """At least `high`. At 1, the standard deviation is the value itself: no model knows so little."""

    def __post_init__(self) -> None:
        """Raise ValueError if the grades are out of order."""
        if self.high > self.medium:
            raise ValueError("the limit of the grade high is above that of medium")


class Blend(msgspec.Struct, frozen=True, gc=False):
    """The parameters that combine a price and comparable sales into a value; learned on held-out estimates."""

    weight: Annotated[float, Meta(ge=0, le=1)]
    """The weight of the price; the comparables have the rest."""
    distance_offset: Annotated[float, Meta(gt=0, le=100)]
    """The weight of a sale is `1 / (distance + distance_offset)`."""
    interval_scale: Annotated[float, Meta(ge=0, le=100)]
    """The factor on the price's own interval, in logarithms."""
    interval_spread: Annotated[float, Meta(ge=0, le=100)]
    """The factor on the standard deviation of the adjusted sale prices, in logarithms."""
    confidence: ConfidenceLimits | None = None
    """When a value has which grade; None if the model does not say."""


class Comparables(msgspec.Struct, frozen=True, gc=False):
    """The sales that are most similar to one house."""

    sales: tuple[ComparableSale, ...]
    """The `k` sales of the question, nearest first; fewer, but at least one, if fewer houses were sold.

    Sales that are not at arm's length follow all others, however near they are.
    """
    blend: Blend
    model: ModelIdentity
    """The comparables model that found them."""


type ComparablesModel = Model[ComparablesQuestion, Comparables]
"""Finds comparable sales for each house. A sale of the very house that was asked for is never among them."""


class InputRangesSource(Protocol):
    """A model server that publishes which values its model has seen."""

    async def input_ranges(self) -> InputRanges:
        """Return the values that the model of this server has seen.

        Raises:
            ModelAnswerUnusable: the server publishes no usable ranges, or none at all.
            ModelServerError, DeadlineExceeded: the server is not available.
        """
        ...


class PredictionLog(Protocol):
    """Stores every price that was returned."""

    def record(
        self,
        transaction_ids: Sequence[str],
        houses: Sequence[AnyHouse],
        estimates: Sequence[PriceEstimate],
        valuations: Sequence[ValuationRecord] = (),
        /,
    ) -> None:
        """Log the prices, and perhaps valuations, returned to the current request (`current_request`).

        The sequences have the same length, except that `valuations` may be empty, and must not be changed afterwards.
        Returns at once and never fails: prices that cannot be stored are dropped and counted.
        """
        ...


class Shadow(Protocol):
    """Receives copies of answered requests, to compare a second model."""

    def copy(
        self, transaction_ids: Sequence[str], houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], /
    ) -> None:
        """Copy the houses and prices of the current request, or a sample of them.

        The three sequences have the same length and must not be changed afterwards. Returns at once and never fails:
        copies that cannot be processed are dropped and counted.
        """
        ...


class JobQueue(Protocol):
    """Stores jobs, from submission to result.

    Never blocks the event loop. A submitted job survives the death of this process and of any worker. Every method
    raises `JobsUnavailable` while the queue is unreachable.
    """

    async def submit(self, order: JobOrder, /) -> Job:
        """Enqueue an order and return its job. If the id exists, return the existing job.

        Raises:
            JobClaimTaken: another unfinished job of the kind has the same claim.
        """
        ...

    async def find(self, job_id: str, /) -> Job | None:
        """Return a job, or None if there is none."""
        ...

    async def page(self, *, owner: str | None, kinds: Collection[JobKind], limit: int, offset: int) -> Sequence[Job]:
        """Return up to `limit` jobs of `kinds`, newest first, after skipping `offset`.

        They are those of one owner, or of all owners if `owner` is None.
        """
        ...

    async def has_unfinished(self, kind: JobKind, /) -> bool:
        """Return whether a job of this kind waits or runs."""
        ...

    async def cancel(self, job_id: str, /) -> None:
        """Cancel a job. Does nothing if the job has ended or is unknown."""
        ...

    async def figures(self) -> Mapping[JobKind, QueueFigures]:
        """Return the figures of the queue of each kind."""
        ...


class MoveRules(Protocol):
    """Knows which moves of model versions the lifecycle worker would refuse."""

    async def refusal_of(self, action: Action, model: ServedModel, version: str, /) -> MoveRefused | None:
        """Return why the worker would refuse a move now; None if it would accept it, or if that is unknown.

        A refusal is based on a state of the registry that was read after this call began. Never blocks the event loop.
        """
        ...


class DriftChecks(Protocol):
    """Knows the result of the latest drift check."""

    async def state(self) -> DriftState:
        """Return the latest result. Never raises for a missing or damaged result, never blocks the event loop."""
        ...


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """An uploaded file."""

    name: str
    """The name of the file in `JobFiles`."""
    size_bytes: int
    sha256: str


class JobFiles(Protocol):
    """Stores uploaded files and results of jobs; workers find them under the same names."""

    async def receive(self, parts: AsyncIterator[bytes], /, *, suffix: str) -> ReceivedFile:
        """Write a file as it arrives, in constant memory; it is on disk when this returns.

        An error or cancellation leaves no file behind.

        Raises:
            JobFilesFull: the disk is full.
            JobsUnavailable: the folder cannot be written.
        """
        ...

    async def remove(self, name: str, /) -> None:
        """Remove an uploaded file, if it exists."""
        ...

    def result_path(self, job_id: str, suffix: str, /) -> Path:
        """Return the path of a job's result."""
        ...

    def refused_path(self, job_id: str, /) -> Path:
        """Return the path of the rows that a job refused."""
        ...
