"""The log fields of a request."""

from typing import Any, Final

from housing_price_orchestrator.observability.record import RequestRecord

MAX_CALL_IDS: Final = 20
"""Maximum call ids in a log line; for larger batches the number of calls is logged, too."""


def log_fields(record: RequestRecord) -> dict[str, Any]:
    """Return the log fields of a request, omitting those without a value. Times are in seconds."""
    fields: dict[str, Any] = {}
    if record.route:
        fields["route"] = record.route
    if record.key_id is not None:
        fields["key_id"] = record.key_id
    if record.trace_id:
        fields["trace_id"] = record.trace_id
    if record.rows or record.validate_seconds:
        fields["rows"] = record.rows
    if record.validate_seconds:
        fields["validate"] = round(record.validate_seconds, 6)
    calls = record.calls
    if calls or record.queue_seconds:
        fields["queue"] = round(record.queue_seconds, 6)
        fields["model"] = round(record.model_seconds, 6)
    if record.encode_seconds:
        fields["encode"] = round(record.encode_seconds, 6)
    if record.model_id is not None:
        fields["model_id"] = record.model_id
    if calls:
        fields["attempts"] = sum([call.attempts for call in calls])
        fields["call_ids"] = [call.id for call in calls[:MAX_CALL_IDS]]
        if len(calls) > MAX_CALL_IDS:
            fields["calls"] = len(calls)
        if calls[-1].circuit:
            fields["circuit"] = calls[-1].circuit
    if record.refusal is not None:
        fields["refusal"] = record.refusal
    return fields
