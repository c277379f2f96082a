--[[
The third part of every seat script: one version and one entry of the delta log for all that a run has changed.
Invariant: every change of a mark is in the log under a version that was never used before: max(last + 1, TIME in ms), so
that a store which fell back to an older copy of itself does not give one twice.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.

Returns nothing.
Cost: 2 commands (HSET, LPUSH) where a mark changed, 1 more (LTRIM) each hundredth time. O(1).
--]]
local DELTAS_KEPT = 500

local function spell_counts()
  local numbers = { whole(version) }
  for _, what in ipairs({ 'f', 'a', 'h', 's', 'sessions' }) do
    numbers[#numbers + 1] = whole(counts[what])
  end
  return table.concat(numbers, ' ')
end

-- Called at the end of every script, and before an answer that names a version.
local function publish()
  if #changes == 0 then
    return
  end
  version = next_version
  redis.call('HSET', state, 'version', whole(version), unpack(counts and { 'counted', spell_counts() } or {}))
  local entry = whole(version) .. ':' .. table.concat(changes, ',')
  if redis.call('LPUSH', deltas, entry) > DELTAS_KEPT + 100 then
    redis.call('LTRIM', deltas, '0', whole(DELTAS_KEPT - 1))
  end
end

-- The entries of the log since a version, oldest first; nil unless the log holds that very version: a version that this store never
-- had (it was lost, or it fell back) finds nothing, and the caller gets the whole map.
local function changes_since(since)
  if since == whole(version) then
    return {}
  end
  local newer = {}
  for _, entry in ipairs(redis.call('LRANGE', deltas, '0', '-1')) do
    if string.match(entry, '^%d+') == since then
      local oldest_first = {}
      for i = #newer, 1, -1 do
        oldest_first[#oldest_first + 1] = newer[i]
      end
      return oldest_first
    end
    newer[#newer + 1] = entry
  end
  return nil
end
