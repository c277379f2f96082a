--[[
The first part of every seat script: the clock, the marks of seats and what they count up to.
Invariant: a mark is written in one way alone, which notes it for the delta log and the counts (log.lua).

KEYS[1] map      seats:{performance}:map      STRING  one character a seat by ordinal: f free, a accessible, h held, s sold, b blocked
KEYS[2] holds    seats:{performance}:holds    ZSET    hold -> when it is due (ms): its expiry, or the end of its memory
KEYS[3] holders  seats:{performance}:holders  HASH    hold -> record (records.lua); seat ordinal -> "fence hold"; "session:<session>" -> ids of its live holds
KEYS[4] state    seats:{performance}:state    HASH    version; seats, their number, absent while no map is loaded; counted; based
KEYS[5] deltas   seats:{performance}:deltas   LIST    "version:ordinal+mark,..." newest first, the latest 500 to 600
KEYS[6] base     seats:{performance}:base     STRING  like the map: what each seat is while nobody has it: f, a, b
KEYS[7] layout   seats:{performance}:layout   STRING  a line for each run of seats and each area (seat-layout.ts)

ARGV[1] reap_limit  number  at most so many holds are ended or forgotten in passing
ARGV[2] memory_ms   ms      how long an ended hold is remembered

`counted` is "version free accessible held sold sessions", sessions being those with a live hold. It is kept with every change
and good only for its own version: whoever needs the counts and finds another counts anew (counts.lua).
`based` is the version of the latest change by an operator (change.lua).
Returns nothing.
Cost: 2 commands (TIME, HMGET), 1 for each run of neighbours that is read or written. O(seats that change).
--]]
local map, holds, holders, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local deltas, base, layout = KEYS[5], KEYS[6], KEYS[7]
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
  local at, f, a, h, s, sessions = string.match(known[3] or '', '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  if loaded and tonumber(at) == version then
    counts = {
      f = tonumber(f), a = tonumber(a), h = tonumber(h), s = tonumber(s), sessions = tonumber(sessions),
    }
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

-- Writes characters of the map or the base at ascending ordinals: one command for each run of neighbours.
local function write(key, ordinals, marks)
  local first = 1
  for i = 1, #ordinals do
    if tonumber(ordinals[i + 1]) ~= tonumber(ordinals[i]) + 1 then
      redis.call('SETRANGE', key, ordinals[first], table.concat(marks, '', first, i))
      first = i + 1
    end
  end
end

-- Characters of the map or the base at ascending ordinals, by one command; nil where it is shorter than they need.
local function read(key, ordinals)
  if #ordinals == 0 then
    return {}
  end
  local first, last = tonumber(ordinals[1]), tonumber(ordinals[#ordinals])
  local slice = redis.call('GETRANGE', key, whole(first), whole(last))
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

-- `ordinals` ascending, `marks` one for each.
local function set_marks(ordinals, marks)
  -- Holds may have outlived their map: the rebuild will write it, and SETRANGE would begin one of zero bytes.
  if not loaded then
    return
  end
  write(map, ordinals, marks)
  for i = 1, #ordinals do
    local ordinal, mark = ordinals[i], marks[i]
    changes[#changes + 1] = ordinal .. mark
    -- Unread is only a seat of a hold that ends: its owner was looked at, so it is held.
    count(marked[ordinal] or 'h', -1)
    count(mark, 1)
    marked[ordinal] = mark
  end
end

-- Marks of ordinals that are in ascending order; nil where the map is shorter than they need.
local function marks_of(ordinals)
  local marks = read(map, ordinals)
  for i = 1, marks and #ordinals or 0 do
    marked[ordinals[i]] = marks[i]
  end
  return marks
end

-- What the seats are while nobody has them. A base that was lost alone makes the map unloaded: what was kept back must not
-- become free, and the rebuild knows.
local function base_marks(ordinals)
  local marks = read(base, ordinals)
  if not marks then
    redis.call('HDEL', state, 'seats')
    loaded = false
  end
  return marks or {}
end
