-- wrk script: each request claims the call of another visitor, whose queue token stands in the file that is named as the
-- script's argument, one a line. Past the last line it begins anew: a repeated claim finds the same session.
local tokens, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    tokens[#tokens + 1] = line
  end
end

function request()
  at = at % #tokens + 1
  return wrk.format('POST', nil, {
    ['content-length'] = '0',
    ['authorization'] = 'Bearer ' .. tokens[at],
  })
end
