--[[
The map of a performance, or what changed in it since a version that the log still covers.
Invariant: the delta, applied to the map of that version, gives the map of the answered version.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] since  number  a version, or empty for the whole map

Returns {delta, version, "version:ordinal+mark,... version:..."} | {full, version, map} | {unloaded, version}.
Cost: 3 to 5 commands. O(entries of the log, or seats of the hall).
--]]
publish()
if not loaded then
  return { 'unloaded', whole(version) }
end
local since = ARGV[3]
local newer = since ~= '' and changes_since(since)
if newer then
  local delta = table.concat(newer, ' ')
  -- Without the versions, which are no seats.
  if #string.gsub(delta, '%d+:', '') < tonumber(known[2]) then
    return { 'delta', whole(version), delta }
  end
end
local marks = redis.call('GET', map) or ''
if #marks ~= tonumber(known[2]) then
  return { 'unloaded', whole(version) }
end
return { 'full', whole(version), marks }
