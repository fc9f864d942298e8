"""Which operations require a key, and how it is sent."""

from typing import Any, Final

from housing_price_orchestrator.interface.access import BEARER_SCHEME

SCOPES_EXTENSION: Final = "x-scopes"
"""The scopes of which an operation requires one, where keys are required; also where they are not."""

_KEY_SCHEME: Final = "apiKey"
_KEY_SCHEME_DESCRIPTION: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "The same API key, in a separate header.",
}


def describe_access(document: dict[str, Any], *, is_open: bool) -> None:
    """Declare the scopes of each guarded operation, and unless the service `is_open`, the ways to send a key.

    An open service ignores keys. Its document requires and offers none: generators make a client that needs a key
    also where keys are optional.
    """
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for requirement in operation.pop("security", []):
            scopes = list(requirement[BEARER_SCHEME])
            operation[SCOPES_EXTENSION] = scopes
            if not is_open:
                # A list of scopes would mean that all of them are required; alternatives are separate requirements.
                operation["security"] = [
                    {scheme: [scope]} for scheme in (BEARER_SCHEME, _KEY_SCHEME) for scope in scopes
                ]
    # Operations without a requirement of their own need no key.
    document["security"] = []
    components = document["components"]
    schemes = components.pop("securitySchemes", {})
    if not is_open:
        components["securitySchemes"] = schemes | {_KEY_SCHEME: _KEY_SCHEME_DESCRIPTION}
