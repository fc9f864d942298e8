"""The documents with errors, as OpenAPI describes them, and references to schemas."""

from typing import Any, Final

from pydantic import BaseModel, Field

SCHEMA_REF: Final = "#/components/schemas/{model}"


class InvalidField(BaseModel):
    """One validation error."""

    type: str = Field(description="The kind of error, as a stable identifier.", examples=["literal_error"])
    loc: list[str | int] = Field(
        title="Location", description="Path to the invalid value: keys as sent, and list indexes from 0."
    )
    msg: str = Field(title="Message", description="Human-readable message.")
    input: Any = Field(default=None, description="The invalid value, if it is a scalar of at most 200 characters.")
    ctx: dict[str, Any] | None = Field(title="Context", default=None, description="The limits or the allowed values.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(
        description="The kind of problem, as a stable identifier.", examples=["urn:housing-price:problem:not-ready"]
    )
    title: str = Field(description="Short summary of the kind of problem.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="Explanation of this problem and how to resolve it.")
    requestId: str = Field(description="Id of the request; quote it when you report the problem.")  # noqa: N815 - public name
    limitBytes: int | None = Field(default=None, description="With 413 and 431: the maximum size, in bytes.")  # noqa: N815 - the same
    expected: str | None = Field(default=None, description="With 415: the supported media types.")
    scope: str | None = Field(default=None, description="With 403: the scope that the key lacks.")
    state: str | None = Field(default=None, description="With 409: the state of the job.")
    output: str | None = Field(default=None, description="With 409: the URI of the file that exists.")
    missing: list[str] | None = Field(default=None, description="With 503 of `/readyz`: the reasons.")
    errors: list[InvalidField] | None = Field(
        default=None, description="With 422 of a stream's line: its validation errors."
    )


class InvalidRequest(BaseModel):
    """All validation errors of a request: at most 100, then one entry with the number of the others."""

    detail: list[InvalidField] = Field(description="The validation errors.")


class RefusedLine(BaseModel):
    """The result for a line of a stream that could not be priced."""

    line: int = Field(description="Line number, from 1.")
    id: int | None = Field(description="The caller's id of the house; null if the line is not a valid house.")
    error: Problem = Field(description="The problem; `errors` lists the validation errors as in a 422.")


def reference_to(view: type[BaseModel]) -> dict[str, str]:
    """Make the reference to the schema of a view."""
    return {"$ref": SCHEMA_REF.format(model=view.__name__)}
