--[[
Keeps sessions alive. Called by the gate for a batch of admission tokens that need a new life, and by `POST .../renew`.
Invariant: a session that has ended or expired stays so, and no renewal makes one shorter; one that the store does not
know, with a token that is still alive, was lost by the store and is registered again, counting towards the capacity.

KEYS[1..10] as in room.lua; reads ended; writes state, sessions, places.

ARGV[1..28] as in room.lua.
ARGV[29] session           text  id of the session; repeats with every entry
ARGV[30] session_end       ms    end of the session's absolute life, from its token; repeats with every entry
ARGV[31] token_expires_at  ms    end of the token held now; repeats with every entry
ARGV[32] extended_until    ms    least end of the session, also past session_end, "0" for none; repeats with every entry

Returns {per entry: status, expiresAtMs}; status is renewed or ended; "0" where the number has no meaning.
Cost: 6 commands a batch (TIME, HGETALL, ZMSCORE, ZMSCORE, ZADD, and EVALSHA itself); 1 more (HMGET) where renewal is
disabled, 5 more (HSET x 2, ZMSCORE, ZREM x 2) where a session is registered again. O(k log n).
Weakness: an extension that reaches past known_until of a loss is restored only if its visitor comes back before that.
--]]
local sessions, ends, alive_until, extended = {}, {}, {}, {}
for i = ROOM_ARGUMENTS + 1, #ARGV, 4 do
  sessions[#sessions + 1] = ARGV[i]
  ends[#ends + 1] = tonumber(ARGV[i + 1])
  alive_until[#alive_until + 1] = tonumber(ARGV[i + 2])
  extended[#extended + 1] = tonumber(ARGV[i + 3])
end
local token_ttl = tonumber(argument.admission_token_ttl_ms)
local fixed = argument.disable_session_renewal == 'true'
local expiries = fetch('ZMSCORE', SETS.sessions, sessions)
local ended = fetch('ZMSCORE', SETS.ended, sessions)
local visitors, records = {}, {}
if fixed then
  for i, session in ipairs(sessions) do
    visitors[i] = read_session(session) or ''
  end
  records = fetch('HMGET', KEYS[7], visitors)
end
local reply, additions, restored, back, latest = {}, {}, {}, {}, {}

for i, session in ipairs(sessions) do
  local known = expiries[i] and tonumber(expiries[i]) > now
  local visitor, place = read_session(session)
  -- After a loss also with a token that has run out since: its session may last longer, and its slot is kept for it.
  local alive = alive_until[i] > now
    or (absent_sessions() > #back and math.max(alive_until[i] - token_ttl + session_ms, extended[i]) > now)
  local lost = visitor and not expiries[i] and not ended[i] and alive
  -- What the token says; the record says it exactly, also where the setting has changed since.
  local started = math.max(1, math.min(now, ends[i] - session_max))
  local expiry = math.min(now + session_ms, ends[i])
  if fixed then
    -- The end stands from the beginning, also for a session that was provisional until now.
    local its_place, _, recorded = read_record(records[i])
    if its_place == place and recorded and recorded > 0 then started = recorded end
    expiry = math.min(started + session_ms, ends[i])
  end
  -- An older token, of another tab or of this very batch, does not know of the extension.
  expiry = math.max(expiry, extended[i], tonumber(expiries[i] or 0), latest[session] or 0)
  if (known or lost) and expiry > now then
    additions[#additions + 1] = text(expiry)
    additions[#additions + 1] = session
    latest[session] = expiry
    note_due('sessions', expiry)
    if lost and not restored[session] then
      restored[session] = true
      back[#back + 1] = visitor
      restored[#restored + 1] = visitor
      restored[#restored + 1] = record_of(place, 0, started)
    end
    reply[#reply + 1] = 'renewed'
    reply[#reply + 1] = text(expiry)
  else
    reply[#reply + 1] = 'ended'
    reply[#reply + 1] = '0'
  end
end

if #additions > 0 then add('sessions', (bulk('ZADD', SETS.sessions, additions))) end
if #restored > 0 then
  bulk('HSET', KEYS[7], restored)
  add('back_sessions', #restored / 2)
  -- An older copy of the store may have them still in line, or called: they are inside.
  for i, score in ipairs(fetch('ZMSCORE', SETS.queue, back)) do
    if score then note_departure(tonumber(score), 1) end
  end
  add('waiting', -bulk('ZREM', SETS.queue, back))
  refund((bulk('ZREM', SETS.called, back)))
end
save()
return reply
