"""The OpenAPI document: what FastAPI cannot derive itself, described from the same views and tables."""
