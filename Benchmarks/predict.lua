-- wrk -s predict.lua URL -- PATH BODIES_FILE CONTENT_TYPE
--
-- Posts the bodies of the file one after another, over and over; an empty line ends a body. Prints one line of JSON.
local requests, count, position = {}, 0, 0

function init(args)
  local path, file, content_type = args[1], io.open(args[2], "r"), args[3]
  local headers = { ["Content-Type"] = content_type }
  for body in (file:read("*a") .. "\n\n"):gmatch("(.-)\n\n") do
    if #body > 0 then
      count = count + 1
      requests[count] = wrk.format("POST", path, headers, body)
    end
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
