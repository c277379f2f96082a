--[[
Opens a room: the first part of every queue script but `override` and `arm`. Reads clock and state, notices a changed sale
and a store that has lost something, and gives the script its words for reading and writing the state.
Invariant: all deciding times come from Redis TIME; a number leaves Lua only through text(), since Lua prints 14 digits;
`waiting`, `called`, `sessions` and `ended` in the state equal the sizes of their sets after every script.

KEYS[1]  state     wr:{room}:state     HASH    field -> text; `live:<setting>` holds overrides as JSON
KEYS[2]  queue     wr:{room}:queue     ZSET    visitor -> place (us)
KEYS[3]  called    wr:{room}:called    ZSET    visitor -> deadline to claim (ms)
KEYS[4]  missed    wr:{room}:missed    ZSET    visitor -> end of the one late return (ms)
KEYS[5]  sessions  wr:{room}:sessions  ZSET    session -> expiry (ms)
KEYS[6]  ended     wr:{room}:ended     ZSET    session -> expiry of its last token (ms)
KEYS[7]  places    wr:{room}:places    HASH    visitor, once called -> "place,late,startedAtMs"
KEYS[8]  snapshot  wr:{room}:snapshot  STRING  the snapshot document, JSON
KEYS[9]  log       wr:{room}:log       LIST    changes of settings, JSON, oldest first
KEYS[10] entries   wr:{room}:entries   LIST    visitors who entered the draw, in order

ARGV[1]  sale                     text     name of the sale
ARGV[2]  floor                    us       lowest place that this sale can have given
ARGV[3]  seen_epoch               number   what the caller has seen of the room; 0 for nothing
ARGV[4]  seen_place               us       highest place that the caller has seen
ARGV[5]  seen_serving             us
ARGV[6]  seen_settled             us       nobody at or below it can return any more
ARGV[7]  seen_sessions            number   sessions when the caller last looked
ARGV[8]  recovery_ms              ms       nobody is called for so long after a loss
ARGV[9]  total_active_users       number   baseline; an override in the state goes before it, here and below
ARGV[10] new_users_per_minute     number
ARGV[11] burst                    number   0 stands for two seconds of the rate, at least 3
ARGV[12] pacing                   json     "fixed" or "headroom", as JSON
ARGV[13] headroom_min             number   calls a second at least, with headroom pacing
ARGV[14] headroom_share           number   percent of what is free that headroom pacing calls in a second
ARGV[15] prequeue_start_time      ms       0 for none
ARGV[16] event_start_time         ms       0 for none
ARGV[17] event_end_time           ms       0 for none
ARGV[18] paused                   boolean
ARGV[19] sold_out                 boolean  the operator's word
ARGV[20] queue_all                boolean
ARGV[21] queueing_method          text
ARGV[22] claim_window_ms          ms
ARGV[23] late_grace_ms            ms
ARGV[24] session_ms               ms
ARGV[25] session_max_ms           ms
ARGV[26] disable_session_renewal  boolean
ARGV[27] admission_token_ttl_ms   ms
ARGV[28] reap_limit               number   at most so many of a set are reaped in one run

Returns nothing; an error where the caller's sale is one that this room has replaced.
Cost: 2 commands (TIME, HGETALL), and 1 HSET where the script saves; 8 more on a new epoch, 2 more where it forgets a
draw. O(fields of the state).
--]]
local NAMES = {
  'sale', 'floor', 'seen_epoch', 'seen_place', 'seen_serving', 'seen_settled', 'seen_sessions', 'recovery_ms',
  'total_active_users', 'new_users_per_minute', 'burst', 'pacing', 'headroom_min', 'headroom_share',
  'prequeue_start_time', 'event_start_time', 'event_end_time', 'paused', 'sold_out', 'queue_all', 'queueing_method',
  'claim_window_ms', 'late_grace_ms', 'session_ms', 'session_max_ms', 'disable_session_renewal',
  'admission_token_ttl_ms', 'reap_limit',
}
local ROOM_ARGUMENTS, CHUNK, NEVER = #NAMES, 4000, 9007199254740991
local SETS = { queue = KEYS[2], called = KEYS[3], missed = KEYS[4], sessions = KEYS[5], ended = KEYS[6] }
local COUNTED = { waiting = 'queue', called = 'called', sessions = 'sessions', ended = 'ended' }
local argument = {}
for i, name in ipairs(NAMES) do
  argument[name] = ARGV[i]
end

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
local function setting(name)
  return state['live:' .. name] or argument[name]
end

-- A switch that holds when either the deployment or the override throws it: the break-glass must not be undone by an
-- override that was forgotten.
local function forced(name)
  return argument[name] == 'true' or setting(name) == 'true'
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

local sale, seen_epoch = argument.sale, tonumber(argument.seen_epoch)
local seen_place, seen_serving = tonumber(argument.seen_place), tonumber(argument.seen_serving)

