--[[
Marks sold what Postgres has sold, and ends the hold that led to it.
Invariant: a seat that Postgres has sold is sold here, whoever holds it: another hold loses that seat and keeps its
others; seats of the ended hold that were not sold are given back. A repeat with the same hold and seats changes nothing as long
as it is remembered, even if a seat was freed in between. With no map loaded only the version moves, so that a rebuild
which read Postgres before the sale notices.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id   text  need not be known here
ARGV[4] ordinals  text  ascending, joined by commas

Returns "1" where the map shows it, "0" where no map is loaded.
Cost: 15 commands + 1 a run of neighbours; up to 8 for each seat that another hold loses. O(span of the ordinals).
--]]
local id, ordinals = ARGV[3], split(ARGV[4])
local marks = loaded and marks_of(ordinals)
if not marks then
  redis.call('HSET', state, 'version', whole(next_version))
  redis.call('HDEL', state, 'seats')
  return '0'
end

local hold = find(id)
if hold and hold.status == 'sold' and hold.ordinals == ARGV[4] then
  publish()
  return '1'
end
local owners = redis.call('HMGET', holders, unpack(ordinals))
local unsold, sold = {}, {}
for i, ordinal in ipairs(ordinals) do
  local owner = owners[i]
  if owner and string.match(owner, '^%S+ (%S+)$') ~= id then
    lose(ordinal, owner)
  end
  if marks[i] ~= 's' then
    unsold[#unsold + 1] = ordinal
    sold[#unsold] = 's'
  end
end
set_marks(unsold, sold)
redis.call('HDEL', holders, unpack(ordinals))
if hold and hold.status == 'live' then
  finish(hold, 'sold')
end
if hold then
  hold.status, hold.ordinals = 'sold', ARGV[4]
  save(hold, now + memory_ms)
else
  remember(id, 'sold', ARGV[4])
end
publish()
return '1'
