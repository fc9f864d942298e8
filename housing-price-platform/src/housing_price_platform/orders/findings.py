"""Describes why a document is invalid, in one line."""

from pydantic import ValidationError


def describe_findings(error: ValidationError, *, subject: str = "the argument", max_findings: int = 100) -> str:
    """Return each invalid key with the reason, without the values that were given.

    Args:
        error: The error of a pydantic model.
        subject: Names the document in findings about all of it.
        max_findings: Maximum number of findings; further ones are left out.
    """
    findings = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or subject}: {one['msg'].removeprefix('Value error, ')}"
        for one in findings[:max_findings]
    )
