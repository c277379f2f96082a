--[[
Reserves named seats for a session: all of them or none, or with `partial` those that are free; the others are named.
Invariant: a seat is in one live hold at most. Seats that are kept for those who need them go to nobody who does not say so,
except back to whoever has them in the hold that is replaced.

KEYS[1..8] as in take.lua.

ARGV[1..2] as in changes.lua.
ARGV[3..10] as in take.lua.
ARGV[11] ordinals    text    ascending, joined by commas
ARGV[12] partial     number  1: hold what is free
ARGV[13] accessible  number  1: the visitor says that they need accessible seats

Returns {held, expires, lasts_until, extensions, ordinals, "ordinal+mark,..."} | {conflict, "ordinal+mark,..."}
| {limit, seats held} | {gone} | {reused} | {session_ended} | {unloaded, version}. A repeat of a partial hold names the seats
that it did not get as they are now.
Cost: 10 commands + 1 a run of neighbours (11 for four seats side by side), EVALSHA not counted, 9 + 1 where no room is asked;
1 more for each hold that the session has, of which there are at most session_limit; 8 + 1 a run for one that is replaced; at
least 1 more for each seat that another holds. O(span of the ordinals).
--]]
local ordinals, partial, accessible = split(ARGV[11]), ARGV[12] == '1', ARGV[13] == '1'
if not marks_of(ordinals) then
  publish()
  return { 'unloaded', whole(version) }
end

local function mark_of(ordinal)
  if given_back[ordinal] or marked[ordinal] ~= 'h' then
    return given_back[ordinal] or marked[ordinal]
  end
  -- Reaping is bounded: the holder may be due all the same, or may have ended with an earlier seat.
  local owner = redis.call('HGET', holders, ordinal)
  local holder = owner and find(string.match(owner, '^%S+ (%S+)$'))
  if holder and holder.status == 'live' or marked[ordinal] ~= 'h' then
    return marked[ordinal]
  end
  return base_marks({ ordinal })[1] or 'h'
end

local already = {}
for _, ordinal in ipairs(split(earlier and earlier.ordinals or '')) do
  already[ordinal] = true
end
local free, conflicts = {}, {}
for _, ordinal in ipairs(ordinals) do
  local mark = not already[ordinal] and mark_of(ordinal)
  if mark == 'f' or mark == 'a' and (accessible or given_back[ordinal]) then
    free[#free + 1] = ordinal
  end
  if mark and (earlier or free[#free] ~= ordinal) then
    conflicts[#conflicts + 1] = ordinal .. mark
  end
end
if earlier then
  return answer(earlier, conflicts)
end

local wanted = partial and free or ordinals
if over_limit(#wanted) then
  publish()
  return { 'limit', whole(seats_held) }
end
if #free < #wanted or #free == 0 then
  publish()
  return { 'conflict', table.concat(conflicts, ',') }
end
return take(wanted, conflicts)
