--[[
Reserves seats for a session: all of them or none, with the whole list of those that are not free.
Invariant: a seat is in one live hold at most. A repeat with the same id finds the same hold, and an id whose hold has
ended is answered 'gone' as long as it is remembered, never with a second hold.

KEYS[1..5] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id      text    "<performance>.<random>"
ARGV[4] session      text    the owner
ARGV[5] ttl_ms       ms
ARGV[6] max_life_ms  ms      from now; extensions cannot pass it
ARGV[7] ordinals     text    ascending, joined by commas

Returns {held, expires, lasts_until, ordinals} | {conflict, "ordinal+mark,..."} | {gone} | {unloaded, version}.
Cost: 10 commands + 1 a seat (14 for four seats), EVALSHA not counted; at least 1 more for each seat in conflict.
O(span of the ordinals).
--]]
local id, session, ttl_ms, max_life_ms = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
if not loaded then
  return { 'unloaded', whole(version) }
end

local earlier = find(id)
if earlier then
  publish()
  if earlier.status ~= 'live' or earlier.session ~= session then
    return { 'gone' }
  end
  return { 'held', whole(earlier.expires), whole(earlier.lasts_until), earlier.ordinals }
end

local ordinals = split(ARGV[7])
local marks = marks_of(ordinals)
if not marks then
  publish()
  return { 'unloaded', whole(version) }
end

local conflicts = {}
for i, ordinal in ipairs(ordinals) do
  local mark = marks[i]
  if mark == 'h' then
    -- Reaping is bounded: the holder may be due all the same, or may have ended with an earlier seat of this loop.
    local owner = redis.call('HGET', holders, ordinal)
    local holder = owner and find(string.match(owner, '^%S+ (%S+)$'))
    if not holder or holder.status ~= 'live' then
      mark = 'f'
    end
  end
  if mark ~= 'f' then
    conflicts[#conflicts + 1] = ordinal .. mark
  end
end
if #conflicts > 0 then
  publish()
  return { 'conflict', table.concat(conflicts, ',') }
end

local hold = {
  id = id, status = 'live', session = session, fence = whole(next_version), ordinals = ARGV[7],
  expires = now + math.min(ttl_ms, max_life_ms), lasts_until = now + max_life_ms,
}
local owners = {}
for _, ordinal in ipairs(ordinals) do
  owners[#owners + 1] = ordinal
  owners[#owners + 1] = hold.fence .. ' ' .. id
  set_mark(ordinal, 'h')
end
redis.call('HSET', holders, unpack(owners))
save(hold, hold.expires)
publish()
return { 'held', whole(hold.expires), whole(hold.lasts_until), hold.ordinals }
