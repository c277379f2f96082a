--[[
Writes the snapshot document; the last part of `advance`, which has moved the front just before.
Invariant: what clients see is one moment of the room; every text in it is JSON already or of a safe alphabet.

Returns the document (SnapshotDocument in src/redis/queue.ts), as stored; adds no keys and no arguments of its own.
Cost: 3 commands (ZRANGE where somebody waits, SET, and HSET by save()). O(front_size).
--]]
local front, members = {}, {}
-- Entries of a draw stand in no order yet.
if number('waiting') > 0 and not draw_pending() then members = redis.call('ZRANGE', SETS.queue, 0, front_size - 1, 'WITHSCORES') end
for i = 2, #members, 2 do
  front[#front + 1] = text(tonumber(members[i]))
end
local departures = {}
for i, range in ipairs(read_ranges()) do
  departures[i] = '[' .. text(range[1]) .. ',' .. text(range[2]) .. ',' .. text(range[3]) .. ']'
end
local live = {}
for field, value in pairs(state) do
  local name = string.match(field, '^live:(.+)$')
  if name then live[#live + 1] = '"' .. name .. '":' .. value end
end
local quiet = run == 'open'
  and not forced('queue_all')
  and number('waiting') == 0
  and callable() > 0

local function time_or_null(name)
  local at = tonumber(setting(name))
  return at > 0 and text(at) or 'null'
end

-- Whoever is inside may buy the last seats within half a minute: everybody who waits looks more often, so that all know
-- within seconds when nothing is left.
local stocked, hurry = 'null', false
if stock then
  stocked = '{"left":' .. text(stock.left) .. ',"held":' .. text(stock.held) .. '}'
  local inside = number('called') + number('sessions') + pace() / 2
  hurry = run ~= 'sold_out' and stock.left <= seats_per_session() * inside
end

-- The public side of the draw; the edge adds commitment and secret, which are not known here. What it needs to teach a
-- store that has lost the draw goes beside the snapshot.
local draw, lesson = 'null', 'null'
if number('draw_count') > 0 then
  local beacon = state.draw_beacon and '"' .. state.draw_beacon .. '"' or 'null'
  draw = '{"commitment":null,"head":"' .. state.draw_head .. '","entries":' .. text(number('draw_count'))
    .. ',"header":"' .. state.draw_header .. '","round":' .. (number('draw_round') > 0 and state.draw_round or 'null')
    .. ',"beacon":' .. beacon .. ',"secret":null,"complete":' .. tostring(state.drawn == '1') .. '}'
  lesson = '{"base":' .. text(number('draw_base')) .. ',"closed":' .. text(number('draw_closed'))
    .. ',"drawnEpoch":' .. text(number('drawn_epoch')) .. '}'
end

-- Room and sale are of a safe alphabet (src/ids.ts, src/config/room.ts); everything else is a number or JSON already.
local document = '{"snapshot":{"room":"' .. room .. '","sale":"' .. sale .. '"'
  .. ',"epoch":' .. text(number('epoch')) .. ',"at":' .. text(now) .. ',"state":"' .. run .. '"'
  .. ',"prequeueAt":' .. time_or_null('prequeue_start_time') .. ',"startsAt":' .. time_or_null('event_start_time')
  .. ',"endsAt":' .. time_or_null('event_end_time')
  .. ',"serving":' .. text(number('serving')) .. ',"waiting":' .. text(number('waiting'))
  .. ',"called":' .. text(number('called')) .. ',"sessions":' .. text(number('sessions'))
  .. ',"calledTotal":' .. text(number('called_total')) .. ',"leftTotal":' .. text(number('left_total'))
  .. ',"departures":[' .. table.concat(departures, ',') .. ']'
  .. ',"ratePerMinute":' .. string.format('%.1f', (pace())) .. ',"free":' .. text(math.max(0, free_slots()))
  .. ',"admittedPerMinute":' .. string.format('%.1f', admitted_per_minute())
  .. ',"front":[' .. table.concat(front, ',') .. '],"stock":' .. stocked .. ',"draw":' .. draw
  .. ',"message":' .. (state['live:message'] or message)
  .. ',"pollAfterMs":' .. (hurry and hurry_ms or poll_after_ms) .. ',"degraded":false}'
  .. ',"live":{' .. table.concat(live, ',') .. '},"liveAt":' .. text(number('live_at'))
  .. ',"settled":' .. text(number('settled')) .. ',"ended":' .. text(number('ended'))
  .. ',"absent":' .. text(absent_sessions())
  .. ',"drawState":' .. lesson .. ',"quiet":' .. tostring(quiet) .. '}'
redis.call('SET', KEYS[8], document, 'PX', snapshot_ttl_ms)
put('advanced', now)
save()
return document
