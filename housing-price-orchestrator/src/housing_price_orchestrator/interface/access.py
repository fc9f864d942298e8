"""Authentication and authorisation of a request.

An operation declares the scope it requires: `dependencies=[require_scope("predict")]`. A `BytesRoute` checks it before
it receives the body. FastAPI reads the body first, so a guarded operation with a body must be a `BytesRoute`.
"""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from housing_price_orchestrator.interface.error_responses import rate_limit_headers
from housing_price_orchestrator.interface.request_id import RESPONSE_HEADERS
from housing_price_orchestrator.interface.services import services_of
from housing_price_orchestrator.observability.record import current_request
from housing_price_orchestrator.shared.access import Caller, Scope
from housing_price_orchestrator.shared.errors import CredentialsInvalid
from housing_price_orchestrator.shared.history import LogCaller

CALLER: Final = "caller"
"""Key of the authenticated caller in the state of a request."""

BEARER_SCHEME: Final = "bearer"

_BEARER: Final = b"bearer "
MAX_CREDENTIAL_CHARACTERS: Final = 8 * 1024
"""Longer credentials are rejected unread; a typical JWT has about 1,000 characters."""


class ScopeCheck(SecurityBase):
    """A FastAPI dependency that requires one of several scopes and declares them in OpenAPI."""

    def __init__(self, *scopes: Scope) -> None:
        """Require one of `scopes`; the first is the usual one, which errors name."""
        self.scopes = scopes
        self.scheme_name = BEARER_SCHEME
        self.model = HTTPBearer(description="An API key (`hp_...`) or a JWT from the identity provider.")

    async def __call__(self, request: Request) -> None:
        """Authenticate the caller and check the scopes and rate limits; does nothing if access control is off.

        Raises:
            HousingPriceError: The same errors as `Access.admit`.
        """
        access = services_of(request).access
        if access is None:
            return
        scope = request.scope
        client = scope.get("client")
        admission = await access.admit(credential_in(scope["headers"]), self.scopes, client[0] if client else "")
        record = current_request.get()
        if record is not None and admission.caller is not None:
            record.key_id = admission.caller.id
            scope.setdefault("state", {})[CALLER] = admission.caller
        if admission.quotas:
            headers = rate_limit_headers(admission.quotas)
            scope["state"][RESPONSE_HEADERS] = [(name.encode(), value.encode()) for name, value in headers.items()]


def caller_of(request: Request) -> Caller | None:
    """Return the authenticated caller; None if access control is off."""
    caller: Caller | None = request.scope["state"].get(CALLER)
    return caller


def log_caller_of(request: Request) -> LogCaller:
    """Return the caller as the owner of logged predictions; without access control, everyone sees all predictions."""
    caller = caller_of(request)
    if caller is None:
        return LogCaller(None, sees_all=True)
    return LogCaller(caller.id, sees_all="admin" in caller.scopes)


def require_scope(*scopes: Scope) -> Any:
    """Make the dependency of an operation that requires one of `scopes`."""
    return Security(ScopeCheck(*scopes), scopes=scopes)


def credential_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the credential in `Authorization: Bearer ...`, else in `X-API-Key: ...`, else None.

    Raises:
        CredentialsInvalid: The credential is too long or not ASCII.
    """
    key = None
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            return _checked_credential(value[len(_BEARER) :])
        if name == b"x-api-key" and key is None:
            key = value
    return None if key is None else _checked_credential(key)


def _checked_credential(value: bytes) -> str | None:
    if len(value) > MAX_CREDENTIAL_CHARACTERS or not value.isascii():
        raise CredentialsInvalid
    return value.strip().decode("ascii") or None
