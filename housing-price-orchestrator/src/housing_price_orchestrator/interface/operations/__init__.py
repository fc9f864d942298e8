"""The operations of the API: each endpoint parses its request, calls one service and encodes the response."""
