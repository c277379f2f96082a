--[[
The live holds of a session at this performance, whoever asks.
Invariant: changes nothing but what is due.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] session  text

Returns {hold_id, ...}.
Cost: 4 commands + 1 a hold. O(log holds + holds of the session).
--]]
local live = {}
for id in string.gmatch(redis.call('HGET', holders, 'session:' .. ARGV[3]) or '', '%S+') do
  local hold = find(id)
  if hold and hold.status == 'live' then
    live[#live + 1] = id
  end
end
publish()
return live
