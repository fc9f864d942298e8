"""A fake registry that returns the champions of its database."""

import sqlite3
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.fakes.fake_service import Answer, exit_if_configured, parser, say, serve

from housing_price.stack.champion import read_champion
from housing_price_platform.database.sqlite_file import find_damage, sqlite_file_of

options = parser()
options.add_argument("command")
options.add_argument("--backend-store-uri")
options.add_argument("--artifacts")
given = options.parse_args()
exit_if_configured("tracking-server")
database = sqlite_file_of(given.backend_store_uri) or Path()
if damage := find_damage(database):
    say(f"error: the database {database} is damaged: {damage}")
    sys.exit(1)


def answer(path: str) -> Answer:
    if path == "/health":
        return 200, "OK"
    try:
        (name,) = parse_qs(urlsplit(path).query)["name"]
        champion = read_champion(database, name)
    except sqlite3.OperationalError:
        champion = None  # an empty file: no tables yet
    if champion is None:
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
    tags = [{"key": "digest", "value": champion.digest}]
    return 200, {"model_version": {"version": champion.version, "tags": tags}}


serve(given.host, given.port, answer)
