--[[
The part of best.lua and areas.lua that reads the hall as this visitor finds it, and takes what was chosen there.
Invariant: what the replaced hold gives back is free to its owner; nothing else that is not free is ever shown as free.

KEYS[1..8] as in take.lua.

The layout (src/redis/seat-layout.ts) has a line for each general area, then one for each run of seats, nearest to the stage
first: "kind place first count rank tier section". Kind is g or s; place counts the runs by their ordinals; rank is 0 to
1000, the nearest run to the farthest.

Returns nothing.
Cost: read_hall() 1 command (MGET), O(seats of the hall); take_hold_of() as take() in take.lua.
--]]
local LINE = '(%l) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+)\n'
-- More rounds of reap() than this are left to the next call: a thousand holds that are due at once.
local REAP_ROUNDS = 20

-- The map, the same with the seats that the replaced hold gives back, and the layout; nil where they are lost.
local function read_hall(accessible)
  local found = redis.call('MGET', map, layout)
  local marks, lines = found[1], found[2]
  if not loaded or not marks or not lines or #marks ~= tonumber(known[2]) then
    return nil
  end
  local parts, from = {}, 1
  for _, ordinal in ipairs(replaced and split(replaced.ordinals) or {}) do
    local at, mark = tonumber(ordinal) + 1, given_back[ordinal]
    if mark then
      -- An accessible seat goes back to whoever had it, asked for or not.
      parts[#parts + 1] = string.sub(marks, from, at - 1) .. (mark == 'a' and not accessible and 'f' or mark)
      from = at + 1
    end
  end
  return marks, table.concat(parts) .. string.sub(marks, from), lines
end

-- The first free places of an area, up to `quantity`; those for accessible needs first, where they are asked for.
local function places_of(area, marks, accessible, quantity)
  local found, last = {}, area.first + area.count
  for _, mark in ipairs(accessible and { 'a', 'f' } or { 'f' }) do
    local at = string.find(marks, mark, area.first + 1, true)
    while at and at <= last and #found < quantity do
      found[#found + 1] = at - 1
      at = string.find(marks, mark, at + 1, true)
    end
  end
  return found
end

-- Makes the hold of these ordinals (numbers, in any order), and answers it.
local function take_hold_of(chosen, marks)
  table.sort(chosen)
  local ordinals = {}
  for i, at in ipairs(chosen) do
    ordinals[i] = whole(at)
    marked[ordinals[i]] = string.sub(marks, at + 1, at + 1)
  end
  return take(ordinals)
end
