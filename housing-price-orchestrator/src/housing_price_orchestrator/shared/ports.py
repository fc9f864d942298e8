"""What the service layer asks of the world outside, and what it may assume of the answer."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from housing_price_orchestrator.shared.jobs import Job, JobOrder
from housing_price_orchestrator.shared.view.record import AnyHouse

type Variant = Literal["champion", "canary", "shadow"]
"""In which part a model was asked: for all, for a share of the houses, or in secret."""


class ModelIdentity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which model made a price: registered name, registry version (the id where unknown), and the id baked into it."""

    name: str
    version: str
    id: str
    variant: Variant = "champion"


type PriceSource = Literal["model", "cache", "last-known"]


class PriceEstimate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a model says about one house: US dollars, finite and positive, `low <= price <= high`.

    A struct, which is made in a seventh of the time that a frozen dataclass takes: a batch has thousands. It is handed
    on to the prediction log as it is, and written there as the list of its values, in this order.
    """

    price_usd: float
    low_usd: float
    high_usd: float
    model: ModelIdentity
    source: PriceSource = "model"
    """Whether the model was asked for it, or it was asked before (`cache`), or it could not be asked (`last-known`)."""
    inputs: bytes = b""
    """What the model was asked for this price, as the JSON list of the values of its columns.

    Empty only where that is at hand elsewhere, or nobody wants it: in what is read from the log, and in memory.
    """


class PriceModel(Protocol):
    """Prices houses.

    Wrappers (coalescing, deadlines, resilience) have this same method and keep these promises.
    """

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """Estimate the price of each house.

        Returns one estimate per house, in the order of the houses, each with the identity of the model that made it;
        never fewer, never none that is not finite and positive. What is answered for a house does not depend on the
        houses beside it. Never blocks the event loop on I/O; may be cancelled at any time. No house, no call: an empty
        sequence is answered with an empty one.

        Raises:
            ModelServerError: there is no usable answer; the leaf says why.
            DeadlineExceeded: there was none in time (wrappers with a deadline only).
            ModelChanged: houses priced together got prices of different models (wrappers that see to it only).
            QueueFull: too much is waiting already (wrappers with a queue only).
        """
        ...


class PredictionLog(Protocol):
    """Remembers every price that was answered."""

    def record(
        self, transaction_ids: Sequence[str], houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], /
    ) -> None:
        """Take down that these prices were answered to the running request (`current_request`).

        All three are of the same length and are not changed any more. Returns at once and never fails: what cannot be
        kept is dropped, and counted.
        """
        ...


class Shadow(Protocol):
    """Sees copies of prices that were answered, and answers nobody."""

    def copy(
        self, transaction_ids: Sequence[str], houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], /
    ) -> None:
        """Take a copy of what was answered to the running request, or of a part of it.

        All three are of the same length and are not changed any more. Returns at once, wakes nobody and never fails,
        whatever becomes of the copy: what cannot be kept is dropped, and counted.
        """
        ...


class JobQueue(Protocol):
    """Keeps jobs until a worker has done them, and what became of them.

    Never blocks the event loop. What it has taken is lost neither with its process nor with a worker. Everything raises
    `JobsUnavailable` while it cannot be reached.
    """

    async def submit(self, order: JobOrder, /) -> Job:
        """Put an order into the queue and give its job; of several orders of one id the first stays, and is given."""
        ...

    async def find(self, job_id: str, /) -> Job | None:
        """Look a job up."""
        ...

    async def page(self, *, owner: str | None, limit: int, offset: int) -> Sequence[Job]:
        """Give up to `limit` jobs, the latest first, after the first `offset`; of one owner, or of all for None."""
        ...

    async def cancel(self, job_id: str, /) -> None:
        """End a job where it is; one that has finished, or is unknown, stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that came with a job."""

    name: str
    """What `JobFiles` knows it by."""
    size_bytes: int
    sha256: str


class JobFiles(Protocol):
    """Keeps the files that jobs are given and those that they make; workers find them under the same names."""

    async def receive(self, parts: AsyncIterator[bytes], /, *, suffix: str) -> ReceivedFile:
        """Write down a file while it comes, whatever its size, in little memory; it is on the disk when this returns.

        Whatever ends it early leaves no file behind, and is raised.

        Raises:
            JobFilesFull: there is no room.
            JobsUnavailable: the folder cannot be written.
        """
        ...

    async def remove(self, name: str, /) -> None:
        """Remove a file that was received, if it is still there."""
        ...

    def result_path(self, job_id: str, suffix: str, /) -> Path:
        """Tell where the result of a job is."""
        ...

    def refused_path(self, job_id: str, /) -> Path:
        """Tell where the rows are that a job has refused."""
        ...
