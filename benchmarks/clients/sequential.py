"""One request after the other over one connection; every answer is checked, outside of the time that is measured."""

import json
import time

from benchmarks.clients import wire
from benchmarks.clients.checker import Checker, quantiles_ms


def main() -> None:
    """Ask until the time or the number of requests is over, then print what was seen."""
    parser = wire.arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--requests", type=int, default=10**9)
    parser.add_argument("--warm-up-requests", type=int, default=0)
    parser.add_argument("--pause-seconds", type=float, default=0.0, help="after each answer")
    options = parser.parse_args()
    target = wire.target(options)
    checker = Checker(options.expected, options.rows)
    times: list[float] = []
    connection = wire.connect(target.port)
    number = -options.warm_up_requests
    end = time.perf_counter() + options.seconds
    while number < options.requests:
        which = number % len(target.requests)
        started = time.perf_counter()
        if started > end and times:
            break
        try:
            status, body = wire.ask(connection, target.requests[which])
        except (OSError, ValueError) as error:
            checker.error(repr(error))
            break
        elapsed = time.perf_counter() - started
        if number >= 0:
            times.append(elapsed)
        checker.check(which, status, body)
        number += 1
        if options.pause_seconds:
            time.sleep(options.pause_seconds)
    seen = {"requests": len(times), "seconds": round(sum(times), 4), **quantiles_ms(times), **checker.summary()}
    print(json.dumps(seen))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
