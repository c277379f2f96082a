--[[
Both limits of a room and what gives slots back; the second part of every queue script but `override`, after `room`.
Invariant: bucket + called <= burst + rate x claim window after refill(), refunds included; a slot is free only when
its call has expired or was given up, or when no token of its session can still be alive.

Returns nothing; adds no keys and no arguments of its own.
Cost: refill() none; reap() none while nothing is due, else per set that is due 2 reads, and for what has expired
1 to 3 writes (ZREM; ZADD for calls; HMGET and HDEL for sessions; HDEL for missed). O(log n + reap_limit) a set.
--]]
local MICRO = 1000000 -- the bucket is kept in millionths of a call, as whole text
local claim_window, late_grace = tonumber(ARGV[13]), tonumber(ARGV[14])
local session_ms, session_max = tonumber(ARGV[15]), tonumber(ARGV[16])
local capacity = tonumber(setting('total_active_users', 7))
local rate = tonumber(setting('new_users_per_minute', 8))
local burst = tonumber(setting('burst', 9))
-- At least 2: with 1, what flows in between two refreshes beyond the first whole call would be lost (6 % at 7 a minute).
if burst == 0 then burst = math.max(2, math.ceil(rate / 30)) end

local function free_slots()
  return capacity - number('called') - number('sessions') - number('ended')
end

local function refill()
  local tokens = state.tokens and number('tokens') or burst * MICRO
  local elapsed = state.refilled and math.max(0, now - number('refilled')) or 0
  -- Time fills the bucket up to burst only; refunds may stand above it, up to the bound.
  local filled = math.max(tokens, math.min(burst * MICRO, tokens + elapsed * rate * MICRO / 60000))
  local bound = (burst + rate * claim_window / 60000 - number('called')) * MICRO
  put('tokens', math.max(0, math.min(filled, bound)))
  put('refilled', now)
end

-- The call is undone: its slot and its token return (refill() keeps the bound).
local function refund(n)
  add('called', -n)
  add('tokens', n * MICRO)
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
  local found = redis.call('ZRANGEBYSCORE', key, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, ARGV[19])
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
    local visitors, finished = {}, {}
    for i, session in ipairs(sessions) do
      visitors[i] = read_session(session)
    end
    -- A visitor who has been called again since carries another record: that one stays.
    for i, record in ipairs(fetch('HMGET', KEYS[7], visitors)) do
      local place, _, started = read_record(record)
      local _, own = read_session(sessions[i])
      if started and started > 0 and place == own then finished[#finished + 1] = visitors[i] end
    end
    if #finished > 0 then bulk('HDEL', KEYS[7], finished) end
  end
  add('ended', -#expired('ended'))
end

-- The one late return: to the front, at the visitor's own place. `was_called`: the call expired and is not reaped yet.
local function return_to_front(visitor, place, was_called)
  if was_called then refund(redis.call('ZREM', SETS.called, visitor)) end
  redis.call('ZREM', SETS.missed, visitor)
  redis.call('HSET', KEYS[7], visitor, record_of(place, 1, 0))
  put('late_waiting', 1)
  add('waiting', redis.call('ZADD', SETS.queue, text(place), visitor))
end
