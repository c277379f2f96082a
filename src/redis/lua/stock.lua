--[[
Writes into a room's state what can still be sold: one field a performance, which every queue script reads with the state.
Called by the origin, the one that knows seats; a script of its own, without room.lua, so that it begins no epoch. A room
that no origin reports to has no such field, and nothing about it changes.
Invariant: a report never replaces one of a newer version of the same seats. A repeat writes the same with a newer time.

KEYS[1] state  wr:{room}:state  HASH  field `stock:<performance>` -> "left,held,holders,taken,at,version"

ARGV[1] performance  text    this and the following repeat with every performance
ARGV[2] version      number  of the seats when they were counted; "" where the performance is no longer on sale
ARGV[3] left         number  seats that are free
ARGV[4] held         number  seats in live holds
ARGV[5] holders      number  sessions with a live hold
ARGV[6] taken        number  seats that are held or sold

Returns how many were written or removed.
Cost: 4 commands (TIME, HMGET, HSET, and EVALSHA itself), 1 more (HDEL) where one is no longer on sale. O(performances).
--]]
local clock = redis.call('TIME')
local at = string.format('%.0f', tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000))
local fields, reports, gone = {}, {}, {}
for i = 1, #ARGV, 6 do
  fields[#fields + 1] = 'stock:' .. ARGV[i]
end
for i, before in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
  local _, version, left, held, holders, taken = unpack(ARGV, i * 6 - 5, i * 6)
  if version == '' then
    gone[#gone + 1] = fields[i]
  elseif tonumber(version) >= tonumber(string.match(before or '', '(%d+)$') or '0') then
    reports[#reports + 1] = fields[i]
    reports[#reports + 1] = table.concat({ left, held, holders, taken, at, version }, ',')
  end
end
if #reports > 0 then redis.call('HSET', KEYS[1], unpack(reports)) end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
return #reports / 2 + #gone
