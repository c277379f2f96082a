-- wrk script: each request joins as another visitor, with a key of its own. It names no address, so the abuse limits are
-- not part of the measurement: the platform's rate-limit binding is simulated locally by a Durable Object, which alone
-- would cost as much as the rest of a join.
math.randomseed(os.time() + os.clock() * 1000000)
local digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_'

local function key()
  local chars = {}
  for i = 1, 24 do
    local at = math.random(#digits)
    chars[i] = digits:sub(at, at)
  end
  return table.concat(chars)
end

request = function()
  return wrk.format('POST', nil, {
    ['content-length'] = '0',
    ['idempotency-key'] = key(),
  })
end
