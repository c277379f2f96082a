--[[
Lengthens a live hold of its owner to ttl_ms from now, never past its absolute life and never shortening it.
Invariant: expires <= lasts_until. What counts is done at most as often as the hold was promised; a repeat of the same
request neither counts nor moves anything. What does not count (a payment) moves with a repeat by the time between the two.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id     text
ARGV[4] session     text    who asks
ARGV[5] ttl_ms      ms
ARGV[6] request_id  text    letters, digits, "-", "_"; "" for one that is not remembered
ARGV[7] counts      number  1: one of the visitor's extensions, 0: none of them

Returns {extended, expires, lasts_until, extensions left} | {at_limit, expires, lasts_until, extensions left}
| {none_left, expires, lasts_until, "0"} | {gone, "1" if the asker owned it, else "0"}.
Cost: 6 commands. O(log holds).
--]]
local hold, request, counting = find(ARGV[3]), ARGV[6], ARGV[7] == '1'
publish()
if not hold or hold.session ~= ARGV[4] then
  return { 'gone', '0' }
end
if hold.status ~= 'live' then
  return { 'gone', '1' }
end
local function answer(status)
  return { status, whole(hold.expires), whole(hold.lasts_until), whole(hold.extensions) }
end
if request ~= '' and string.find('+' .. hold.requests, '+' .. request .. '+', 1, true) then
  return answer('extended')
end
if hold.expires >= hold.lasts_until then
  return answer('at_limit')
end
if counting and hold.extensions == 0 then
  return answer('none_left')
end
if counting then
  hold.extensions = hold.extensions - 1
  hold.requests = request ~= '' and hold.requests .. request .. '+' or hold.requests
end
hold.expires = math.min(math.max(hold.expires, now + tonumber(ARGV[5])), hold.lasts_until)
save(hold, hold.expires)
return answer('extended')
