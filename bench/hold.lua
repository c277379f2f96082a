-- wrk script: each request is the next line of the file that is named as the script's argument: path, token and body,
-- separated by tabs. Past the last line it begins anew. At the end it writes percentiles in microseconds.
local lines, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local path, token, body = string.match(line, '^([^\t]*)\t([^\t]*)\t(.*)$')
    lines[#lines + 1] = { path, token, body }
  end
end

function request()
  at = at % #lines + 1
  local path, token, body = unpack(lines[at])
  return wrk.format('POST', path, {
    ['content-type'] = 'application/json',
    ['waiting-room-token'] = token,
  }, body)
end

function done(_, latency)
  io.write(string.format('p50 %d\np95 %d\n', latency:percentile(50), latency:percentile(95)))
end
