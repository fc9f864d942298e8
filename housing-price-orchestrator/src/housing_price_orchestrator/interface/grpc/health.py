"""The standard health service: reports what `/readyz` reports."""

import asyncio
from typing import Final

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from housing_price_orchestrator.interface.grpc.price_service import SERVICE_NAME
from housing_price_orchestrator.service.readiness import Readiness

WATCH_SECONDS: Final = 0.1
"""Interval at which watched states are compared."""

type _Context = aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
_Status = health_pb2.HealthCheckResponse

HEALTH_SERVICE_NAME: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


class Health(health_pb2_grpc.HealthServicer):
    """`grpc.health.v1.Health` for the whole server (an empty name) and for the price service."""

    def __init__(self, readiness: Readiness) -> None:
        """Report `readiness`."""
        self._readiness = readiness

    async def Check(  # noqa: N802 - the contract gives the name
        self,
        request: health_pb2.HealthCheckRequest,
        context: _Context,
    ) -> health_pb2.HealthCheckResponse:
        """Return the state of a service; NOT_FOUND if there is none of this name."""
        status = self._status_of(request.service)
        if status == _Status.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"known services: {SERVICE_NAME}, or none for all")
        return _Status(status=status)

    async def Watch(  # noqa: N802 - as above
        self,
        request: health_pb2.HealthCheckRequest,
        context: _Context,
    ) -> None:
        """Write the state of a service now and whenever it changes; ends when the server stops."""
        written = None
        while True:
            # Before the state, which then is the last one.
            is_stopping = self._readiness.is_stopping
            status = self._status_of(request.service)
            if status != written:
                await context.write(_Status(status=status))
                written = status
            if is_stopping:
                return
            await asyncio.sleep(WATCH_SECONDS)

    def _status_of(self, service: str) -> int:
        if service not in {"", SERVICE_NAME}:
            return _Status.SERVICE_UNKNOWN
        return _Status.SERVING if self._readiness.is_ready else _Status.NOT_SERVING
