--[[
Lengthens a live hold of its owner to ttl_ms from now, never past its absolute life and never shortening it.
Invariant: expires <= lasts_until. A repeat moves the expiry by the time between the two.

KEYS[1..5] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id  text
ARGV[4] session  text  who asks
ARGV[5] ttl_ms   ms

Returns {extended, expires, lasts_until} | {at_limit, expires} | {gone, "1" if the asker owned it, else "0"}.
Cost: 6 commands. O(log holds).
--]]
local hold = find(ARGV[3])
publish()
if not hold or hold.session ~= ARGV[4] then
  return { 'gone', '0' }
end
if hold.status ~= 'live' then
  return { 'gone', '1' }
end
if hold.expires >= hold.lasts_until then
  return { 'at_limit', whole(hold.expires) }
end
hold.expires = math.min(math.max(hold.expires, now + tonumber(ARGV[5])), hold.lasts_until)
save(hold, hold.expires)
return { 'extended', whole(hold.expires), whole(hold.lasts_until) }
