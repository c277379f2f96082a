--[[
Sets and clears live overrides of a room's settings. Called by the admin API; a script of its own, without room.lua, so
that it neither begins an epoch nor depends on the sale.
Invariant: each change of a value is logged once, with Redis time; the stored snapshot goes, so that the next refresh of
any isolate computes one under the new settings.

KEYS[1] state     wr:{room}:state     HASH    field `live:<setting>` -> value as JSON
KEYS[2] snapshot  wr:{room}:snapshot  STRING
KEYS[3] log       wr:{room}:log       LIST    {"at": ms, "setting": text, "value": JSON or null to clear}, oldest first

ARGV[1] log_limit  number  entries kept
ARGV[2] setting    text    name of the setting; repeats with every change
ARGV[3] value      json    the value as JSON, "" to clear; repeats with every change

Returns {setting, value, ...}: all overrides in force after the change.
Cost: 3 + 3 per change (TIME, HGETALL; HGET, HSET or HDEL, RPUSH; and EVALSHA itself), 4 more (HGET, HSET, LTRIM, UNLINK) where
a value has changed. O(changes).
--]]
local clock = redis.call('TIME')
local at = string.format('%.0f', tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000))
local changed = false
for i = 2, #ARGV, 2 do
  local field, value = 'live:' .. ARGV[i], ARGV[i + 1]
  local before = redis.call('HGET', KEYS[1], field) or ''
  if before ~= value then
    changed = true
    if value == '' then
      redis.call('HDEL', KEYS[1], field)
    else
      redis.call('HSET', KEYS[1], field, value)
    end
    local logged = value == '' and 'null' or value
    redis.call('RPUSH', KEYS[3], '{"at":' .. at .. ',"setting":"' .. ARGV[i] .. '","value":' .. logged .. '}')
  end
end
if changed then
  -- Never earlier than a change before it, also on a server whose clock is behind: the later one is put back after a loss.
  local before = tonumber(redis.call('HGET', KEYS[1], 'live_at') or '0')
  redis.call('HSET', KEYS[1], 'live_at', string.format('%.0f', math.max(tonumber(at), before + 1)))
  redis.call('LTRIM', KEYS[3], -tonumber(ARGV[1]), -1)
  redis.call('UNLINK', KEYS[2])
end
local reply, fields = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local name = string.match(fields[i], '^live:(.+)$')
  if name then
    reply[#reply + 1] = name
    reply[#reply + 1] = fields[i + 1]
  end
end
return reply
