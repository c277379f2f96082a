--[[
Lets newcomers of a quiet room in without waiting. Called by the gate for a batch of first navigations.
Invariant: nobody enters past a waiting visitor, and an entry takes a slot and a token of the bucket like a call, so both
limits hold; the first entries of the batch win. The session is provisional, for one claim window or a session's time if
that is shorter, until it is renewed.

KEYS[1..10] as in room.lua; writes state, sessions, places (and what reap() frees).

ARGV[1..28] as in room.lua.
ARGV[29] visitor  text  id of the visitor; repeats with every entry
ARGV[30] session  text  "<visitor>-0"; repeats with every entry

Returns {per entry: status, startedAtMs, expiresAtMs}; status is entered or wait; "0" where a number has no meaning.
Cost: 8 commands a batch that enters (TIME, HGETALL, ZMSCORE x 2, ZADD, HSET x 2, and EVALSHA itself), 1 more where a
session is found again, and reap(). O(k log n).
--]]
local visitors, sessions = {}, {}
for i = ROOM_ARGUMENTS + 1, #ARGV, 2 do
  visitors[#visitors + 1] = ARGV[i]
  sessions[#sessions + 1] = ARGV[i + 1]
end
reap()
refill()
local expiries = fetch('ZMSCORE', SETS.sessions, sessions)
local ended = fetch('ZMSCORE', SETS.ended, sessions)
local open = room_state() == 'open' and not forced('queue_all') and number('waiting') == 0
local room_for = open and callable() or 0
local outcome, additions, records = {}, {}, {}
local expiry = now + math.min(claim_window, session_ms)

for i, session in ipairs(sessions) do
  if outcome[session] then
    -- The same entry twice in one batch: one answer.
  elseif expiries[i] and tonumber(expiries[i]) > now then
    local _, _, started = read_record(redis.call('HGET', KEYS[7], visitors[i]))
    outcome[session] = { 'entered', started or now, tonumber(expiries[i]) }
  elseif not expiries[i] and not ended[i] and room_for > 0 then
    room_for = room_for - 1
    outcome[session] = { 'entered', now, expiry }
    additions[#additions + 1] = text(expiry)
    additions[#additions + 1] = session
    records[#records + 1] = visitors[i]
    records[#records + 1] = record_of(0, 0, now)
  else
    outcome[session] = { 'wait', 0, 0 }
  end
end

if #additions > 0 then
  local entered = bulk('ZADD', SETS.sessions, additions)
  bulk('HSET', KEYS[7], records)
  note_due('sessions', expiry)
  add('sessions', entered)
  spend(entered)
  count_admitted(entered)
end
local reply = {}
for _, session in ipairs(sessions) do
  local entry = outcome[session]
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = text(entry[2])
  reply[#reply + 1] = text(entry[3])
end
save()
return reply
