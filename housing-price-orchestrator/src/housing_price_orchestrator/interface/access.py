"""Asks who calls, before anything else of a request is read.

An operation says beside its path what it takes: `dependencies=[require_scope("predict")]`. In a `BytesRoute` the
question is asked before the body is received. FastAPI itself reads a body before it asks dependencies: an operation
that takes one from strangers is a `BytesRoute`.
"""

from collections.abc import Iterable
from typing import Any

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from housing_price_orchestrator.interface.dependencies import CALLER, access_of
from housing_price_orchestrator.interface.problems import headers_of_quotas
from housing_price_orchestrator.interface.request_id import ANSWER_HEADERS
from housing_price_orchestrator.observability.record import current_request
from housing_price_orchestrator.shared.access import Scope
from housing_price_orchestrator.shared.errors import CredentialsInvalid

BEARER_SCHEME = "bearer"
KEY_SCHEME = "apiKey"

KEY_SCHEME_DESCRIPTION = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "The same key in a header of its own.",
}

_BEARER = b"bearer "
MAX_CREDENTIAL_CHARACTERS = 8 * 1024
"""Longer ones are nobody's; a token of an identity provider has some 1,000."""


class ScopeCheck(SecurityBase):
    """The question whether a request may use an operation; says so in OpenAPI, too."""

    def __init__(self, scope: Scope) -> None:
        """Ask for `scope`."""
        self.scope: Scope = scope
        self.scheme_name = BEARER_SCHEME
        self.model = HTTPBearer(description="A key (`hp_...`), or a token of the identity provider.")

    async def __call__(self, request: Request) -> None:
        """Let the request pass, or raise what `Access.admit` raises. Where there is nothing to ask, all may pass."""
        access = access_of(request)
        if access is None:
            return
        scope = request.scope
        client = scope.get("client")
        admission = await access.admit(credential_in(scope["headers"]), self.scope, client[0] if client else "")
        record = current_request.get()
        if record is not None and admission.caller is not None:
            record.key_id = admission.caller.id
            scope.setdefault("state", {})[CALLER] = admission.caller
        if admission.quotas:
            headers = headers_of_quotas(admission.quotas)
            scope["state"][ANSWER_HEADERS] = [(name.encode(), value.encode()) for name, value in headers.items()]


def require_scope(scope: Scope) -> Any:
    """Make the dependency of an operation that takes `scope`."""
    return Security(ScopeCheck(scope), scopes=[scope])


def credential_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Find what a request shows: `Authorization: Bearer ...`, or else `X-API-Key: ...`; None where there is neither.

    Raises:
        CredentialsInvalid: it is longer than any credential, or not ASCII.
    """
    key = None
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            return _as_credential(value[len(_BEARER) :])
        if name == b"x-api-key" and key is None:
            key = value
    return None if key is None else _as_credential(key)


def _as_credential(value: bytes) -> str | None:
    if len(value) > MAX_CREDENTIAL_CHARACTERS or not value.isascii():
        raise CredentialsInvalid
    return value.strip().decode("ascii") or None


def describe_access(document: dict[str, Any], *, is_open: bool, refusals: dict[str, dict[str, Any]]) -> None:
    """Complete what an OpenAPI document says about guarded operations.

    Each takes a key in either header, and none at all where the service `is_open`; each may be refused with `refusals`.
    """
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for requirement in list(operation.get("security", [])):
            operation["security"].append({KEY_SCHEME: requirement[BEARER_SCHEME]})
            if is_open:
                operation["security"].insert(0, {})
            for status, refusal in refusals.items():
                operation["responses"].setdefault(status, refusal)
    document["components"].setdefault("securitySchemes", {})[KEY_SCHEME] = KEY_SCHEME_DESCRIPTION
