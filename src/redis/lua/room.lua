--[[
Opens a room: the first part of every queue script but `override`. Reads clock and state, notices a changed sale and a
store that has lost something, and gives the script its words for reading and writing the state.
Invariant: all deciding times come from Redis TIME; a number leaves Lua only through text(), since Lua prints 14 digits;
`waiting`, `called`, `sessions` and `ended` in the state equal the sizes of their sets after every script.

KEYS[1] state     wr:{room}:state     HASH    field -> text; `live:<setting>` holds overrides as JSON
KEYS[2] queue     wr:{room}:queue     ZSET    visitor -> place (us)
KEYS[3] called    wr:{room}:called    ZSET    visitor -> deadline to claim (ms)
KEYS[4] missed    wr:{room}:missed    ZSET    visitor -> end of the one late return (ms)
KEYS[5] sessions  wr:{room}:sessions  ZSET    session -> expiry (ms)
KEYS[6] ended     wr:{room}:ended     ZSET    session -> expiry of its last token (ms)
KEYS[7] places    wr:{room}:places    HASH    visitor, once called -> "place,late,startedAtMs"
KEYS[8] snapshot  wr:{room}:snapshot  STRING  the snapshot document, JSON

ARGV[1]  sale                     text     name of the sale
ARGV[2]  floor                    us       lowest place that this sale can have given
ARGV[3]  seen_epoch               number   what the caller has seen of the room; 0 for nothing
ARGV[4]  seen_place               us       highest place that the caller has seen
ARGV[5]  seen_serving             us
ARGV[6]  recovery_ms              ms       nobody is called for so long after a loss
ARGV[7]  total_active_users       number   baseline; an override in the state goes before it, here and below
ARGV[8]  new_users_per_minute     number
ARGV[9]  burst                    number   0 stands for two seconds of the rate, at least 2
ARGV[10] paused                   boolean
ARGV[11] queue_all                boolean
ARGV[12] queueing_method          text
ARGV[13] claim_window_ms          ms
ARGV[14] late_grace_ms            ms
ARGV[15] session_ms               ms
ARGV[16] session_max_ms           ms
ARGV[17] disable_session_renewal  boolean
ARGV[18] admission_token_ttl_ms   ms
ARGV[19] reap_limit               number   at most so many of a set are reaped in one run

Returns nothing; an error where the caller's sale is one that this room has replaced.
Cost: 2 commands (TIME, HGETALL), and 1 HSET where the script saves; 8 more on a new epoch. O(fields of the state).
--]]
local ROOM_ARGUMENTS, CHUNK, NEVER = 19, 4000, 9007199254740991
local SETS = { queue = KEYS[2], called = KEYS[3], missed = KEYS[4], sessions = KEYS[5], ended = KEYS[6] }
local COUNTED = { waiting = 'queue', called = 'called', sessions = 'sessions', ended = 'ended' }

local function text(n)
  return string.format('%.0f', n)
end

local clock = redis.call('TIME')
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now = math.floor(now_us / 1000)

local state, changed = {}, {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  state[fields[i]] = fields[i + 1]
end

local function number(field)
  return tonumber(state[field] or '0')
end

local function put(field, value)
  state[field] = type(value) == 'number' and text(value) or value
  changed[field] = true
end

local function add(field, n)
  if n ~= 0 then put(field, number(field) + n) end
end

local function save()
  local list = {}
  for field in pairs(changed) do
    list[#list + 1] = field
    list[#list + 1] = state[field]
  end
  if #list > 0 then redis.call('HSET', KEYS[1], unpack(list)) end
end

-- A setting as text: the live override where there is one, else the baseline.
local function setting(name, index)
  return state['live:' .. name] or ARGV[index]
end

-- A variadic command over any number of values, in chunks that `unpack` can hold: integer replies are summed,
-- array replies joined.
local function bulk(command, key, values)
  local sum, joined = 0, {}
  for from = 1, #values, CHUNK do
    local reply = redis.call(command, key, unpack(values, from, math.min(from + CHUNK - 1, #values)))
    if type(reply) == 'number' then
      sum = sum + reply
    else
      for i = 1, math.min(CHUNK, #values - from + 1) do
        joined[from + i - 1] = reply[i]
      end
    end
  end
  return sum, joined
end

local function fetch(command, key, members)
  local _, joined = bulk(command, key, members)
  return joined
end

local sale, seen_epoch = ARGV[1], tonumber(ARGV[3])
local seen_place, seen_serving = tonumber(ARGV[4]), tonumber(ARGV[5])

local function begin_epoch()
  put('epoch', math.max(number('epoch'), seen_epoch) + 1)
  put('sale', sale)
  put('advanced', 0)
  for field, set in pairs(COUNTED) do
    put(field, redis.call('ZCARD', SETS[set]))
  end
  -- What is due is not known any more: the next run looks.
  for _, set in ipairs({ 'called', 'missed', 'sessions', 'ended' }) do
    put(set .. '_due', 0)
  end
  redis.call('UNLINK', KEYS[8])
end

if state['retired:' .. sale] then
  return redis.error_reply(
    'SALE "' .. sale .. '" of this room was replaced by "' .. state.sale .. '": give a new sale a name of its own'
  )
end

local epoch = number('epoch')
if epoch > 0 and state.sale ~= sale then
  redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7])
  put('retired:' .. state.sale, now)
  -- Last place and serving stay: every place of the new sale is above them.
  for _, field in ipairs({ 'called_total', 'left_total', 'recovering_until', 'restore_until' }) do
    put(field, 0)
  end
  begin_epoch()
elseif
  seen_epoch > epoch
  or (epoch > 0 and seen_epoch == epoch and (number('last') < seen_place or number('serving') < seen_serving))
then
  begin_epoch()
  put('recovering_until', now + tonumber(ARGV[6]))
  put('restore_until', now + tonumber(ARGV[6]) + tonumber(ARGV[14]))
  put('tokens', 0)
  put('refilled', now)
elseif epoch == 0 then
  begin_epoch()
end
-- Callers who knew the room in an earlier epoch teach it what they had seen.
if seen_epoch < number('epoch') then
  if seen_place > number('last') then put('last', seen_place) end
  if seen_serving > number('serving') then put('serving', seen_serving) end
end

local function room_state()
  if ARGV[12] == 'reject' then return 'closed' end
  if number('recovering_until') > now then return 'recovering' end
  if setting('paused', 10) == 'true' then return 'paused' end
  return 'open'
end
