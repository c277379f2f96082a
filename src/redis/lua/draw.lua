--[[
One step of a lottery's draw: takes drawn places for a page of entries and hands out the next page. Called by the edge,
which computes the places (src/draw/value.ts), after a refresh that shows `drawing`, and by cron.
Invariant: a drawn place replaces the place of an entry that still waits, once, and no other place; the beacon's value is
stored once and never replaced; nobody is called before the last entry is drawn, since the state is `drawing` until then.
Whoever does a step and however often, each entry gets the same place. The secret never comes here.

KEYS[1..10] as in room.lua; writes state, queue.

ARGV[1..28] as in room.lua.
ARGV[29] runner     text    who draws: two at once would do the same work twice
ARGV[30] lease_ms   ms      so long the draw is this runner's alone
ARGV[31] page_size  number  entries of the next page
ARGV[32] head       text    head of the chain for which the places were computed; "" with no places
ARGV[33] beacon     text    randomness of the beacon's round; "" while the caller does not know it
ARGV[34] visitor    text    id of a drawn visitor; repeats with every entry
ARGV[35] place      number  the place drawn, 1 to 2^50; repeats with every entry

Returns {status, now, head, header, round, beacon, then the visitors of the next page}; status is page, beacon (its value
is needed first), busy (another runner's lease), done (with this step) or over (nothing is being drawn).
Cost: 7 commands a step (TIME, HGETALL, ZMSCORE, ZADD, ZRANGEBYSCORE, HSET, and EVALSHA itself); with the last, a new
epoch (room.lua). O(page_size log n).
--]]
local runner, lease_ms, page_size, head, beacon = unpack(ARGV, ROOM_ARGUMENTS + 1, ROOM_ARGUMENTS + 5)
local visitors, places = {}, {}
for i = ROOM_ARGUMENTS + 6, #ARGV, 2 do
  visitors[#visitors + 1] = ARGV[i]
  places[#places + 1] = ARGV[i + 1]
end

local function answer(status, page)
  save()
  return {
    status, text(now), state.draw_head or '', state.draw_header or '', text(number('draw_round')),
    state.draw_beacon or '', unpack(page or {}),
  }
end

if room_state() ~= 'drawing' then return answer('over') end
local known = state.draw_beacon or ''
local needed = number('draw_round') > 0
if needed and known == '' and beacon ~= '' then
  put('draw_beacon', beacon)
  known = beacon
end

-- Entries that still have the place of their entry; drawn ones have left this range, late joiners are above it.
local base, last = number('draw_base'), number('draw_base') + number('draw_count')
if #visitors > 0 and head == state.draw_head and beacon == known then
  local changes = {}
  for i, score in ipairs(fetch('ZMSCORE', SETS.queue, visitors)) do
    local place = tonumber(score or 0)
    if place > base and place <= last then
      changes[#changes + 1] = places[i]
      changes[#changes + 1] = visitors[i]
    end
  end
  if #changes > 0 then bulk('ZADD', SETS.queue, changes) end
end

if state.draw_runner ~= runner and number('draw_lease') > now then return answer('busy') end
put('draw_runner', runner)
put('draw_lease', now + tonumber(lease_ms))
if needed and known == '' then return answer('beacon') end

local page = redis.call('ZRANGEBYSCORE', SETS.queue, '(' .. text(base), text(last), 'LIMIT', 0, page_size)
if #page > 0 then return answer('page', page) end

-- Everyone is drawn. All clients see the new epoch, present their entry and get the place. Drawn places lie below every
-- earlier one: what has been called or settled in earlier sales says nothing about them.
begin_epoch()
put('drawn', 1)
put('drawn_epoch', number('epoch'))
put('serving', 0)
put('settled', 0)
put('settling', '')
return answer('done')
