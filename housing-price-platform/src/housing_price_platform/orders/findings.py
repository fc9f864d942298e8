"""Describes why an order is invalid, in one line."""

from pydantic import ValidationError


def describe_findings(error: ValidationError) -> str:
    """Return each invalid key with the reason, without the values that were given."""
    findings = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'the argument'}: {one['msg'].removeprefix('Value error, ')}"
        for one in findings
    )
