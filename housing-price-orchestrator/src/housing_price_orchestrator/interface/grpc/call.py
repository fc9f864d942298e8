"""One call of an operation: what its handler reads, and what it answers besides the message."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import grpc
from grpc import aio
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.interface.access import credential_in
from housing_price_orchestrator.interface.documents.encoding import source_header
from housing_price_orchestrator.interface.error_responses import rate_limit_headers
from housing_price_orchestrator.interface.grpc.documents.splitting import malformed
from housing_price_orchestrator.interface.grpc.limits import RpcLimits
from housing_price_orchestrator.interface.services import Services
from housing_price_orchestrator.interface.timeout import timeout_seconds_in
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow, InvalidDocument
from housing_price_orchestrator.shared.ports import PriceEstimate

type Headers = Sequence[tuple[bytes, bytes]]
type Context = aio.ServicerContext[bytes, bytes]
type Handler = grpc.RpcMethodHandler[bytes, bytes]
"""Aliases, because these classes are generic in their stubs only."""

SCOPE: Final = "predict"
"""The scope that every operation requires."""


class Call:
    """A call from its metadata to its last message. Errors are those of the steps."""

    def __init__(
        self, services: Services, limits: RpcLimits, context: Context, headers: Headers, record: RequestRecord
    ) -> None:
        """Begin a call that has the metadata `headers`."""
        self.services = services
        self.limits = limits
        self.record = record
        self._context = context
        self._headers = headers
        self._timeout_seconds: float | None = None
        self.response_headers: dict[str, str] = {}
        """Trailing metadata of the response, whether the call succeeds or fails."""
        self.is_unread = False
        """Whether the client reads nothing, so that a status would wait behind the unread results for ever."""

    async def admit(self, address: str) -> None:
        """Authenticate and authorise the caller, count the call against its rate limits, and read its time limit.

        Raises:
            HousingPriceError: The same errors as `Access.admit`.
            RequestValidationError: The time limit is invalid.
        """
        access = self.services.access
        if access is not None:
            admission = await access.admit(credential_in(self._headers), (SCOPE,), address)
            if admission.caller is not None:
                self.record.key_id = admission.caller.id
            if admission.quotas:
                self.response_headers |= rate_limit_headers(admission.quotas)
        self._timeout_seconds = timeout_seconds_in(self._headers)

    @property
    def within_seconds(self) -> float | None:
        """The time that the caller still allows: by its deadline, and by `x-request-timeout-ms`; None for any."""
        remaining = self._context.time_remaining()
        limits = [seconds for seconds in (remaining, self._timeout_seconds) if seconds is not None]
        return min(limits, default=None)

    async def read_only_message(self, *, max_bytes: int) -> bytes:
        """Receive the message of a call with one request.

        Raises:
            DocumentTooSlow: The message did not arrive in time.
            DocumentTooLarge: It is larger than `max_bytes`.
            InvalidDocument: There is none.
        """
        message = await self.read_message(within_seconds=self.services.body_limits.body_seconds)
        if message is None:
            raise InvalidDocument([malformed("there is no message")])
        if len(message) > max_bytes:
            raise DocumentTooLarge(max_bytes)
        return message

    async def read_message(self, *, within_seconds: float) -> bytes | None:
        """Receive the next message; None after the last one.

        Raises:
            DocumentTooSlow: The message did not arrive in time.
            ClientDisconnect: The client is gone.
        """
        try:
            async with asyncio.timeout(within_seconds):
                message: Any = await self._context.read()
        except aio.BaseError as error:
            raise ClientDisconnect from error
        except TimeoutError as error:
            raise DocumentTooSlow(f"the message did not arrive within {within_seconds} s") from error
        return message if isinstance(message, bytes) else None

    async def write_message(self, message: bytes) -> None:
        """Send a message of a stream; waits until the client makes room for it.

        Raises:
            DocumentTooSlow: The client reads nothing for too long.
            ClientDisconnect: The client is gone.
        """
        seconds = self.services.body_limits.idle_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._context.write(message)
        except aio.BaseError as error:
            raise ClientDisconnect from error
        except TimeoutError as error:
            self.is_unread = True
            raise DocumentTooSlow(f"the client read nothing for {seconds} s") from error

    def complete(self, estimates: Sequence[PriceEstimate], priced_at: float) -> None:
        """Record that the answer is made, with the price sources and the time since the prices were known."""
        self.record.encode_seconds = time.perf_counter() - priced_at
        self.record.model_id = estimates[-1].model.id
        self.response_headers |= {name.decode(): value.decode() for name, value in source_header(estimates)}
