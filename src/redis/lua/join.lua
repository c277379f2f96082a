--[[
Gives visitors their place in the queue. Called for a batch of `POST .../join`, and to put back those whom a store forgot.
Invariant: one visitor has one place, however often and from however many tabs it joins; new places are unique, in batch
order, and above every place ever given (max(last + 1, TIME in us)); a proved place is never improved.

KEYS[1..8] as in room.lua; reads called, missed, sessions; writes state, queue, places, missed, called.

ARGV[1..19] as in room.lua.
ARGV[20] visitor  text  id of the visitor; repeats with every entry
ARGV[21] proof    us    place proved by a queue token of this sale, "0" for none; repeats with every entry

Returns {epoch, calledTotal, leftTotal, then per entry: status, place, ahead}; status is waiting, called, admitted,
missed, closed or below_floor; "0" where a number has no meaning.
Cost: 7 commands a batch of new visitors (TIME, HGETALL, ZMSCORE, HMGET, ZADD, HSET, and EVALSHA itself); per entry that
is queued already or put back 1 (ZRANK), that was called before 1 to 6; 1 (ZCOUNT) while a late return waits. O(k log n).
--]]
local visitors, proofs = {}, {}
for i = ROOM_ARGUMENTS + 1, #ARGV, 2 do
  visitors[#visitors + 1] = ARGV[i]
  proofs[#proofs + 1] = tonumber(ARGV[i + 1])
end
local queued = fetch('ZMSCORE', SETS.queue, visitors)
local records = fetch('HMGET', KEYS[7], visitors)
local floor, closed = tonumber(ARGV[2]), room_state() == 'closed'
local newest, serving = math.max(now_us, number('last')), number('serving')
local outcome, newcomers, additions, late = {}, {}, {}, {}

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

local function unknown(visitor, proof)
  if proof > 0 and proof < floor then return { 'below_floor', 0 } end
  if closed then return { 'closed', 0 } end
  if proof > 0 and proof <= newest then
    if proof <= serving then
      -- Called once already: the rule of the late return, and only as long as a loss explains that it is unknown.
      if number('restore_until') <= now then return { 'missed', 0 } end
      late[#late + 1] = visitor
      late[#late + 1] = record_of(proof, 1, 0)
      put('late_waiting', 1)
    end
    additions[#additions + 1] = text(proof)
    additions[#additions + 1] = visitor
    if proof > number('last') then put('last', proof) end
    -- The positions of those behind are no longer exact. (In a recovery they are not, and advance counts its end.)
    if room_state() ~= 'recovering' then add('left_total', 1) end
    return { 'waiting', proof }
  end
  newcomers[#newcomers + 1] = visitor
  return { 'new' }
end

for i, visitor in ipairs(visitors) do
  local entry = outcome[visitor]
  if not entry and queued[i] then entry = { 'waiting', tonumber(queued[i]) } end
  if not entry and records[i] then entry = known(visitor, records[i]) end
  outcome[visitor] = entry or unknown(visitor, proofs[i])
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

-- A late return is ahead of the newcomer, but its call is not counted again: that is made good here.
local uncounted = state.late_waiting == '1' and redis.call('ZCOUNT', SETS.queue, '-inf', text(serving)) or 0
local called_total = number('called_total') - uncounted
local reply = { text(number('epoch')), text(math.max(0, called_total)), text(number('left_total')) }
if called_total < 0 then add('left_total', 1) end
for _, visitor in ipairs(visitors) do
  local entry = outcome[visitor]
  if entry[1] == 'waiting' and not entry[3] then entry[3] = redis.call('ZRANK', SETS.queue, visitor) end
  for _, value in ipairs({ entry[1], text(entry[2]), text(entry[3] or 0) }) do
    reply[#reply + 1] = value
  end
end
save()
return reply
