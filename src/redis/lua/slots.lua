--[[
Both limits of a room, what the stock allows, and what gives slots back; the second part of every queue script but
`override` and `arm`, after `room`.
Invariant: bucket + called <= burst + rate x claim window after refill(), refunds included; a slot is free only when
its call has expired or was given up, or when no token of its session can still be alive.

Returns nothing; adds no keys and no arguments of its own.
Cost: refill() none; reap() none while nothing is due, else per set that is due 2 reads, and for what has expired
1 to 3 writes (ZREM; ZADD for calls; HMGET and HDEL for sessions; HDEL for missed). O(log n + reap_limit) a set.
--]]
local MICRO = 1000000 -- the bucket is kept in millionths of a call, as whole text
local claim_window, late_grace = tonumber(argument.claim_window_ms), tonumber(argument.late_grace_ms)
local session_ms, session_max = tonumber(argument.session_ms), tonumber(argument.session_max_ms)
local capacity = tonumber(setting('total_active_users'))

-- Sessions known before a loss that have not shown their token since: they may still be alive.
local function absent_sessions()
  if number('known_until') <= now then return 0 end
  return math.max(0, number('known_sessions') - number('back_sessions'))
end

local function free_slots()
  return capacity - number('called') - number('sessions') - number('ended') - absent_sessions()
end

-- Calls a minute, and how many may happen at once after a lull: at least 3, since at small rates the calls of no-shows
-- that chance lets pile up would otherwise reach the bound (3 % lost at 7 a minute; measured by exactness.test.ts).
local function pace()
  local rate, burst = tonumber(setting('new_users_per_minute')), tonumber(setting('burst'))
  if setting('pacing') == '"headroom"' then
    local share = tonumber(setting('headroom_share')) / 100
    rate = 60 * math.max(tonumber(setting('headroom_min')), share * free_slots())
  end
  return rate, burst > 0 and burst or math.max(3, math.ceil(rate / 30))
end

local function refill()
  local rate, burst = pace()
  local tokens = state.tokens and number('tokens') or burst * MICRO
  local elapsed = state.refilled and math.max(0, now - number('refilled')) or 0
  -- Time fills the bucket up to burst; refunds not yet used stand above that, or the call that comes back would push out
  -- the one that time brings (at 60 a minute with three no-shows in ten: 11 % of the rate).
  local full = burst * MICRO + number('refunded')
  local filled = math.max(tokens, math.min(full, tokens + elapsed * rate * MICRO / 60000))
  local bound = (burst + rate * claim_window / 60000 - number('called')) * MICRO
  put('tokens', math.max(0, math.min(filled, bound)))
  put('refunded', math.min(number('refunded'), number('tokens')))
  put('refilled', now)
end

-- Seats that one session takes, as measured since the first report; counts like ten sessions of one seat each at first.
local function seats_per_session()
  local undecided = number('sessions') - stock.holders
  local decided = number('admitted_total') - number('stock_admitted') - math.max(0, undecided)
  local taken = math.max(0, stock.taken - number('stock_taken'))
  return math.max(0.02, (taken + 10) / (math.max(0, decided) + 10))
end

-- How many more may be called before those inside, as far as they will buy, cover what is left.
local function wanted_by_stock()
  if not stock then return NEVER end
  if not state.stock_taken then
    put('stock_taken', stock.taken)
    put('stock_admitted', number('admitted_total'))
  end
  local undecided = math.max(0, number('called') + number('sessions') + absent_sessions() - stock.holders)
  return math.max(0, math.ceil(stock.left / seats_per_session()) - undecided)
end

-- Calls that both limits and the stock allow now, after reap() and refill().
local function callable()
  return math.min(free_slots(), math.floor(number('tokens') / MICRO), wanted_by_stock())
end

-- The call is undone: its slot and its token return (refill() keeps the bound).
local function refund(n)
  add('called', -n)
  add('tokens', n * MICRO)
  add('refunded', n * MICRO)
end

-- Calls take what came back before what time brought.
local function spend(n)
  add('tokens', -n * MICRO)
  put('refunded', math.max(0, number('refunded') - n * MICRO))
end

-- The decaying sum of admissions, with a time constant of one minute.
local function admitted_sum()
  return number('admitted_sum') / 1000 * math.exp(-math.max(0, now - number('admitted_at')) / 60000)
end

-- Admissions per minute: a steady r a minute settles at r. While a run of admissions is young, the sum is still small
-- and is divided by the share that it would have reached (counted as 20 s old at least).
local function admitted_per_minute()
  local age = math.max(20000, now - number('admitted_since'))
  return admitted_sum() / (1 - math.exp(-age / 60000))