-- What is known of a draw: all fields whose names begin so, and the list of entries.
local function forget_draw()
  local forgotten = {}
  for field in pairs(state) do
    if string.sub(field, 1, 4) == 'draw' then forgotten[#forgotten + 1] = field end
  end
  if #forgotten == 0 then return end
  for _, field in ipairs(forgotten) do
    state[field], changed[field] = nil, nil
  end
  bulk('HDEL', KEYS[1], forgotten)
  redis.call('UNLINK', KEYS[10])
end

local function begin_epoch()
  put('epoch', math.max(number('epoch'), seen_epoch) + 1)
  put('sale', sale)
  for _, field in ipairs({ 'advanced', 'called_total', 'left_total' }) do
    put(field, 0)
  end
  put('departures', '')
  for field, set in pairs(COUNTED) do
    put(field, redis.call('ZCARD', SETS[set]))
  end
  -- What is due is not known any more: the next run looks.
  for _, set in ipairs({ 'called', 'missed', 'sessions', 'ended' }) do
    put(set .. '_due', 0)
  end
  redis.call('UNLINK', KEYS[8])
end

-- Nobody is called until everyone has had the time to come back, and the sessions last known keep their slots until
-- they are back or can no longer be alive.
local function begin_recovery()
  begin_epoch()
  local ends = now + tonumber(argument.recovery_ms)
  put('recovering_until', ends)
  put('restore_until', ends + tonumber(argument.late_grace_ms))
  put('known_until', now + tonumber(argument.session_ms))
  put('known_sessions', tonumber(argument.seen_sessions))
  put('back_sessions', number('sessions') + number('ended'))
  put('tokens', 0)
  put('refilled', now)
  -- Entries of the pre-queue are begun anew: some may be missing, and a chain that others have seen cannot be mended.
  if number('draw_closed') == 0 then forget_draw() end
end

if state['retired:' .. sale] then
  return redis.error_reply(
    'SALE "' .. sale .. '" of this room was replaced by "' .. state.sale .. '": give a new sale a name of its own'
  )
end

-- Entries close at the opening, and never later than the header of the draw has promised. What has closed stays closed,
-- also where the opening is moved afterwards: by then the outcome may be known. An opening that is moved into the past
-- closes them now, not then: nobody is told that they closed before the last of them came.
if argument.queueing_method == 'lottery' and number('draw_count') > 0 and number('draw_closed') == 0 then
  local closes = math.min(tonumber(setting('event_start_time')), number('draw_closes'))
  if now >= closes then put('draw_closed', math.max(closes, number('draw_entered'))) end
end

local epoch = number('epoch')
if epoch > 0 and state.sale ~= sale then
  redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[10])
  put('retired:' .. state.sale, now)
  -- Last place and serving stay: every place of the new sale is above them.
  for _, field in ipairs({ 'recovering_until', 'restore_until', 'known_until', 'settled' }) do
    put(field, 0)
  end
  put('settling', '')
  -- Overrides were meant for the sale before. Later than any of them, so that no isolate puts them back.
  for field in pairs(state) do
    if string.match(field, '^live:') then
      redis.call('HDEL', KEYS[1], field)
      state[field], changed[field] = nil, nil
      put('live_at', math.max(now, number('live_at') + 1))
    end
  end
  forget_draw()
  begin_epoch()
elseif
  seen_epoch > epoch
  or (epoch > 0 and seen_epoch == epoch and (number('last') < seen_place or number('serving') < seen_serving))
then
  begin_recovery()
elseif epoch == 0 and state.armed == sale then
  begin_epoch()
elseif epoch == 0 then
  -- New, or empty because it was lost: only a deployment that armed the room could tell.
  begin_recovery()
  put('unarmed', 1)
  -- Another epoch than any that was lost, so that every client sees by the snapshot that it must show its token.
  put('epoch', math.floor(now / 1000))
end
-- Deployed without the lottery while its draw was to come: entries are places by their time now. A new epoch tells all.
if argument.queueing_method ~= 'lottery' and number('draw_count') > 0 and state.drawn ~= '1' then
  forget_draw()
  begin_epoch()
end
-- Callers who knew the room in an earlier epoch teach it what they had seen.
if seen_epoch < number('epoch') then
  if seen_place > number('last') then put('last', seen_place) end
  -- But for what was called before a draw, which says nothing about drawn places.
  if seen_serving > number('serving') and seen_epoch >= number('drawn_epoch') then put('serving', seen_serving) end
  if number('recovering_until') > now and tonumber(argument.seen_sessions) > number('known_sessions') then
    put('known_sessions', tonumber(argument.seen_sessions))
  end
end
if tonumber(argument.seen_settled) > number('settled') and seen_epoch >= number('drawn_epoch') then
  put('settled', tonumber(argument.seen_settled))
end

-- Seats as the origin reports them, over all performances of the room; nil without a report.
local function read_stock()
  local stock
  for field, value in pairs(state) do
    local left, held, holders, taken = string.match(value, '^(%d+),(%d+),(%d+),(%d+),')
    if left and string.sub(field, 1, 6) == 'stock:' then
      stock = stock or { left = 0, held = 0, holders = 0, taken = 0 }
      stock.left, stock.held = stock.left + left, stock.held + held
      stock.holders, stock.taken = stock.holders + holders, stock.taken + taken
    end
  end
  return stock
end
local stock = read_stock()

-- Entries wait for their places.
local function draw_pending()
  return argument.queueing_method == 'lottery' and number('draw_count') > 0 and state.drawn ~= '1'
end

local function room_state()
  local opening, closing = tonumber(setting('event_start_time')), tonumber(setting('event_end_time'))
  if argument.queueing_method == 'reject' or (closing > 0 and now >= closing) then return 'closed' end
  if draw_pending() and number('draw_closed') > 0 then return 'drawing' end
  if now < opening then
    local from = tonumber(argument.prequeue_start_time)
    return from > 0 and now >= from and 'prequeue' or 'idle'
  end
  if number('recovering_until') > now then return 'recovering' end
  if setting('sold_out') == 'true' or (stock and stock.left + stock.held == 0) then return 'sold_out' end
  if setting('paused') == 'true' then return 'paused' end
  return 'open'
end
