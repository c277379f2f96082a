--[[
Writes map, base and layout from what Postgres says, over whatever is there.
Invariant: live holds keep their seats unless Postgres has sold them; a seat that was blocked meanwhile is blocked when its
hold ends. Seats that changed after seen_version, which is what the caller saw before it read Postgres, stay held or sold or
given back as they are: they may be newer than what it read. Where that cannot be told, or an operator has set seats since,
the answer is 'stale' and nothing is written. A repeat is 'stale' or changes nothing.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] seen_version  number  0 for a store that has none
ARGV[4] fresh         text    one character a seat: f, a, b, and s for what is sold
ARGV[5] fresh_base    text    the same without what is sold: f, a, b
ARGV[6] fresh_layout  text    see seat-layout.ts

Returns {rebuilt, version} | {stale, version}.
Cost: 13 commands + 1 a held seat, up to 7 for each that a hold loses. O(seats of the hall). Rare: after a loss.
--]]
publish()
local fresh, fresh_base = ARGV[4], ARGV[5]
local touched = {}
if tonumber(redis.call('HGET', state, 'based') or '0') > tonumber(ARGV[3]) then
  return { 'stale', whole(version) }
end
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
redis.call('SET', base, fresh_base)
redis.call('SET', layout, ARGV[6])
for ordinal in pairs(touched) do
  local at = tonumber(ordinal) + 1
  if at <= #fresh then
    local mark = string.sub(before, at, at)
    local taken = mark == 'h' or mark == 's'
    redis.call('SETRANGE', map, ordinal, taken and mark or string.sub(fresh_base, at, at))
  end
end
local entries = redis.call('HGETALL', holders)
for i = 1, #entries, 2 do
  local ordinal = entries[i]
  local at = string.match(ordinal, '^%d+$') and tonumber(ordinal) + 1
  if at and (at > #fresh or not touched[ordinal]) then
    local mark = string.sub(fresh, at, at)
    if mark == 's' or mark == '' then
      lose(ordinal, entries[i + 1])
    else
      redis.call('SETRANGE', map, ordinal, 'h')
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
