"""A registry whose champion is what the file `fake-champion.json` beside the database says."""

import json
from pathlib import Path

from fake_service import Answer, dies_as_told, parser, serve

options = parser()
options.add_argument("command")
options.add_argument("--backend-store-uri")
options.add_argument("--artifacts")
given = options.parse_args()
dies_as_told("tracking-server")
champion = Path(given.backend_store_uri.removeprefix("sqlite:///")).parent / "fake-champion.json"


def answer(path: str) -> Answer:
    if path == "/health":
        return 200, "OK"
    if not champion.exists():
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
    version = json.loads(champion.read_text())
    tags = [{"key": "digest", "value": version["digest"]}]
    return 200, {"model_version": {"version": version["version"], "tags": tags}}


serve(given.host, given.port, answer)
