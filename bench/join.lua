-- wrk script: each request joins as another visitor, from another address, with a key of its own.
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
    ['content-type'] = 'application/json',
    ['idempotency-key'] = key(),
    ['cf-connecting-ip'] = string.format('198.%d.%d.%d', 18 + math.random(0, 1), math.random(0, 255), math.random(0, 255)),
  }, '{}')
end
