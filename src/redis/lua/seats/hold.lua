--[[
Reserves seats for a session: all of them or none, with the whole list of those that are not free.
Invariant: a seat is in one live hold at most, and no new hold takes the seats that a session holds above session_limit.
A repeat with the same id finds the same hold, and an id whose hold has ended is answered 'gone' as long as it is
remembered, never with a second hold.

KEYS[1..5] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id        text    "<performance>.<random>"
ARGV[4] session        text    the owner
ARGV[5] ttl_ms         ms
ARGV[6] max_life_ms    ms      from now; extensions cannot pass it
ARGV[7] ordinals       text    ascending, joined by commas
ARGV[8] session_limit  number  seats in all live holds of the session together; "" for no limit

Returns {held, expires, lasts_until, ordinals} | {conflict, "ordinal+mark,..."} | {limit, seats held} | {gone}
| {unloaded, version}.
Cost: 11 commands + 1 a seat (15 for four seats), EVALSHA not counted; 1 more for each hold that the session has, of which
there are at most session_limit; at least 1 more for each seat in conflict. O(span of the ordinals).
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

-- The list may name holds that are due: only what lives counts, and is listed again.
local sessions_holds = 'session:' .. session
local live, seats_held = {}, 0
for other in string.gmatch(redis.call('HGET', holders, sessions_holds) or '', '%S+') do
  local hold = find(other)
  if hold and hold.status == 'live' then
    live[#live + 1] = other
    seats_held = seats_held + #split(hold.ordinals)
  end
end
local session_limit = tonumber(ARGV[8])
if session_limit and seats_held + #ordinals > session_limit then
  publish()
  return { 'limit', whole(seats_held) }
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
if #live == 0 then
  count('sessions', 1)
end
live[#live + 1] = id
local owners = { sessions_holds, table.concat(live, ' ') }
for _, ordinal in ipairs(ordinals) do
  owners[#owners + 1] = ordinal
  owners[#owners + 1] = hold.fence .. ' ' .. id
  set_mark(ordinal, 'h')
end
redis.call('HSET', holders, unpack(owners))
save(hold, hold.expires)
publish()
return { 'held', whole(hold.expires), whole(hold.lasts_until), hold.ordinals }
