-- wrk -s requests.lua URL -- METHOD TARGETS_FILE [BODY_BYTES]
--
-- Cycles over the request targets of the file, one a line; prints one line of JSON.
local requests, count, position = {}, 0, 0

function init(args)
  local method, file, size = args[1], args[2], tonumber(args[3] or "0")
  local body = nil
  if size > 0 then
    local bytes = {}
    for index = 1, size do bytes[index] = string.char((index * 131 + 17) % 251) end
    body = table.concat(bytes)
    wrk.headers["Content-Length"] = tostring(size)
  end
  for line in io.lines(file) do
    count = count + 1
    requests[count] = wrk.format(method, line, nil, body)
  end
end

function request()
  position = position % count + 1
  return requests[position]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"rate": %.1f, "p50_ms": %.4f, "p99_ms": %.4f, "requests": %d, "refused": %d, "broken": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