end

local function count_admitted(n)
  if n == 0 then return end
  add('admitted_total', n)
  local sum = admitted_sum()
  if sum < 0.05 then put('admitted_since', now) end
  put('admitted_sum', (sum + n) * 1000)
  put('admitted_at', now)
end

-- Remembers when a set next holds something to reap, so that a run with nothing due costs no command.
local function note_due(set, at)
  if at < tonumber(state[set .. '_due'] or NEVER) then put(set .. '_due', at) end
end

local function expired(set)
  if tonumber(state[set .. '_due'] or NEVER) > now then return {}, {} end
  local key, members, scores = SETS[set], {}, {}
  local found = redis.call('ZRANGEBYSCORE', key, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, argument.reap_limit)
  for i = 1, #found, 2 do
    members[#members + 1] = found[i]
    scores[#scores + 1] = tonumber(found[i + 1])
  end
  local following = redis.call('ZRANGE', key, #members, #members, 'WITHSCORES')
  put(set .. '_due', tonumber(following[2] or NEVER))
  if #members > 0 then bulk('ZREM', key, members) end
  return members, scores
end

-- place (us), whether the late return is used up (1) or not (0), start of the session (ms, 0 before the claim)
local function read_record(record)
  local place, late, started = string.match(record or '', '^(%d+),(%d),(%d+)$')
  return tonumber(place), tonumber(late), tonumber(started)
end

local function record_of(place, late, started)
  return text(place) .. ',' .. text(late) .. ',' .. text(started)
end

-- A session id is "<visitor>-<place>" (src/queue/session-id.ts).
local function read_session(session)
  local visitor, place = string.match(session, '^(.+)%-(%d+)$')
  return visitor, tonumber(place)
end

-- What is known of visitors goes. After a loss, while places at or below serving are put back once, it stays known
-- that theirs has been used: otherwise a token of one who has finished, or who leaves and returns, would be called again.
local function forget(visitors, places)
  if #visitors == 0 then return end
  local until_ms = number('restore_until')
  local used, ends, gone = {}, {}, {}
  for i, visitor in ipairs(visitors) do
    if until_ms > now and places[i] and places[i] > 0 and places[i] <= number('serving') then
      used[#used + 1] = visitor
      used[#used + 1] = record_of(places[i], 1, 0)
      ends[#ends + 1] = text(until_ms)
      ends[#ends + 1] = visitor
    else
      gone[#gone + 1] = visitor
    end
  end
  if #gone > 0 then bulk('HDEL', KEYS[7], gone) end
  if #used == 0 then return end
  bulk('HSET', KEYS[7], used)
  bulk('ZADD', SETS.missed, ends)
  note_due('missed', until_ms)
end

local function reap()
  local calls, deadlines = expired('called')
  if #calls > 0 then
    local missed = {}
    for i, visitor in ipairs(calls) do
      missed[#missed + 1] = text(deadlines[i] + late_grace)
      missed[#missed + 1] = visitor
      note_due('missed', deadlines[i] + late_grace)
    end
    bulk('ZADD', SETS.missed, missed)
    refund(#calls)
  end
  local lapsed = expired('missed')
  if #lapsed > 0 then bulk('HDEL', KEYS[7], lapsed) end
  local sessions = expired('sessions')
  if #sessions > 0 then
    add('sessions', -#sessions)
    -- After a loss an older copy lets go those who have renewed since it was made: they are hidden like the others.
    if number('known_until') > now then
      put('back_sessions', math.max(0, number('back_sessions') - #sessions))
    end
    local visitors, finished, places = {}, {}, {}
    for i, session in ipairs(sessions) do
      visitors[i] = read_session(session)
    end
    -- A visitor who has been called again since carries another record: that one stays.
    for i, record in ipairs(fetch('HMGET', KEYS[7], visitors)) do
      local place, _, started = read_record(record)
      local _, own = read_session(sessions[i])
      if started and started > 0 and place == own then
        finished[#finished + 1] = visitors[i]
        places[#places + 1] = place
      end
    end
    forget(finished, places)
  end
  add('ended', -#expired('ended'))
end

-- The one late return: to the front, at the visitor's own place. `was_called`: the call expired and is not reaped yet.
local function return_to_front(visitor, place, was_called)
  if was_called then refund(redis.call('ZREM', SETS.called, visitor)) end
  redis.call('ZREM', SETS.missed, visitor)
  redis.call('HSET', KEYS[7], visitor, record_of(place, 1, 0))
  -- Two tabs may ask in one batch: one return.
  local returned = redis.call('ZADD', SETS.queue, text(place), visitor)
  add('waiting', returned)
  add('called_total', -returned)
end
