"""One client connection with a timeout for everything that it waits for.

uvicorn waits without limit for the head of a request, for the rest of a rejected body, and for a client to read its
response. Here one timer per connection limits all three. Requests do not reset the timer, they only update the
deadline; when the timer fires, it checks the deadline and schedules the next check.
"""

import asyncio
import math
import select
from typing import Any, Final, NoReturn

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from housing_price_orchestrator.interface.documents.body import BODY_INCOMPLETE
from housing_price_orchestrator.server.corked_transport import CorkedTransport
from housing_price_orchestrator.server.delayed_close import DelayedCloseTransport
from housing_price_orchestrator.server.host_header import host_problem
from housing_price_orchestrator.server.listening import ListeningConfig
from housing_price_orchestrator.server.refusal import refusal_response
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.shared import errors

_MAX_FRAMING_PER_BODY_BYTE: Final = 16
"""Maximum overhead of a chunked body (sizes, extensions, trailers) per byte of content; a 1-byte chunk needs 6."""


READINESS: Final = "readiness"
"""Key of the readiness in the state that the lifespan passes to every connection."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection within `ConnectionLimits`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Called by uvicorn for each connection; `config` must be a `ListeningConfig`."""
        super().__init__(config, server_state, app_state, _loop)
        if not isinstance(config, ListeningConfig):
            raise TypeError("BoundedConnection requires a ListeningConfig")
        self._limits = config.limits
        # From the lifespan's state; during shutdown, connections are closed after their current request.
        self._readiness: Readiness | None = app_state.get(READINESS)
        self._timer: asyncio.TimerHandle | None = None
        self._client_deadline = math.inf
        self._unsent_bytes = math.inf
        self._is_over_limit = False
        self._is_unused = True
        self._is_in_head = False
        self._head_bytes = self._first_read_bytes = self._last_read_bytes = 0
        self._body_bytes = self._framing_bytes = 0
        self._is_close_delayed = self._is_discarding = False
        self._discarded_bytes = 0
        self._discard_deadline = math.inf
        self._pending_error: errors.RequestRefused | errors.TooManyConnections | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start the timeout of the first request."""
        self._corked = CorkedTransport(transport)
        super().connection_made(self._corked)
        max_connections = self._limits.connections
        if len(self.connections) > 2 * max_connections:
            transport.abort()
            return
        self._is_over_limit = len(self.connections) > max_connections
        is_closing_soon = self._is_over_limit or self._is_stopping
        self._expect_data_within(self._limits.delayed_close_seconds if is_closing_soon else self._limits.client_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes and check the limits of the head and body."""
        if self._is_close_delayed:
            self._discard(len(data))
            return
        size = self._last_read_bytes = len(data)
        was_in_head = self._is_in_head
        cycle = self.cycle
        buffered_bytes = len(cycle.body) if self._is_body_incomplete else 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Only HTTP/1.1 is supported; a server may ignore an upgrade request.
            pass
        except httptools.HttpParserError as error:
            self._reject(self._pending_error or errors.RequestMalformed(f"{type(error).__name__}: {error}"))
            return
        if self._is_in_head:
            self._count_head(size, is_first=not was_in_head)
        elif self._is_discarding:
            self._discard(size)
        elif self._is_body_incomplete:
            self._count_body(size, buffered_bytes if cycle is self.cycle else None)

    def on_message_begin(self) -> None:
        """Start counting the bytes of the head."""
        self._is_unused = False
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Check the head and start the response."""
        self._is_in_head = False
        self._client_deadline = math.inf
        if self._is_over_limit or self._head_bytes + self._last_read_bytes > self._limits.head_bytes:
            self._check_head()
        if problem := host_problem(self.headers, self.parser.get_http_version):
            self._stop_parsing(errors.RequestMalformed(problem))
        super().on_headers_complete()
        if self._is_stopping:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Wait for the next request if a rejected body has ended."""
        if self._is_discarding:
            self._is_discarding = False
            # uvicorn does not reset this once the response is complete; the end of the body would count as framing.
            self.cycle.more_body = False
            self._expect_data_within(self._limits.keep_alive_seconds)
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # A client that waits for `100 Continue` must receive it before the response.
        if not cycle.waiting_for_100_continue:
            self._corked.cork()
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the end of a rejected body first."""
        # The response to a HEAD request has no body.
        self._corked.uncork()
        self.server_state.total_requests += 1
        if self._is_close_delayed or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            # Instead of uvicorn's keep-alive timer, which it would create for each request.
            self._client_deadline = self.loop.time() + self._limits.keep_alive_seconds
        if self._pending_error is not None:
            # The error was found while an earlier request was being answered.
            self._reject(self._pending_error)
        elif self.cycle.more_body and not self._is_responding:
            self._is_discarding = True
            self._start_discarding()

    def pause_writing(self) -> None:
        """Start watching a client that does not read its response."""
        super().pause_writing()
        self._unsent_bytes = math.inf
        # The first check records the unsent bytes after the kernel's buffers are full; later checks compare with it.
        self._set_timer(self._limits.delayed_close_seconds)

    def shutdown(self) -> None:
        """Close the connection, after its current request if there is, or may be, one."""
        if self._is_responding:
            self.cycle.keep_alive = False
        elif self._is_unused:
            # A client that has just connected is about to send a request.
            self._expect_data_within(self._limits.delayed_close_seconds)
        elif not (self._is_in_head or self._is_close_delayed or self._has_unread_bytes()):
            self._close()

    @property
    def _is_stopping(self) -> bool:
        return self._readiness is not None and self._readiness.is_stopping

    @property
    def _is_body_incomplete(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says.
        return self.cycle is not None and self.cycle.more_body  # type: ignore[redundant-expr]  # see above

    @property
    def _is_responding(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says.
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]  # see above

    def _has_unread_bytes(self) -> bool:
        """Return whether unread bytes, perhaps a request, have arrived; closing now would reset the connection."""
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _check_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes:
            self._stop_parsing(errors.HeadTooLarge(self._limits.head_bytes))
        if self._is_over_limit:
            self._stop_parsing(errors.TooManyConnections(f"{len(self.connections)} connections are open"))

    def _stop_parsing(self, error: errors.RequestRefused | errors.TooManyConnections) -> NoReturn:
        """Raise `error` in a callback of the parser, which then raises its own error in `data_received`."""
        self._pending_error = error
        raise error

    def _count_head(self, size: int, *, is_first: bool) -> None:
        self._head_bytes += size
        if is_first:
            # The first read may include the end of the previous request, so it does not count towards the limit.
            self._first_read_bytes = size
            if self.cycle is not None:
                self._expect_data_within(self._limits.client_seconds)
        if self._head_bytes - self._first_read_bytes > self._limits.head_bytes:
            self._reject(errors.HeadTooLarge(self._limits.head_bytes))

    def _count_body(self, size: int, buffered_bytes: int | None) -> None:
        """Prepare a delayed close for a request with an incomplete body, and limit the body's chunk overhead."""
        cycle = self.cycle
        if buffered_bytes is None:
            cycle.scope.setdefault("state", {})[BODY_INCOMPLETE] = True
            cycle.transport = DelayedCloseTransport(self.transport, lambda: self._close_after_response(cycle))
            self._body_bytes = len(cycle.body)
            self._framing_bytes = 0
            return
        grown_bytes = len(cycle.body) - buffered_bytes
        self._body_bytes += grown_bytes
        self._framing_bytes += size - grown_bytes
        if self._framing_bytes > self._limits.head_bytes + _MAX_FRAMING_PER_BODY_BYTE * self._body_bytes:
            self._reject(errors.RequestMalformed("too much chunk overhead in the body"))

    def _close_after_response(self, cycle: RequestResponseCycle) -> None:
        if cycle.more_body:
            self._delay_close()
        else:
            self._close()

    def _reject(self, error: errors.RequestRefused | errors.TooManyConnections) -> None:
        """Respond to a request that cannot be passed to the application, and close the connection."""
        cycle = self.cycle
        if self._is_responding and (self._is_in_head or not cycle.more_body or self.pipeline):
            # Responses must keep the order of their requests.
            self._pending_error = error
            self.flow.pause_reading()
            return
        is_response_started = False
        if self._is_responding:
            is_response_started = cycle.response_started
            cycle.disconnected = True
            cycle.message_event.set()
        if is_response_started:
            self.transport.abort()
            return
        self._corked.uncork()
        self.transport.write(refusal_response(error, self.client, self.server_state.default_headers))
        self._delay_close()

    def _delay_close(self) -> None:
        """Close the write side and keep reading for a while: an immediate close would reset the unread response."""
        self._is_close_delayed = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._start_discarding()
        self.flow.resume_reading()

    def _start_discarding(self) -> None:
        self._discarded_bytes = 0
        self._discard_deadline = self.loop.time() + self._limits.client_seconds
        self._expect_data_within(self._limits.delayed_close_seconds)

    def _discard(self, size: int) -> None:
        self._discarded_bytes += size
        self._client_deadline = min(self.loop.time() + self._limits.delayed_close_seconds, self._discard_deadline)
        if self._discarded_bytes > self._limits.discarded_bytes:
            self._close()

    def _close(self) -> None:
        """Close the connection after unsent data has been sent, within a time limit."""
        self.transport.close()
        self._unsent_bytes = math.inf
        self._set_timer(self._limits.delayed_close_seconds)

    def _expect_data_within(self, seconds: float) -> None:
        """Set the deadline for the client's next data."""
        self._client_deadline = self.loop.time() + seconds
        self._set_timer(seconds)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._check_client)

    def _check_client(self) -> None:
        """Close the connection if the client missed its deadline, else schedule the next check."""
        pause = min(self._limits.client_seconds, self._limits.keep_alive_seconds)
        if self.flow.write_paused or self.transport.is_closing():
            unsent_bytes = self.transport.get_write_buffer_size()
            # A chunked response is a stream, which enforces its own idle timeout.
            if unsent_bytes >= self._unsent_bytes and not (self._is_responding and self.cycle.chunked_encoding):
                self.transport.abort()
                return
            self._unsent_bytes = unsent_bytes
        else:
            pause = min(pause, self._client_deadline - self.loop.time())
            if pause <= 0:
                if not self._is_responding:
                    self._time_out()
                    return
                # Part of the next request arrived early; its timeout starts when this response is complete.
                pause = self._limits.client_seconds
        self._set_timer(pause)

    def _time_out(self) -> None:
        # Checked first because the head of a rejected request may still be incomplete.
        if self._is_close_delayed:
            self.transport.abort()
        elif self._is_in_head:
            self._reject(errors.HeadTooSlow(f"the head did not arrive within {self._limits.client_seconds} s"))
        else:
            self._close()
