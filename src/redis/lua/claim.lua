--[[
Turns calls into sessions. Called for a batch of `POST .../claim`.
Invariant: only a call whose deadline has not passed becomes a session, once: a repeat finds the same session, because
its id follows from visitor and place. Called and sessions together do not grow, so a claim needs no limit of its own.

KEYS[1..10] as in room.lua; reads queue, ended; writes state, called, sessions, places, and for late returns queue, missed.

ARGV[1..28] as in room.lua.
ARGV[29] visitor  text     id of the visitor; repeats with every entry
ARGV[30] session  text     "<visitor>-<place>"; repeats with every entry
ARGV[31] place    us       the place that the queue token proves; repeats with every entry
ARGV[32] spent    boolean  the caller has seen this place being used for a session; repeats with every entry

Returns {per entry: status, startedAtMs, expiresAtMs}; status is admitted, waiting, missed, unknown or ended; "0" where a
number has no meaning.
Cost: 9 commands a batch of called visitors (TIME, HGETALL, ZMSCORE, HMGET, ZADD, ZREM, HSET x 2, and EVALSHA itself);
4 more (ZMSCORE) where one of the batch is not called; 3 or 4 per late return; 2 to 4 per call used before. O(k log n).
--]]
local visitors, sessions, places, spent = {}, {}, {}, {}
for i = ROOM_ARGUMENTS + 1, #ARGV, 4 do
  visitors[#visitors + 1] = ARGV[i]
  sessions[#sessions + 1] = ARGV[i + 1]
  places[#places + 1] = tonumber(ARGV[i + 2])
  spent[#spent + 1] = ARGV[i + 3] == 'true'
end
local deadlines = fetch('ZMSCORE', SETS.called, visitors)
local records = fetch('HMGET', KEYS[7], visitors)
local outcome, others = {}, false
local additions, claimed, written = {}, {}, {}
local expiry = now + math.min(session_ms, session_max)

for i, visitor in ipairs(visitors) do
  local place = read_record(records[i])
  local called = place == places[i] and deadlines[i] and tonumber(deadlines[i]) > now
  if called and spent[i] then
    -- Only an older copy of the store still holds this call.
    refund(redis.call('ZREM', SETS.called, visitor))
    forget({ visitor }, { place })
    outcome[i] = { 'ended' }
  elseif called then
    outcome[i] = { 'admitted', now, expiry }
    additions[#additions + 1] = text(expiry)
    additions[#additions + 1] = sessions[i]
    claimed[#claimed + 1] = visitor
    written[#written + 1] = visitor
    written[#written + 1] = record_of(place, 0, now)
  else
    others = true
  end
end

if #claimed > 0 then
  local admitted = bulk('ZADD', SETS.sessions, additions)
  add('sessions', admitted)
  add('called', -bulk('ZREM', SETS.called, claimed))
  bulk('HSET', KEYS[7], written)
  note_due('sessions', expiry)
  count_admitted(admitted)
end

if others then
  local expiries = fetch('ZMSCORE', SETS.sessions, sessions)
  local ended = fetch('ZMSCORE', SETS.ended, sessions)
  local queued = fetch('ZMSCORE', SETS.queue, visitors)
  local missed = fetch('ZMSCORE', SETS.missed, visitors)
  for i, visitor in ipairs(visitors) do
    local place, late, started = read_record(records[i])
    local mine = place == places[i]
    local lapsed = deadlines[i] and tonumber(deadlines[i]) + late_grace
    local return_ends = lapsed or tonumber(missed[i] or 0)
    if outcome[i] then
      -- Called, and answered above.
    elseif mine and started > 0 and expiries[i] and tonumber(expiries[i]) > now then
      outcome[i] = { 'admitted', started, tonumber(expiries[i]) }
    elseif ended[i] or (mine and started > 0) then
      outcome[i] = { 'ended' }
    elseif queued[i] then
      outcome[i] = { 'waiting' }
    elseif mine and late == 0 and return_ends > now then
      return_to_front(visitor, place, lapsed)
      outcome[i] = { 'waiting' }
    elseif mine then
      outcome[i] = { 'missed' }
    else
      outcome[i] = { 'unknown' }
    end
  end
end

local reply = {}
for i = 1, #visitors do
  reply[#reply + 1] = outcome[i][1]
  reply[#reply + 1] = text(outcome[i][2] or 0)
  reply[#reply + 1] = text(outcome[i][3] or 0)
end
save()
return reply
