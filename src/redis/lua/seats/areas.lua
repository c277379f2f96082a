--[[
Holds places in general areas by quantity: all of them or none.
Invariant: any places of an area that are free to everybody; those kept for accessible needs stay, unless the hold that is
replaced had them.

KEYS[1..8] as in take.lua.

ARGV[1..2] as in changes.lua.
ARGV[3..10] as in take.lua.
ARGV[11] areas  text  "section quantity", joined by commas, each section once

Returns as hold.lua without conflicts, or {short, "section free,..."} naming each area that has fewer than asked for.
Cost: as hold.lua, with MGET in place of GETRANGE; where too few are free, as many holds that are due are ended as reap() finds.
O(seats of the hall).
--]]
if earlier then
  return answer(earlier)
end
local wanted, total = {}, 0
for section, quantity in string.gmatch(ARGV[11], '([^ ,]+) (%d+)') do
  wanted[#wanted + 1] = { section = section, quantity = tonumber(quantity) }
  total = total + tonumber(quantity)
end
if over_limit(total) then
  publish()
  return { 'limit', whole(seats_held) }
end

local short
for _ = 1, REAP_ROUNDS do
  local marks, marks_for_me, lines = read_hall(false)
  if not marks then
    publish()
    return { 'unloaded', whole(version) }
  end
  local areas, chosen = {}, {}
  for kind, _, first, count, _, _, section in string.gmatch(lines, LINE) do
    if kind ~= 'g' then
      break
    end
    areas[section] = { first = tonumber(first), count = tonumber(count) }
  end
  short = {}
  for _, want in ipairs(wanted) do
    local places = areas[want.section] and places_of(areas[want.section], marks_for_me, false, want.quantity) or {}
    if #places < want.quantity then
      short[#short + 1] = want.section .. ' ' .. whole(#places)
    end
    for i = 1, #places do
      chosen[#chosen + 1] = places[i]
    end
  end
  if #short == 0 then
    return take_hold_of(chosen, marks)
  end
  if reaped < tonumber(reap_limit) then
    break
  end
  reaped = reap()
end
publish()
return { 'short', table.concat(short, ',') }
