--[[
The first part of every seat script: the clock, the holds that are due, the marks, the version and the delta log.
Invariant: a seat is marked 'h' exactly while `holders` names a hold for it, and every change of a mark is in the delta
log under a version that was never used before: max(last + 1, TIME in ms), so that a store which fell back to an older
copy of itself does not give one twice. A hold that is due is never answered as live, reaped or not.

KEYS[1] map      seats:{performance}:map      STRING  one character a seat by ordinal: f free, h held, s sold, b blocked
KEYS[2] holds    seats:{performance}:holds    ZSET    hold -> when it is due (ms): its expiry, or the end of its memory
KEYS[3] holders  seats:{performance}:holders  HASH    hold -> record; seat ordinal -> "fence hold"; "session:<session>" -> ids of its holds
KEYS[4] state    seats:{performance}:state    HASH    version; seats, their number, absent while no map is loaded
KEYS[5] deltas   seats:{performance}:deltas   LIST    "version:ordinal+mark,..." newest first, the latest 500 to 600

ARGV[1] reap_limit  number  at most so many holds are ended or forgotten in passing
ARGV[2] memory_ms   ms      how long an ended hold is remembered

A record is "status session fence expires lasts_until ordinals"; status is live, released, expired, sold, lost or freed.
Returns nothing.
Cost: 3 commands (TIME, HMGET, ZRANGEBYSCORE); 5 + seats for each hold that is due; 2 (HSET, LPUSH) where a mark changed.
O(log holds + seats of the holds that are due).
--]]
local map, holds, holders, state, deltas = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local reap_limit, memory_ms = ARGV[1], tonumber(ARGV[2])
local DELTAS_KEPT = 500

-- Lua prints numbers with 14 digits otherwise.
local function whole(number)
  return string.format('%.0f', number)
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HMGET', state, 'version', 'seats')
local version = tonumber(known[1] or '0')
local loaded = known[2] ~= false
local next_version = math.max(version + 1, now)
local changes = {}

local function split(ordinals)
  local list = {}
  for ordinal in string.gmatch(ordinals, '%d+') do
    list[#list + 1] = ordinal
  end
  return list
end

local function set_mark(ordinal, mark)
  -- Holds may have outlived their map: the rebuild will write it, and SETRANGE would begin one of zero bytes.
  if not loaded then
    return
  end
  redis.call('SETRANGE', map, ordinal, mark)
  changes[#changes + 1] = ordinal .. mark
end

-- Marks of ordinals that are in ascending order, by one command; nil where the map is shorter than they need.
local function marks_of(ordinals)
  local first, last = tonumber(ordinals[1]), tonumber(ordinals[#ordinals])
  local slice = redis.call('GETRANGE', map, whole(first), whole(last))
  if #slice ~= last - first + 1 then
    return nil
  end
  local marks = {}
  for i = 1, #ordinals do
    local at = tonumber(ordinals[i]) - first + 1
    marks[i] = string.sub(slice, at, at)
  end
  return marks
end

local function save(hold, due)
  local record = hold.status .. ' ' .. hold.session .. ' ' .. hold.fence .. ' ' .. whole(hold.expires)
    .. ' ' .. whole(hold.lasts_until) .. ' ' .. hold.ordinals
  redis.call('HSET', holders, hold.id, record)
  redis.call('ZADD', holds, whole(due), hold.id)
end

local function read_record(id)
  local record = redis.call('HGET', holders, id)
  if not record then
    return nil
  end
  local status, session, fence, expires, lasts_until, ordinals =
    string.match(record, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S*)$')
  return {
    id = id, status = status, session = session, fence = fence,
    expires = tonumber(expires), lasts_until = tonumber(lasts_until), ordinals = ordinals,
  }
end

-- Ends a hold, and frees the seats that are still its own: the fence tells, should the seat have gone through other hands.
local function finish(hold, status)
  local ordinals = split(hold.ordinals)
  if #ordinals > 0 then
    local owners = redis.call('HMGET', holders, unpack(ordinals))
    local own = {}
    for i = 1, #ordinals do
      if owners[i] == hold.fence .. ' ' .. hold.id then
        own[#own + 1] = ordinals[i]
        set_mark(ordinals[i], 'f')
      end
    end
    if #own > 0 then
      redis.call('HDEL', holders, unpack(own))
    end
  end
  hold.status = status
  save(hold, now + memory_ms)
end

-- The hold as it is at this moment: one that is due and was not reaped yet ends here.
local function find(id)
  local hold = read_record(id)
  if hold and hold.status == 'live' and hold.expires <= now then
    finish(hold, 'expired')
  end
  return hold
end

-- Takes a seat away from the hold that `owner` names, because Postgres says that it is not to be had.
local function lose(ordinal, owner)
  redis.call('HDEL', holders, ordinal)
  -- Not find(): a hold that is due stays to be reaped, for ending it here would mark seats that the caller is writing.
  local hold = read_record(string.match(owner, '^%S+ (%S+)$'))
  if hold == nil or hold.status ~= 'live' then
    return
  end
  local kept = {}
  for _, other in ipairs(split(hold.ordinals)) do
    if other ~= ordinal then
      kept[#kept + 1] = other
    end
  end
  hold.ordinals = table.concat(kept, ',')
  if #kept == 0 then
    finish(hold, 'lost')
  else
    save(hold, hold.expires)
  end
end

-- An ended hold whose memory is over: nothing of it stays, nor of a session that has no other.
local function forget(id, hold)
  redis.call('ZREM', holds, id)
  redis.call('HDEL', holders, id)
  if not hold or hold.session == '-' then
    return
  end
  local field, others = 'session:' .. hold.session, {}
  for other in string.gmatch(redis.call('HGET', holders, field) or '', '%S+') do
    if other ~= id then
      others[#others + 1] = other
    end
  end
  if #others == 0 then
    redis.call('HDEL', holders, field)
  else
    redis.call('HSET', holders, field, table.concat(others, ' '))
  end
end

local function reap()
  local due = redis.call('ZRANGEBYSCORE', holds, '-inf', whole(now), 'LIMIT', '0', reap_limit)
  for _, id in ipairs(due) do
    local hold = read_record(id)
    if hold and hold.status == 'live' then
      finish(hold, 'expired')
    else
      forget(id, hold)
    end
  end
end

-- Writes what this run has changed as one version of the log.
local function publish()
  if #changes == 0 then
    return
  end
  version = next_version
  redis.call('HSET', state, 'version', whole(version))
  local entry = whole(version) .. ':' .. table.concat(changes, ',')
  if redis.call('LPUSH', deltas, entry) > DELTAS_KEPT + 100 then
    redis.call('LTRIM', deltas, '0', whole(DELTAS_KEPT - 1))
  end
end

-- What changed since a version, oldest first; nil unless the log holds that very version: a version that this store never
-- had (it was lost, or it fell back) finds nothing, and the caller gets the whole map.
local function changes_since(since)
  if since == whole(version) then
    return {}
  end
  local newer = {}
  for _, entry in ipairs(redis.call('LRANGE', deltas, '0', '-1')) do
    local at, marks = string.match(entry, '^(%d+):(.*)$')
    if at == since then
      local oldest_first = {}
      for i = #newer, 1, -1 do
        oldest_first[#oldest_first + 1] = newer[i]
      end
      return oldest_first
    end
    newer[#newer + 1] = marks
  end
  return nil
end

if loaded then
  reap()
end
