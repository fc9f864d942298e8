-- wrk script: cycles through prepared bodies, checks that every answer contains a price, and counts the answers in a
-- time window. The window excludes a server's first answers and those that wrk abandons at the end.
-- Arguments: the file of bodies (one per line), the text that precedes a price, and the begin and end of the window
-- in seconds from the first request. Supports one thread only.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *at);
]]
local MONOTONIC = 1
local now_at = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(MONOTONIC, now_at)
  return tonumber(now_at.seconds) + tonumber(now_at.nanoseconds) * 1e-9
end

local requests = {}
local position = 0
local load_thread
local marker
local window_begin, window_end
local started

unpriced = 0
counted = 0
window_seconds = 0

function setup(thread)
  load_thread = thread
end

function init(args)
  marker = args[2]
  window_begin, window_end = tonumber(args[3]), tonumber(args[4])
  window_seconds = window_end - window_begin
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(args[1]) do
    table.insert(requests, wrk.format(nil, nil, nil, line))
  end
end

function request()
  started = started or now()
  position = position % #requests + 1
  return requests[position]
end

function response(status, headers, body)
  if status ~= 200 or not string.find(body, marker, 1, true) then
    unpriced = unpriced + 1
  end
  local at = now() - started
  if at >= window_begin and at < window_end then
    counted = counted + 1
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "per_second": %.3f, "p50_ms": %.3f, "p90_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
    '"errors": %d, "wrong": %d}\n',
    summary.requests, load_thread:get("counted") / load_thread:get("window_seconds"),
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, load_thread:get("unpriced")))
end
