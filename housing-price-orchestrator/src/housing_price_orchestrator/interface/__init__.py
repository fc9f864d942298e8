"""The HTTP interface: operations, request and response bodies, middleware and OpenAPI."""
