"""A fake registry that returns the champion of its database."""

from pathlib import Path

from tests.fakes.fake_service import Answer, exit_if_configured, parser, serve

from housing_price.stack.champion import read_champion

options = parser()
options.add_argument("command")
options.add_argument("--backend-store-uri")
options.add_argument("--artifacts")
given = options.parse_args()
exit_if_configured("tracking-server")
database = Path(given.backend_store_uri.removeprefix("sqlite:///"))


def answer(path: str) -> Answer:
    if path == "/health":
        return 200, "OK"
    champion = read_champion(database)
    if champion is None:
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
    tags = [{"key": "digest", "value": champion.digest}]
    return 200, {"model_version": {"version": champion.version, "tags": tags}}


serve(given.host, given.port, answer)
