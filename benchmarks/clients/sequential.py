"""Sequential requests over one connection. Answers are checked outside the measured time."""

import json
import time

from benchmarks.clients import wire
from benchmarks.clients.checker import Checker, quantiles_ms


def main() -> None:
    """Send until the time is over or all requests are sent, then print the figures."""
    parser = wire.arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--requests", type=int, default=10**9)
    parser.add_argument("--warm-up-requests", type=int, default=0)
    parser.add_argument("--pause-seconds", type=float, default=0.0, help="pause after each answer")
    options = parser.parse_args()
    target = wire.target(options)
    checker = Checker(options.expected, options.rows)
    times: list[float] = []
    connection = wire.connect(target.port)
    number = -options.warm_up_requests
    end = time.perf_counter() + options.seconds
    while number < options.requests:
        body_number = number % len(target.requests)
        started = time.perf_counter()
        if started > end and times:
            break
        try:
            status, body = wire.send_request(connection, target.requests[body_number])
        except (OSError, ValueError) as error:
            checker.count_error(repr(error))
            break
        elapsed = time.perf_counter() - started
        if number >= 0:
            times.append(elapsed)
        checker.check(body_number, status, body)
        number += 1
        if options.pause_seconds:
            time.sleep(options.pause_seconds)
    result = {"requests": len(times), "seconds": round(sum(times), 4), **quantiles_ms(times), **checker.summary()}
    print(json.dumps(result))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
