--[[
How many seats are free, accessible, held and sold, and how many sessions have a live hold: what the room's stock is made of.
Invariant: the counts are those of the answered version. They are kept by every script that changes a seat; only where
they are of another version (after a rebuild, or written by code that did not count) the whole hall is counted once.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.

Returns {counted, version, free, accessible, held, sold, sessions, "1" where more holds may be due, else "0"} | {unloaded, version}.
Cost: 3 commands; 3 more (GET, HGETALL, HSET) where it counts anew. O(1), or O(seats of the hall + holds).
--]]
publish()
if not loaded then
  return { 'unloaded', whole(version) }
end
if not counts then
  local marks = redis.call('GET', map) or ''
  if #marks ~= tonumber(known[2]) then
    return { 'unloaded', whole(version) }
  end
  counts = { sessions = 0 }
  for _, mark in ipairs({ 'f', 'a', 'h', 's' }) do
    counts[mark] = select(2, string.gsub(marks, mark, mark))
  end
  local entries, seen = redis.call('HGETALL', holders), {}
  for i = 2, #entries, 2 do
    local session = string.match(entries[i], '^live (%S+) ')
    if session and not seen[session] then
      seen[session] = true
      counts.sessions = counts.sessions + 1
    end
  end
  redis.call('HSET', state, 'counted', spell_counts())
end
return {
  'counted', whole(version), whole(counts.f), whole(counts.a), whole(counts.h), whole(counts.s),
  whole(counts.sessions), reaped >= tonumber(reap_limit) and '1' or '0',
}
