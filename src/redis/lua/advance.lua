--[[
Moves the front and computes the public snapshot. Called by every isolate's snapshot refresh, and by cron as the floor.
Invariant: nobody is called while called + sessions + ended >= capacity, nor beyond the bucket, nor beyond what the stock
bears; the order of calls is the order of places; serving never falls within an epoch. Callers at once: the second finds
the work of the first.

KEYS[1..10] as in room.lua; writes all of them but entries.

ARGV[1..28] as in room.lua.
ARGV[29] room              text    name of the room, for the snapshot
ARGV[30] message           json    baseline text for the page
ARGV[31] baseline          json    every live setting as it was deployed, for the log
ARGV[32] seen_live_at      ms      when the overrides that the caller has seen were last changed, 0 for none
ARGV[33] seen_live         json    those overrides: an object of setting -> value
ARGV[34] seen_draw         json    a draw whose entries the caller has seen closed, as an object; "" for none
ARGV[35] call_limit        number  at most so many are called in one run
ARGV[36] front_size        number  so many places of the front are listed
ARGV[37] fresh_ms          ms      a snapshot younger than this is returned as it is
ARGV[38] snapshot_ttl_ms   ms      life of the stored snapshot
ARGV[39] poll_after_ms     ms      hint for clients that do not compute
ARGV[40] hurry_ms          ms      the same where the last seats may go at any moment
ARGV[41] log_limit         number  entries kept in the log

Returns the snapshot document, JSON (SnapshotDocument in src/redis/queue.ts), as stored.
Cost: 9 commands where somebody is called (TIME, HGETALL, ZPOPMIN, ZADD, HSET x 2, ZRANGE, SET, and EVALSHA itself), 6
where nobody is, one less where nobody waits, 4 where it is fresh, and reap(); 2 more (RPUSH, LTRIM) where a deployment
has changed a setting. O(called log n + front_size).
--]]
local extra = ROOM_ARGUMENTS
local room, message, baseline = ARGV[extra + 1], ARGV[extra + 2], ARGV[extra + 3]
local seen_live_at, seen_live = tonumber(ARGV[extra + 4]), ARGV[extra + 5]
local seen_draw = ARGV[extra + 6]
local call_limit, front_size = tonumber(ARGV[extra + 7]), tonumber(ARGV[extra + 8])
local fresh_ms, snapshot_ttl_ms = tonumber(ARGV[extra + 9]), ARGV[extra + 10]
local poll_after_ms, hurry_ms, log_limit = ARGV[extra + 11], ARGV[extra + 12], tonumber(ARGV[extra + 13])

local age = now - number('advanced')
if age >= 0 and age < fresh_ms and seen_live_at <= number('live_at') then
  local document = redis.call('GET', KEYS[8])
  if document then
    save()
    return document
  end
end

local function log(setting_name, value)
  redis.call('RPUSH', KEYS[9], '{"at":' .. text(now) .. ',"setting":"' .. setting_name .. '","value":' .. value .. '}')
  redis.call('LTRIM', KEYS[9], -log_limit, -1)
end

-- What was deployed, where it differs; before what is restored on top of it. While a deployment rolls out both versions
-- call: going back counts after a minute.
local deployed = redis.sha1hex(baseline)
if state.deployed ~= deployed and not (state.deployed_before == deployed and now - number('deployed_at') < 60000) then
  log('deployed', baseline)
  put('deployed_before', state.deployed or '')
  put('deployed', deployed)
  put('deployed_at', now)
end

-- The store has forgotten overrides that a caller still knows.
if seen_live_at > number('live_at') then
  local lost = cjson.decode(seen_live)
  for field in pairs(state) do
    local name = string.match(field, '^live:(.+)$')
    if name and lost[name] == nil then
      redis.call('HDEL', KEYS[1], field)
      state[field], changed[field] = nil, nil
    end
  end
  for name, value in pairs(lost) do
    put('live:' .. name, type(value) == 'number' and text(value) or cjson.encode(value))
  end
  put('live_at', seen_live_at)
  capacity = tonumber(setting('total_active_users'))
  log('restored', seen_live)
end

-- The store has forgotten a draw, or entries of it: head and beacon decide the order, so with them every entry that is
-- presented gets the place that was drawn for it. The list itself is lost.
if seen_draw ~= '' and argument.queueing_method == 'lottery' and state.drawn ~= '1' then
  local seen = cjson.decode(seen_draw)
  if seen.head ~= state.draw_head or number('draw_closed') == 0 or seen.complete then
    put('draw_head', seen.head)
    put('draw_header', seen.header)
    put('draw_count', seen.entries)
    put('draw_base', seen.base)
    put('draw_closes', seen.closed)
    put('draw_closed', seen.closed)
    put('draw_round', seen.round)
    if seen.beacon ~= '' then put('draw_beacon', seen.beacon) end
    put('draw_chain', '')
    if seen.complete then
      put('drawn', 1)
      put('drawn_epoch', seen.drawn_epoch)
    end
  end
end

reap()
refill()

local serving, run = number('serving'), room_state()
local n = math.min(callable(), number('waiting'), call_limit)
if run == 'open' and n > 0 then
  local popped = redis.call('ZPOPMIN', SETS.queue, text(n))
  local deadlines, records, highest = {}, {}, serving
  for i = 1, #popped, 2 do
    local place = tonumber(popped[i + 1])
    highest = math.max(highest, place)
    deadlines[#deadlines + 1] = text(now + claim_window)
    deadlines[#deadlines + 1] = popped[i]
    records[#records + 1] = popped[i]
    -- At or below serving stands only who was called before: the late return is used.
    records[#records + 1] = record_of(place, place <= serving and 1 or 0, 0)
  end
  local count = #popped / 2
  if count > 0 then
    add('called', (bulk('ZADD', SETS.called, deadlines)))
    bulk('HSET', KEYS[7], records)
    note_due('called', now + claim_window)
    -- Fewer than asked for: the queue is empty, whatever was counted.
    put('waiting', count < n and 0 or number('waiting') - count)
    spend(count)
    add('called_total', count)
    put('serving', highest)
  end
end

-- `settled` is serving as it was when even the last of those called by then could no longer return: five samples behind.
local sample_ms = (claim_window + late_grace) / 4
if now - number('settled_at') >= sample_ms then
  local samples = {}
  for sample in string.gmatch(state.settling or '', '%d+') do
    samples[#samples + 1] = sample
  end
  samples[#samples + 1] = text(number('serving'))
  if #samples > 5 then put('settled', math.max(number('settled'), tonumber(table.remove(samples, 1)))) end
  put('settling', table.concat(samples, ','))
  put('settled_at', now)
end
