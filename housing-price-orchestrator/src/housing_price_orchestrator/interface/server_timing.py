"""The `Server-Timing` header: duration of each processing step (https://www.w3.org/TR/server-timing/)."""

from typing import Final

from housing_price_orchestrator.observability.record import RequestRecord

SERVER_TIMING: Final = b"server-timing"


def server_timing(record: RequestRecord, total_seconds: float) -> bytes:
    """Make the value of the header: the steps that took place and the time to the response, in milliseconds."""
    if not record.validate_seconds:
        return b"total;dur=%.3f" % (total_seconds * 1e3)
    if not (record.queue_seconds or record.model_seconds):
        return b"validate;dur=%.3f, total;dur=%.3f" % (record.validate_seconds * 1e3, total_seconds * 1e3)
    if not record.encode_seconds:
        return b"validate;dur=%.3f, queue;dur=%.3f, model;dur=%.3f, total;dur=%.3f" % (
            record.validate_seconds * 1e3,
            record.queue_seconds * 1e3,
            record.model_seconds * 1e3,
            total_seconds * 1e3,
        )
    return b"validate;dur=%.3f, queue;dur=%.3f, model;dur=%.3f, encode;dur=%.3f, total;dur=%.3f" % (
        record.validate_seconds * 1e3,
        record.queue_seconds * 1e3,
        record.model_seconds * 1e3,
        record.encode_seconds * 1e3,
        total_seconds * 1e3,
    )
