"""The health check of every image: exits with 0 if a URL responds as expected, otherwise with 1 and the reason.

    healthcheck.py URL            expects 2xx for a GET
    healthcheck.py URL FILE       expects 2xx and at least one prediction for a POST of the JSON in FILE

If ORCHESTRATOR_TLS__CERT_FILE is set, the service of this container uses TLS, and the URL changes to https.

Uses the standard library only. A model server is healthy if it returns a prediction: `/ping` can succeed while
predictions fail.
"""

import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import Final

TIMEOUT_SECONDS: Final = 4


def unverified_context() -> ssl.SSLContext:
    """Accept any certificate: that of this container names the public host, not the address of this check."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check(url: str, body: bytes | None = None) -> str | None:
    """Send one request; return a description of the problem, or None."""
    context = None
    if os.environ.get("ORCHESTRATOR_TLS__CERT_FILE"):
        url, context = url.replace("http:", "https:", 1), unverified_context()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - the URL is configured
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as answer:  # noqa: S310 - the same
            if body is not None and not json.load(answer)["predictions"]:
                return f"{url}: the response contains no prediction"
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"{url}: {error!r}"
    return None


if __name__ == "__main__":
    url, *files = sys.argv[1:]
    sys.exit(check(url, Path(files[0]).read_bytes() if files else None))
