"""Generates typed clients and a Postman collection from the OpenAPI document: `make clients`."""
