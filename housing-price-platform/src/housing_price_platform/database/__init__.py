"""Database engines whose every call has a deadline that frees the caller and the thread."""
