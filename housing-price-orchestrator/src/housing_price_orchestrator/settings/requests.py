"""Limits on one request: its deadline, the size of its body and the time to send it."""

from housing_price_orchestrator.settings.base import Bytes, Group, Seconds


class RequestSettings(Group):
    """What a request may ask for."""

    deadline_seconds: Seconds = 2.0
    """The time that a request has from when it has been read until its prices are there."""
    max_predict_bytes: Bytes = 64 * 1024
    """The largest body of a single prediction; a house takes about 1.7 kB."""
    max_batch_bytes: Bytes = 32 * 1024 * 1024
    """The largest body of a batch; 10,000 houses take about 17 MB."""
    max_body_seconds: Seconds = 8.0
    """How long sending a body may take."""
    max_line_bytes: Bytes = 64 * 1024
    """The longest line of a stream."""
    stream_idle_seconds: Seconds = 30.0
    """How long a stream's client may send or take nothing."""
