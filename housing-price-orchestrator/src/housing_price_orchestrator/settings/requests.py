"""Limits of one request: its deadline, its body size and the time to send it."""

from housing_price_orchestrator.settings.base import Bytes, Group, Seconds


class RequestSettings(Group):
    """Limits of one request."""

    deadline_seconds: Seconds = 2.0
    """Deadline of a request, from when its body has been read until its prices are ready."""
    max_predict_bytes: Bytes = 64 * 1024
    """Maximum body size of a single prediction; a house takes about 1.7 kB."""
    max_batch_bytes: Bytes = 32 * 1024 * 1024
    """Maximum body size of a batch; 10,000 houses take about 17 MB."""
    max_body_seconds: Seconds = 8.0
    """Timeout for sending a body."""
    max_line_bytes: Bytes = 64 * 1024
    """Maximum length of one line of a stream."""
    stream_idle_seconds: Seconds = 30.0
    """Timeout for a streaming client that neither sends nor reads anything."""
