--[[
Chooses seats for a party and holds them, in one step (choose.lua, apart.lua).
Invariant: as long as that many seats are free to the visitor within the wish, the party gets seats: side by side where a run
has room for it, else split. Whoever says that they need accessible seats gets one among their own where a run has room for
the party with it, and may have any seat; nobody else gets one that is kept. Places of general areas are chosen only where the
wish leaves no numbered seat, and then in one area where one has room.

KEYS[1..8] as in take.lua.

ARGV[1..2] as in changes.lua.
ARGV[3..10] as in take.lua.
ARGV[11] quantity    number  1 to 100
ARGV[12] section     text    "" for any
ARGV[13] tier        text    "" for any
ARGV[14] accessible  number  1: the visitor says that they need accessible seats
ARGV[15] seed        text    decides among equals

Returns as hold.lua without conflicts, or {none, seats free within the wish, fewer than asked for}.
Cost: as hold.lua, with MGET in place of GETRANGE and at most one run of neighbours a group; where too few are free, as many
holds that are due are ended as reap() finds. O(seats of the hall).
--]]
local wish = { quantity = tonumber(ARGV[11]), section = ARGV[12], tier = ARGV[13] }
local accessible, seed = ARGV[14] == '1', ARGV[15]
if earlier then
  return answer(earlier)
end
if over_limit(wish.quantity) then
  publish()
  return { 'limit', whole(seats_held) }
end

local function choose_places(lines, marks)
  local spread = {}
  for kind, _, first, count, _, tier, section in string.gmatch(lines, LINE) do
    if kind ~= 'g' then
      break
    end
    if matches(wish, section, tier) then
      local area = { first = tonumber(first), count = tonumber(count) }
      local places = places_of(area, marks, accessible, wish.quantity)
      if #places == wish.quantity then
        return places
      end
      for i = 1, #places do
        spread[#spread + 1] = places[i]
      end
    end
  end
  if #spread < wish.quantity then
    return nil, #spread
  end
  return { unpack(spread, 1, wish.quantity) }
end

local function choose(lines, marks)
  local usable = accessible and string.gsub(marks, 'a', 'f') or marks
  local chosen = accessible and together(lines, usable, wish, marks)
  if chosen then
    return chosen
  end
  local seats, runs = together(lines, usable, wish)
  if seats then
    return seats
  end
  if #runs > 0 then
    return apart(runs, wish.quantity)
  end
  return choose_places(lines, marks)
end

seed_random(seed)
local free
for _ = 1, REAP_ROUNDS do
  local marks, marks_for_me, lines = read_hall(accessible)
  if not marks then
    publish()
    return { 'unloaded', whole(version) }
  end
  local chosen
  chosen, free = choose(lines, marks_for_me)
  if chosen then
    return take_hold_of(chosen, marks)
  end
  if reaped < tonumber(reap_limit) then
    break
  end
  reaped = reap()
end
publish()
return { 'none', whole(free) }
