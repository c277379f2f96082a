--[[
Arms a room: the word of a deployment that an empty store is a new one and nothing was lost. Called once by `npm start`
and by a deployment's last step; a script of its own, without room.lua.
Invariant: a store that knows the sale already is not touched, unless it waits only because nobody had armed it.

KEYS[1] state     wr:{room}:state     HASH
KEYS[2] snapshot  wr:{room}:snapshot  STRING

ARGV[1] sale  text  name of the sale that begins

Returns "armed", or "known" where the store needed no arming.
Cost: 4 commands (HMGET, HSET, UNLINK, and EVALSHA itself), 2 where it is known. O(1).
--]]
local epoch, armed, unarmed = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'armed', 'unarmed'))
if armed == ARGV[1] or (epoch and unarmed ~= '1') then return 'known' end
redis.call('HSET', KEYS[1], 'armed', ARGV[1], 'unarmed', '0', 'recovering_until', '0', 'known_until', '0')
redis.call('UNLINK', KEYS[2])
return 'armed'
