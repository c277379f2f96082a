--[[
Gives the seats of a hold back before its time, for its owner alone.
Invariant: seats that have passed to another hold or were sold stay as they are. As long as the ended hold is remembered,
a repeat answers its owner the same.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.
ARGV[3] hold_id  text
ARGV[4] session  text  who asks

Returns "1" where the asker's hold holds nothing any more, "0" where it is another's or unknown.
Cost: 11 commands + 1 a run of neighbours. O(seats + log holds).
--]]
local hold = find(ARGV[3])
local own = hold and hold.session == ARGV[4]
if own and hold.status == 'live' then
  finish(hold, 'released')
end
publish()
return own and '1' or '0'
