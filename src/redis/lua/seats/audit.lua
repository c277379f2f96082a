--[[
Shows what Redis has of a performance, for a comparison with Postgres, and gives back seats that are held by nobody.
Invariant: only a seat marked 'h' whose hold does not live changes, into what its base says; so does every seat of a hold that
is due, also of one that the list of holds has lost. A repeat finds nothing left.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_ids  text  separated by spaces, at most a thousand; "" for none

Returns {audited, version, map, base, "ordinal,..." that was held by nobody, "status ..." of hold_ids: live, released,
expired, sold, lost, unknown} | {unloaded, version}.
Cost: 6 commands + 1 for each thousand held seats, 1 for each live hold and each of hold_ids, and as in records.lua for what is
given back. O(seats of the hall + holds).
--]]
local CHUNK = 1000
local checked = {}
local function lives(id)
  if checked[id] == nil then
    local hold = find(id)
    checked[id] = hold and hold.status or 'unknown'
  end
  return checked[id] == 'live'
end

local held = {}
for at in string.gmatch(loaded and redis.call('GET', map) or '', '()h') do
  held[#held + 1] = whole(at - 1)
end
local nobody = {}
for first = 1, #held, CHUNK do
  local some = { unpack(held, first, math.min(first + CHUNK - 1, #held)) }
  local owners = redis.call('HMGET', holders, unpack(some))
  for i, ordinal in ipairs(some) do
    local id = owners[i] and string.match(owners[i], '^%S+ (%S+)$')
    -- What find() has just given back is no longer held.
    if not (id and lives(id)) and (marked[ordinal] or 'h') == 'h' then
      nobody[#nobody + 1] = ordinal
    end
  end
end
for first = 1, #nobody, CHUNK do
  local some = { unpack(nobody, first, math.min(first + CHUNK - 1, #nobody)) }
  local marks = base_marks(some)
  if loaded then
    set_marks(some, marks)
    redis.call('HDEL', holders, unpack(some))
  end
end

local statuses = {}
for id in string.gmatch(ARGV[3], '%S+') do
  lives(id)
  statuses[#statuses + 1] = checked[id]
end
publish()
if not loaded then
  return { 'unloaded', whole(version) }
end
return {
  'audited', whole(version), redis.call('GET', map) or '', redis.call('GET', base) or '', table.concat(nobody, ','),
  table.concat(statuses, ' '),
}
