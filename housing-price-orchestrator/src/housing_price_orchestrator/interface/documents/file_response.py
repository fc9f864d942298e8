"""A response with a file of a job, whole or in part."""

from typing import Final

from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from housing_price_orchestrator.shared.errors import RangeNotSatisfiable

_RANGE_REFUSED: Final = (400, 416)


class JobFileResponse(FileResponse):
    """Starlette's response with a file; an unusable `Range` becomes a problem document instead of plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the parts in `Range`.

        Raises:
            RangeNotSatisfiable: The file has no such part, or the header is malformed.
        """

        async def send_unless_refused(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _RANGE_REFUSED:
                raise RangeNotSatisfiable(int(self.headers["content-length"]))
            await send(message)

        await super().__call__(scope, receive, send_unless_refused)
