"""One connection to a client, with an end to everything that the client may keep us waiting for.

uvicorn waits without end for the head of a request, for the rest of a body that was refused, and for a client to take
its answer. Here one timer per connection looks after all three. It is not set anew with each request: a request only
writes down that nothing is awaited from the client, and the timer, when it comes, looks again later.
"""

import asyncio
import math
import select
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from housing_price_orchestrator.interface.documents.body import BODY_IS_COMING
from housing_price_orchestrator.server.delayed_close import LingeringTransport
from housing_price_orchestrator.server.listening import ListeningConfig
from housing_price_orchestrator.server.one_piece import OnePieceTransport
from housing_price_orchestrator.server.refusal import refusal
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.shared import errors

_FRAMING_PER_BYTE = 16
"""What a chunked body may spend on sizes, extensions and trailers per byte of its own: a chunk of one takes six."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection within `ConnectionLimits`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Made by uvicorn for each connection; `config` is a `ListeningConfig`."""
        super().__init__(config, server_state, app_state, _loop)
        if not isinstance(config, ListeningConfig):
            raise TypeError("a BoundedConnection takes its limits from a ListeningConfig")
        self._limits = config.limits
        # What the lifespan left there for all: a connection is not kept by a process that is about to end.
        self._readiness: Readiness | None = app_state.get("readiness")
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        self._unsent_bytes = math.inf
        self._is_surplus = False
        self._is_fresh = True
        self._is_in_head = False
        self._head_bytes = self._first_bytes = self._piece_bytes = 0
        self._body_bytes = self._framing_bytes = 0
        self._is_lingering = self._is_discarding = False
        self._discarded_bytes = 0
        self._patience_ends = math.inf
        self._refusal: errors.RequestRefused | errors.TooManyConnections | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        self._one_piece = OnePieceTransport(transport)
        super().connection_made(self._one_piece)
        served = self._limits.connections
        if len(self.connections) > 2 * served:
            transport.abort()
            return
        self._is_surplus = len(self.connections) > served
        is_late = self._is_surplus or self._is_stopping
        self._wait(self._limits.linger_seconds if is_late else self._limits.client_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, and see what is still missing."""
        if self._is_lingering:
            self._discard(len(data))
            return
        size = self._piece_bytes = len(data)
        was_in_head = self._is_in_head
        cycle = self.cycle
        held_bytes = len(cycle.body) if self._is_body_coming else 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # HTTP/1.1 is all that is spoken here, and a server may go on with it.
            pass
        except httptools.HttpParserError as error:
            self._refuse(self._refusal or errors.RequestMalformed(f"{type(error).__name__}: {error}"))
            return
        if self._is_in_head:
            self._head_goes_on(size, is_first=not was_in_head)
        elif self._is_discarding:
            self._discard(size)
        elif self._is_body_coming:
            self._body_goes_on(size, held_bytes if cycle is self.cycle else None)

    def on_message_begin(self) -> None:
        """Begin to count the head's bytes."""
        self._is_fresh = False
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start to answer, or refuse."""
        self._is_in_head = False
        self._due = math.inf
        if self._is_surplus or self._head_bytes + self._piece_bytes > self._limits.head_bytes:
            self._check_head()
        super().on_headers_complete()
        if self._is_stopping:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Go on as usual after a body that nobody wanted."""
        if self._is_discarding:
            self._is_discarding = False
            # uvicorn leaves this be where the answer is complete; the last of the body would count as framing.
            self.cycle.more_body = False
            self._wait(self._limits.keep_alive_seconds)
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # Who waits to be told to send the body is told first.
        if not cycle.waiting_for_100_continue:
            self._one_piece.begin_answer()
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Wait for the next request; before that, for the end of a body that was refused."""
        # An answer to HEAD ends with its head.
        self._one_piece.send_head()
        self.server_state.total_requests += 1
        if self._is_lingering or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            # uvicorn would set a timer of its own for each request here.
            self._due = self.loop.time() + self._limits.keep_alive_seconds
        if self._refusal is not None:
            # Found while there was something to be answered first.
            self._refuse(self._refusal)
        elif self.cycle.more_body and not self._is_working:
            self._is_discarding = True
            self._wait_for_the_rest()

    def pause_writing(self) -> None:
        """Watch a client that does not take its answer."""
        super().pause_writing()
        self._unsent_bytes = math.inf
        # The first look, soon, sees what is left when the system's own buffers are full; the next whether that changes.
        self._set_timer(self._limits.linger_seconds)

    def shutdown(self) -> None:
        """Close the connection unless there is, or may be, a request on it; that one will be its last."""
        if self._is_working:
            self.cycle.keep_alive = False
        elif self._is_fresh:
            # Who has just connected is about to ask.
            self._wait(self._limits.linger_seconds)
        elif not (self._is_in_head or self._is_lingering or self._has_unread_bytes()):
            self._close()

    @property
    def _is_stopping(self) -> bool:
        return self._readiness is not None and self._readiness.is_stopping

    @property
    def _is_body_coming(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says.
        return self.cycle is not None and self.cycle.more_body  # type: ignore[redundant-expr]

    @property
    def _is_working(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says.
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]

    def _has_unread_bytes(self) -> bool:
        """Tell whether a request has come that nobody has looked at yet: closing now would reset it."""
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _check_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes:
            self._refusal = errors.HeadTooLarge(self._limits.head_bytes)
        elif self._is_surplus:
            self._refusal = errors.TooManyConnections(f"{len(self.connections)} connections are open")
        if self._refusal is not None:
            # Stops the parser, which hands it to `data_received` as an error of its own.
            raise self._refusal

    def _head_goes_on(self, size: int, *, is_first: bool) -> None:
        self._head_bytes += size
        if is_first:
            # What the piece held before the head is counted as well, so it does not count against it.
            self._first_bytes = size
            if self.cycle is not None:
                self._wait(self._limits.client_seconds)
        if self._head_bytes - self._first_bytes > self._limits.head_bytes:
            self._refuse(errors.HeadTooLarge(self._limits.head_bytes))

    def _body_goes_on(self, size: int, held_bytes: int | None) -> None:
        """Prepare for the end of a request whose body is not there yet, and bound what is not body in it."""
        cycle = self.cycle
        if held_bytes is None:
            cycle.scope.setdefault("state", {})[BODY_IS_COMING] = True
            cycle.transport = LingeringTransport(self.transport, lambda: self._linger_over(cycle))
            self._body_bytes = len(cycle.body)
            self._framing_bytes = 0
            return
        grown_bytes = len(cycle.body) - held_bytes
        self._body_bytes += grown_bytes
        self._framing_bytes += size - grown_bytes
        if self._framing_bytes > self._limits.head_bytes + _FRAMING_PER_BYTE * self._body_bytes:
            self._refuse(errors.RequestMalformed("the body is hardly more than sizes of chunks and trailers"))

    def _linger_over(self, cycle: RequestResponseCycle) -> None:
        if cycle.more_body:
            self._linger()
        else:
            self._close()

    def _refuse(self, error: errors.RequestRefused | errors.TooManyConnections) -> None:
        """Answer what cannot be handed to the application, and close."""
        cycle = self.cycle
        if self._is_working and (self._is_in_head or not cycle.more_body or self.pipeline):
            # Answers keep the order of their requests.
            self._refusal = error
            self.flow.pause_reading()
            return
        is_answered = False
        if self._is_working:
            is_answered = cycle.response_started
            cycle.disconnected = True
            cycle.message_event.set()
        if is_answered:
            self.transport.abort()
            return
        self._one_piece.send_head()
        self.transport.write(refusal(error, self.client, self.server_state.default_headers))
        self._linger()

    def _linger(self) -> None:
        """Close the connection for writing, and read on for a while: closing it now would reset it under the answer."""
        self._is_lingering = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._wait_for_the_rest()
        self.flow.resume_reading()

    def _wait_for_the_rest(self) -> None:
        self._discarded_bytes = 0
        self._patience_ends = self.loop.time() + self._limits.client_seconds
        self._wait(self._limits.linger_seconds)

    def _discard(self, size: int) -> None:
        self._discarded_bytes += size
        self._due = min(self.loop.time() + self._limits.linger_seconds, self._patience_ends)
        if self._discarded_bytes > self._limits.discarded_bytes:
            self._close()

    def _close(self) -> None:
        """Close it when what was written has been sent, which must not take forever."""
        self.transport.close()
        self._unsent_bytes = math.inf
        self._set_timer(self._limits.linger_seconds)

    def _wait(self, seconds: float) -> None:
        """Expect something from the client within `seconds`."""
        self._due = self.loop.time() + seconds
        self._set_timer(seconds)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """See whether the client has done what is expected of it, and look again when it should have."""
        pause = min(self._limits.client_seconds, self._limits.keep_alive_seconds)
        if self.flow.write_paused or self.transport.is_closing():
            unsent_bytes = self.transport.get_write_buffer_size()
            # An answer of no known length is a stream's, which has a limit of its own while it lasts.
            if unsent_bytes >= self._unsent_bytes and not (self._is_working and self.cycle.chunked_encoding):
                self.transport.abort()
                return
            self._unsent_bytes = unsent_bytes
        else:
            pause = min(pause, self._due - self.loop.time())
            if pause <= 0:
                if not self._is_working:
                    self._give_up()
                    return
                # Half of the next request came early; its time begins when this one is answered.
                pause = self._limits.client_seconds
        self._set_timer(pause)

    def _give_up(self) -> None:
        # First of all: a head that was refused is still not at its end.
        if self._is_lingering:
            self.transport.abort()
        elif self._is_in_head:
            self._refuse(errors.HeadTooSlow(f"the head was not there after {self._limits.client_seconds} s"))
        else:
            self._close()
