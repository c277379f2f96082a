--[[
Gives visitors their place in the queue. Called for a batch of `POST .../join`, and to put back those whom a store forgot.
Invariant: one visitor has one place, however often and from however many tabs it joins; new places are unique, in batch
order, and above every place ever given (max(last + 1, TIME in us)); a proved place is never improved, but for an entry
of a draw, which becomes its drawn place. In the pre-queue of a lottery visitors enter the draw instead (entries.lua), and
whoever left and proves an entry of this list is put back at it.

KEYS[1..10] as in room.lua; reads called, missed, sessions; writes state, queue, places, missed, called, entries.

ARGV[1..28] as in room.lua.
ARGV[29] room        text     name of the room, for the header of the draw, as the next four
ARGV[30] commitment  text     hex SHA-256 of the draw's secret; these five are "" or 0 where no lottery is drawn
ARGV[31] beacon      text     address of the beacon's chain, "" for none
ARGV[32] genesis     number   when the beacon published round 1 (s)
ARGV[33] period      number   seconds between its rounds
ARGV[34] visitor     text     id of the visitor; repeats with every entry
ARGV[35] proof       us       place proved by a queue token of this sale, "0" for none; repeats with every entry
ARGV[36] spent       boolean  the caller has seen this place being used for a session; repeats with every entry

Returns {epoch, calledTotal, entries, head, then per entry: status, place, ahead, departedBelow}; status is waiting,
called, admitted, entered (ahead is then the number of the entry), missed, idle, closed, sold_out or below_floor; "0"
where a number has no meaning.
Cost: 7 commands a batch of new visitors (TIME, HGETALL, ZMSCORE, HMGET, ZADD, HSET, and EVALSHA itself), 8 where they
enter a draw (RPUSH); per entry that is queued already or put back 1 (ZRANK, or LINDEX for one of a draw), that was called
before 1 to 6.
O(k log n).
--]]
local terms = {
  room = ARGV[ROOM_ARGUMENTS + 1], commitment = ARGV[ROOM_ARGUMENTS + 2], beacon = ARGV[ROOM_ARGUMENTS + 3],
  genesis = tonumber(ARGV[ROOM_ARGUMENTS + 4]), period = tonumber(ARGV[ROOM_ARGUMENTS + 5]),
}
local visitors, proofs, spent = {}, {}, {}
for i = ROOM_ARGUMENTS + 6, #ARGV, 3 do
  visitors[#visitors + 1] = ARGV[i]
  proofs[#proofs + 1] = tonumber(ARGV[i + 1])
  spent[#spent + 1] = ARGV[i + 2] == 'true'
end
local queued = fetch('ZMSCORE', SETS.queue, visitors)
local records = fetch('HMGET', KEYS[7], visitors)
local floor, run = tonumber(argument.floor), room_state()
local newest, serving = math.max(now_us, number('last')), number('serving')
local entering = argument.queueing_method == 'lottery' and run == 'prequeue' and state.drawn ~= '1'
local outcome, newcomers, entrants, additions, late = {}, {}, {}, {}, {}

-- One who was called before: still called, back by the late return, admitted, or past all that (nil: a new visitor).
local function known(visitor, record)
  local place, was_late, started = read_record(record)
  if started > 0 then
    local session = visitor .. '-' .. text(place)
    local expiry = tonumber(redis.call('ZSCORE', SETS.sessions, session) or 0)
    if expiry > now then return { 'admitted', place } end
    add('sessions', -redis.call('ZREM', SETS.sessions, session))
    redis.call('HDEL', KEYS[7], visitor)
    return nil
  end
  local deadline = tonumber(redis.call('ZSCORE', SETS.called, visitor) or 0)
  if deadline > now then return { 'called', place } end
  local return_ends = deadline > 0 and deadline + late_grace
    or tonumber(redis.call('ZSCORE', SETS.missed, visitor) or 0)
  if return_ends == 0 then return nil end
  if was_late == 1 or return_ends <= now then return { 'missed', 0 } end
  return_to_front(visitor, place, deadline > 0)
  return { 'waiting', place }
end

local function unknown(visitor, proof, used)
  local drawn = proof <= DRAWN and (argument.queueing_method == 'lottery' or state.drawn == '1')
  if proof > 0 and proof < floor and not drawn then return { 'below_floor', 0 } end
  if run == 'idle' or run == 'closed' then return { run, 0 } end
  if entering and not has_entered(visitor, proof) then
    entrants[#entrants + 1] = visitor
    return { 'entered' }
  end
  if proof > 0 and proof <= newest then
    if used then return { 'missed', 0 } end
    if proof <= serving then
      -- Called once already: the rule of the late return, as long as a loss explains that it is unknown, and not for one
      -- who was called so long ago that the return is over.
      if proof <= number('settled') or number('restore_until') <= now then return { 'missed', 0 } end
      late[#late + 1] = visitor
      late[#late + 1] = record_of(proof, 1, 0)
      add('called_total', -1)
    else
      note_departure(proof, -1)
    end
    additions[#additions + 1] = text(proof)
    additions[#additions + 1] = visitor
    if proof > number('last') then put('last', proof) end
    return { 'waiting', proof }
  end
  if run == 'sold_out' then return { run, 0 } end
  newcomers[#newcomers + 1] = visitor
  return { 'new' }
end

for i, visitor in ipairs(visitors) do
  local entry = outcome[visitor]
  local place = tonumber(queued[i] or 0)
  if not entry and place > DRAWN and proofs[i] > 0 and proofs[i] <= DRAWN then
    -- Put back by the time of its entry while the draw was not known: now the drawn place is.
    note_departure(place, 1)
    note_departure(proofs[i], -1)
    place = proofs[i]
    additions[#additions + 1] = text(place)
    additions[#additions + 1] = visitor
  end
  if not entry and spent[i] and place > 0 and place == proofs[i] then
    -- Only an older copy of the store still has it in line.
    note_departure(place, 1)
    add('waiting', -redis.call('ZREM', SETS.queue, visitor))
    entry = { 'missed', 0 }
  end
  -- In the pre-queue a place that is no entry is one of a list that was lost: entered again.
  if not entry and place > 0 and (not entering or entry_number(place)) then entry = { 'waiting', place } end
  if not entry and records[i] then entry = known(visitor, records[i]) end
  outcome[visitor] = entry or unknown(visitor, proofs[i], spent[i])
end

if #entrants > 0 then
  local first = append_entries(entrants, terms)
  for i, visitor in ipairs(entrants) do
    outcome[visitor] = { 'waiting', first + i - 1 }
    additions[#additions + 1] = text(first + i - 1)
    additions[#additions + 1] = visitor
  end
end
-- Newcomers come after everyone put back in this batch, whose places count towards `last`.
for _, visitor in ipairs(newcomers) do
  put('last', math.max(number('last') + 1, now_us))
  outcome[visitor][2] = number('last')
  additions[#additions + 1] = state.last
  additions[#additions + 1] = visitor
end
if #late > 0 then bulk('HSET', KEYS[7], late) end
if #additions > 0 then add('waiting', (bulk('ZADD', SETS.queue, additions))) end
for i, visitor in ipairs(newcomers) do
  outcome[visitor] = { 'waiting', outcome[visitor][2], number('waiting') - #newcomers + i - 1 }
end

local pending = draw_pending()
local reply = {
  text(number('epoch')), text(number('called_total')), text(number('draw_count')), state.draw_head or '',
}
for _, visitor in ipairs(visitors) do
  local status, place, ahead = unpack(outcome[visitor])
  -- A newcomer stands behind every departure; others ask for their rank.
  local departed = number('left_total')
  local entry = pending and status == 'waiting' and entry_number(place)
  if entry then
    status, ahead, departed = 'entered', entry, 0
  elseif status == 'waiting' and not ahead then
    ahead, departed = redis.call('ZRANK', SETS.queue, visitor), departed_below(place)
  end
  reply[#reply + 1] = status
  reply[#reply + 1] = text(place)
  reply[#reply + 1] = text(ahead or 0)
  reply[#reply + 1] = text(departed)
end
save()
return reply
