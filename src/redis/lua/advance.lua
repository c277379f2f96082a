--[[
Moves the front and computes the public snapshot. Called by every isolate's snapshot refresh, and by cron as the floor.
Invariant: nobody is called while called + sessions + ended >= capacity, nor beyond the bucket; the order of calls is the
order of places; serving never falls within an epoch. Callers at once: the second finds the work of the first.

KEYS[1..8] as in room.lua; writes all of them.

ARGV[1..19] as in room.lua.
ARGV[20] room              text    name of the room, for the snapshot
ARGV[21] message           json    baseline text for the page, as a JSON string
ARGV[22] call_limit        number  at most so many are called in one run
ARGV[23] front_size        number  so many places of the front are listed
ARGV[24] fresh_ms          ms      a snapshot younger than this is returned as it is
ARGV[25] snapshot_ttl_ms   ms      life of the stored snapshot
ARGV[26] poll_after_ms     ms      hint for clients that do not compute

Returns the snapshot document, JSON (SnapshotDocument in src/redis/queue.ts), as stored.
Cost: 9 commands where somebody is called (TIME, HGETALL, ZPOPMIN, ZADD, HSET x 2, ZRANGE, SET, and EVALSHA itself), 6
where nobody is, one less where nobody waits, 4 where it is fresh, and reap(). O(called log n + front_size).
--]]
local age = now - number('advanced')
if age >= 0 and age < tonumber(ARGV[24]) then
  local document = redis.call('GET', KEYS[8])
  if document then
    save()
    return document
  end
end
reap()
refill()

local serving, run = number('serving'), room_state()
if run ~= 'recovering' and number('recovering_until') > 0 then
  -- Over: whoever was put back was told how many were ahead while others were still to come. Not exact any more.
  put('recovering_until', 0)
  add('left_total', 1)
end
local n = math.min(free_slots(), math.floor(number('tokens') / MICRO), number('waiting'), tonumber(ARGV[22]))
if run == 'open' and n > 0 then
  local popped = redis.call('ZPOPMIN', SETS.queue, text(n))
  local deadlines, records, first_calls, highest = {}, {}, 0, serving
  for i = 1, #popped, 2 do
    local place = tonumber(popped[i + 1])
    -- Below serving stands only who was called before; the counter counts first calls, or positions would drift.
    local late = place <= serving and 1 or 0
    first_calls = first_calls + 1 - late
    highest = math.max(highest, place)
    deadlines[#deadlines + 1] = text(now + claim_window)
    deadlines[#deadlines + 1] = popped[i]
    records[#records + 1] = popped[i]
    records[#records + 1] = record_of(place, late, 0)
  end
  local count = #popped / 2
  if count > 0 then
    add('called', (bulk('ZADD', SETS.called, deadlines)))
    bulk('HSET', KEYS[7], records)
    note_due('called', now + claim_window)
    -- Fewer than asked for: the queue is empty, whatever was counted.
    put('waiting', count < n and 0 or number('waiting') - count)
    add('tokens', -count * MICRO)
    add('called_total', first_calls)
    put('serving', highest)
  end
end

local front, members = {}, {}
if number('waiting') > 0 then members = redis.call('ZRANGE', SETS.queue, 0, tonumber(ARGV[23]) - 1, 'WITHSCORES') end
for i = 2, #members, 2 do
  front[#front + 1] = text(tonumber(members[i]))
end
if state.late_waiting == '1' and (tonumber(members[2]) or NEVER) > number('serving') then put('late_waiting', 0) end
local live = {}
for field, value in pairs(state) do
  local name = string.match(field, '^live:(.+)$')
  if name then live[#live + 1] = '"' .. name .. '":' .. value end
end
local quiet = run == 'open'
  and setting('queue_all', 11) ~= 'true'
  and number('waiting') == 0
  and number('tokens') >= MICRO
  and free_slots() > 0

-- Room and sale are of a safe alphabet (src/ids.ts, src/config/room.ts); everything else is a number or JSON already.
local document = '{"snapshot":{"room":"' .. ARGV[20] .. '","sale":"' .. sale .. '"'
  .. ',"epoch":' .. text(number('epoch')) .. ',"at":' .. text(now) .. ',"state":"' .. run .. '"'
  .. ',"serving":' .. text(number('serving')) .. ',"waiting":' .. text(number('waiting'))
  .. ',"called":' .. text(number('called')) .. ',"sessions":' .. text(number('sessions'))
  .. ',"calledTotal":' .. text(number('called_total')) .. ',"leftTotal":' .. text(number('left_total'))
  .. ',"admittedPerMinute":' .. string.format('%.1f', admitted_per_minute())
  .. ',"front":[' .. table.concat(front, ',') .. '],"stock":null,"message":' .. setting('message', 21)
  .. ',"pollAfterMs":' .. ARGV[26] .. ',"degraded":false}'
  .. ',"live":{' .. table.concat(live, ',') .. '},"quiet":' .. tostring(quiet) .. '}'
redis.call('SET', KEYS[8], document, 'PX', ARGV[25])
put('advanced', now)
save()
return document
