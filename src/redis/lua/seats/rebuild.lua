--[[
Writes the map from what Postgres says is sold and blocked, over whatever is there.
Invariant: live holds keep their seats unless Postgres has sold or blocked them. Seats that changed after seen_version,
which is what the caller saw before it read Postgres, stay as they are: they may be newer than what it read. Where that
cannot be told the answer is 'stale' and nothing is written. A repeat is 'stale' or changes nothing.

KEYS[1..5] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] seen_version  number  0 for a store that has none
ARGV[4] fresh         text    one character a seat: f, s, b

Returns {rebuilt, version} | {stale, version}.
Cost: 10 commands + 1 a held seat, up to 7 for each that a hold loses. O(seats of the hall). Rare: after a loss.
--]]
publish()
local fresh = ARGV[4]
local touched = {}
if version ~= tonumber(ARGV[3]) then
  local newer = loaded and changes_since(ARGV[3])
  if not newer then
    return { 'stale', whole(version) }
  end
  for ordinal in string.gmatch(table.concat(newer, ','), '(%d+)%a') do
    touched[ordinal] = true
  end
end

local before = redis.call('GET', map) or ''
redis.call('SET', map, fresh)
for ordinal in pairs(touched) do
  local at = tonumber(ordinal) + 1
  if at <= #fresh then
    redis.call('SETRANGE', map, ordinal, string.sub(before, at, at))
  end
end
local entries = redis.call('HGETALL', holders)
for i = 1, #entries, 2 do
  local ordinal = entries[i]
  local at = string.match(ordinal, '^%d+$') and tonumber(ordinal) + 1
  if at and (at > #fresh or not touched[ordinal]) then
    if string.sub(fresh, at, at) == 'f' then
      redis.call('SETRANGE', map, ordinal, 'h')
    else
      lose(ordinal, entries[i + 1])
    end
  end
end

-- The log cannot tell this step: whoever follows it gets the whole map once. Nor can the counts, and what this run has
-- reaped was counted under this very version.
if not loaded or redis.call('GET', map) ~= before then
  version = next_version
  redis.call('HSET', state, 'version', whole(version), 'seats', whole(#fresh), 'counted', '')
  redis.call('DEL', deltas)
  redis.call('LPUSH', deltas, whole(version) .. ':')
end
return { 'rebuilt', whole(version) }
