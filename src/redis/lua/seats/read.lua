--[[
Looks up a hold, whoever asks: whether the asker owns it is the caller's question.
Invariant: changes nothing but what is due.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id  text

Returns {live, session, expires, lasts_until, extensions left, ordinals} | {ended, session, status} | {unknown}.
Cost: 4 commands. O(log holds).
--]]
local hold = find(ARGV[3])
publish()
if not hold or hold.session == '-' then
  return { 'unknown' }
end
if hold.status ~= 'live' then
  return { 'ended', hold.session, hold.status }
end
return { 'live', hold.session, whole(hold.expires), whole(hold.lasts_until), whole(hold.extensions), hold.ordinals }
