"""What Schemathesis takes for a good request and the contract does not: what no schema can tell is put right here."""

from typing import Any

import schemathesis


def make_valid(case: schemathesis.Case) -> None:
    """Change a request that keeps to the document so that it keeps to the contract as well."""
    case.body = with_whole_numbers(case.body)
    # A millisecond is a good deadline to ask for, and a 504 a good answer to it: time decides no test.
    case.headers = {name: value for name, value in (case.headers or {}).items() if "timeout" not in name.lower()}
    if case.operation.label.endswith("/jobs/training") and isinstance(case.body, dict):
        # No schema tells which day comes before which, and what belongs to which source.
        case.body = {key: value for key, value in case.body.items() if key in {"seed", "search"}}
    # Only the service makes good ones.
    case.query = {name: value for name, value in (case.query or {}).items() if name != "cursor"}


def with_whole_numbers(value: Any) -> Any:
    """Write 8.0 as 8: to JSON Schema both are integers, and the contract takes only the second for a count."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [with_whole_numbers(one) for one in value]
        case dict():
            return {key: with_whole_numbers(one) for key, one in value.items()}
    return value
