--[[
The first part of every seat script: the clock, the holds that are due, the marks and what they count up to.
Invariant: a seat is marked 'h' exactly while `holders` names a hold for it, and a session is listed exactly while it has a
hold that was not ended. A hold that is due is never answered as live, reaped or not.

KEYS[1] map      seats:{performance}:map      STRING  one character a seat by ordinal: f free, h held, s sold, b blocked
KEYS[2] holds    seats:{performance}:holds    ZSET    hold -> when it is due (ms): its expiry, or the end of its memory
KEYS[3] holders  seats:{performance}:holders  HASH    hold -> record; seat ordinal -> "fence hold"; "session:<session>" -> ids of its live holds
KEYS[4] state    seats:{performance}:state    HASH    version; seats, their number, absent while no map is loaded; counted
KEYS[5] deltas   seats:{performance}:deltas   LIST    "version:ordinal+mark,..." newest first, the latest 500 to 600

ARGV[1] reap_limit  number  at most so many holds are ended or forgotten in passing
ARGV[2] memory_ms   ms      how long an ended hold is remembered

A record is "status session fence expires lasts_until ordinals"; status is live, released, expired, sold, lost or freed.
`counted` is "version free held sold sessions", sessions being those with a live hold. It is kept with every change and good
only for its own version: whoever needs the counts and finds another counts anew (counts.lua).
Returns nothing.
Cost: 3 commands (TIME, HMGET, ZRANGEBYSCORE); 4 + seats for each hold that is due, 2 for each that is forgotten.
O(log holds + seats of the holds that are due).
--]]
local map, holds, holders, state, deltas = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local reap_limit, memory_ms = ARGV[1], tonumber(ARGV[2])

-- Lua prints numbers with 14 digits otherwise.
local function whole(number)
  return string.format('%.0f', number)
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HMGET', state, 'version', 'seats', 'counted')
local version = tonumber(known[1] or '0')
local loaded = known[2] ~= false
local next_version = math.max(version + 1, now)
local changes = {}
-- Seats by mark, and sessions with a live hold; nil where nobody has counted this version.
local counts
do
  local at, f, h, s, sessions = string.match(known[3] or '', '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if loaded and tonumber(at) == version then
    counts = { f = tonumber(f), h = tonumber(h), s = tonumber(s), sessions = tonumber(sessions) }
  end
end
-- Ordinal -> its mark, as this run has read or written it.
local marked = {}

local function count(what, by)
  if counts and counts[what] then
    counts[what] = counts[what] + by
  end
end

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
  -- Unread is only a seat of a hold that ends: its owner was looked at, so it is held.
  count(marked[ordinal] or 'h', -1)
  count(mark, 1)
  marked[ordinal] = mark
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
    marked[ordinals[i]] = marks[i]
  end
  return marks
end

-- `more`: further fields of `holders` and their values, written by the same command.
local function save(hold, due, more)
  local record = hold.status .. ' ' .. hold.session .. ' ' .. hold.fence .. ' ' .. whole(hold.expires)
    .. ' ' .. whole(hold.lasts_until) .. ' ' .. hold.ordinals
  redis.call('HSET', holders, hold.id, record, unpack(more or {}))
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
  local ordinals, list = split(hold.ordinals), 'session:' .. hold.session
  local owners = redis.call('HMGET', holders, list, unpack(ordinals))
  local over, others = {}, {}
  for i = 1, #ordinals do
    if owners[i + 1] == hold.fence .. ' ' .. hold.id then
      over[#over + 1] = ordinals[i]
      set_mark(ordinals[i], 'f')
    end
  end
  for other in string.gmatch(owners[1] or '', '%S+') do
    if other ~= hold.id then
      others[#others + 1] = other
    end
  end
  if #others == 0 then
    over[#over + 1] = list
    count('sessions', -1)
  end
  if #over > 0 then
    redis.call('HDEL', holders, unpack(over))
  end
  hold.status = status
  save(hold, now + memory_ms, #others > 0 and { list, table.concat(others, ' ') })
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

-- Ends holds that are due, and forgets ended ones whose memory is over; answers how many there were.
local function reap()
  local due = redis.call('ZRANGEBYSCORE', holds, '-inf', whole(now), 'LIMIT', '0', reap_limit)
  for _, id in ipairs(due) do
    local hold = read_record(id)
    if hold and hold.status == 'live' then
      finish(hold, 'expired')
    else
      redis.call('ZREM', holds, id)
      redis.call('HDEL', holders, id)
    end
  end
  return #due
end

local reaped = loaded and reap() or 0
