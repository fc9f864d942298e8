"""The health check of every image: exits with 0 if a URL answers as it should, otherwise with 1 and the reason.

    healthcheck.py URL            GET must be answered with 2xx
    healthcheck.py URL FILE       POST of the JSON in FILE must be answered with 2xx and at least one prediction

Needs the standard library only. A model server is healthy when it makes a real prediction, not when it says so: its
process can answer `/ping` while no prediction ever returns.
"""

import json
import sys
import urllib.request
from pathlib import Path

TIMEOUT_SECONDS = 4


def check(url: str, body: bytes | None = None) -> str | None:
    """Ask once; returns what is wrong, or None."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - our own URL
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
            if body is not None and not json.load(answer)["predictions"]:
                return f"{url} answers without a prediction"
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"{url}: {error!r}"
    return None


if __name__ == "__main__":
    url, *files = sys.argv[1:]
    sys.exit(check(url, Path(files[0]).read_bytes() if files else None))
