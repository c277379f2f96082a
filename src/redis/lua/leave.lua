--[[
Takes visitors out, wherever they are: from the queue, from a call, from a session. Called for a batch of
`POST .../leave`, by the operator, by an origin's response header and by a completed order.
Invariant: a slot is given back once; a session's slot counts until its last token can no longer be alive.

KEYS[1..10] as in room.lua; writes state, queue, called, missed, sessions, ended, places.

ARGV[1..28] as in room.lua.
ARGV[29] visitor           text  id of the visitor; repeats with every entry
ARGV[30] session           text  id of the session, "" to end the one that the visitor has; repeats with every entry
ARGV[31] token_expires_at  ms    end of the session's last token, "0" where it is not known; repeats with every entry

Returns the number of entries, as text.
Cost: 11 commands a batch (TIME, HGETALL, HMGET, ZMSCORE, ZREM x 4, HDEL, HSET, and EVALSHA itself), 1 more (ZADD) where
a token still lives, up to 2 more (HSET, ZADD) while places are put back after a loss. O(k log n).
Weakness: the end of the last token is the caller's word. A renewal that ran at the same moment may have given a later
one, by at most one token's life.
--]]
local visitors, sessions, alive_until = {}, {}, {}
for i = ROOM_ARGUMENTS + 1, #ARGV, 3 do
  visitors[#visitors + 1] = ARGV[i]
  sessions[#sessions + 1] = ARGV[i + 1]
  alive_until[#alive_until + 1] = tonumber(ARGV[i + 2])
end
-- No token lives longer than this, whatever the clock of the edge says.
local latest = now + tonumber(argument.admission_token_ttl_ms)
local records = fetch('HMGET', KEYS[7], visitors)
local queued = fetch('ZMSCORE', SETS.queue, visitors)
local leaving, additions, places, departed = {}, {}, {}, {}

for i, visitor in ipairs(visitors) do
  local place, _, started = read_record(records[i])
  local session = sessions[i]
  places[i] = place or 0
  if queued[i] and not departed[visitor] then
    departed[visitor] = true
    note_departure(tonumber(queued[i]), 1)
  end
  if session == '' and started and started > 0 then session = visitor .. '-' .. text(place) end
  if session ~= '' then
    local until_ms = math.min(alive_until[i] > 0 and alive_until[i] or latest, latest)
    leaving[#leaving + 1] = session
    if until_ms > now then
      additions[#additions + 1] = text(until_ms)
      additions[#additions + 1] = session
      note_due('ended', until_ms)
    end
  end
end

add('waiting', -bulk('ZREM', SETS.queue, visitors))
refund((bulk('ZREM', SETS.called, visitors)))
bulk('ZREM', SETS.missed, visitors)
forget(visitors, places)
if #leaving > 0 then add('sessions', -bulk('ZREM', SETS.sessions, leaving)) end
if #additions > 0 then add('ended', (bulk('ZADD', SETS.ended, additions))) end
save()
return text(#visitors)
