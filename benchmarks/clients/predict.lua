-- For wrk: cycles through prepared bodies, and checks of every answer that it has a price.
-- Arguments: the file of bodies (one per line), and the text that stands before a price.

local requests = {}
local position = 0
local threads = {}
local marker

unpriced = 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  marker = args[2]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(args[1]) do
    table.insert(requests, wrk.format(nil, nil, nil, line))
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function response(status, headers, body)
  if status ~= 200 or not string.find(body, marker, 1, true) then
    unpriced = unpriced + 1
  end
end

function done(summary, latency, requests)
  local without_price = 0
  for _, thread in ipairs(threads) do
    without_price = without_price + thread:get("unpriced")
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "per_second": %.3f, "p50_ms": %.3f, "p90_ms": %.3f, "p99_ms": %.3f, ' ..
    '"max_ms": %.3f, "errors": %d, "wrong": %d}\n',
    summary.requests, summary.duration / 1e6, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, without_price))
end
