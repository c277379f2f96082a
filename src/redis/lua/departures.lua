--[[
Where those stood who left the queue uncalled; the third part of every queue script but `override` and `arm`.
Invariant: for a place above serving, departed_below() is exact unless the place lies inside a range that was merged; one
who is put back into the middle counts as a departure undone. Kept in the state as "from,to,count;...", in order, at most
RANGES of them: full, the two neighbours are merged that hold fewest over the shortest way; whoever stood up to serving
is in the first range.

Returns nothing; adds no keys and no arguments of its own.
Cost: no command; the text travels with the state. O(RANGES) a departure.
--]]
local RANGES = 33
local ranges

local function read_ranges()
  if ranges then return ranges end
  ranges = {}
  for from, to, count in string.gmatch(state.departures or '', '(%d+),(%d+),(-?%d+)') do
    ranges[#ranges + 1] = { tonumber(from), tonumber(to), tonumber(count) }
  end
  return ranges
end

local function write_ranges()
  local list = {}
  for i, range in ipairs(ranges) do
    list[i] = text(range[1]) .. ',' .. text(range[2]) .. ',' .. text(range[3])
  end
  put('departures', table.concat(list, ';'))
end

local function merge(i)
  local after = table.remove(ranges, i + 1)
  ranges[i][2], ranges[i][3] = after[2], ranges[i][3] + after[3]
end

-- `count` is 1 for a departure from this place, -1 for a return to it.
local function note_departure(place, count)
  read_ranges()
  add('left_total', count)
  local at = 1
  while ranges[at] and ranges[at][2] < place do
    at = at + 1
  end
  local range = ranges[at]
  if range and range[1] < place and place < range[2] then
    -- Inside a merged range: it is cut here, its own count in proportion, so that what is known exactly stays so, and
    -- nobody's position can be moved by those who leave behind it.
    local before = math.floor(range[3] * (place - range[1]) / (range[2] - range[1]) + 0.5)
    table.insert(ranges, at, { place, place, count })
    table.insert(ranges, at, { range[1], place, before })
    -- Both parts reach to the cut, so that nobody between them is told an exact position.
    range[1], range[3] = place, range[3] - before
  elseif range and range[1] <= place then
    -- At the edge of a range, which somebody left before: it counts for all behind it.
    range[3] = range[3] + count
  else
    table.insert(ranges, at, { place, place, count })
  end
  -- Everybody who waits stands behind serving, so what was before it needs no detail.
  local serving = number('serving')
  while ranges[2] and ranges[2][2] <= serving do
    merge(1)
  end
  if ranges[1][2] <= serving then ranges[1][1] = 0 end
  while #ranges > RANGES do
    local best, least = 2, math.huge
    for i = 2, #ranges - 1 do
      local held = (math.abs(ranges[i][3]) + math.abs(ranges[i + 1][3])) * (ranges[i + 1][2] - ranges[i][1])
      if held < least then
        best, least = i, held
      end
    end
    merge(best)
  end
  write_ranges()
end

-- Departures less returns at places below this one; inside a merged range, in proportion (src/queue/position.ts too).
local function departed_below(place)
  local sum = 0
  for _, range in ipairs(read_ranges()) do
    local from, to, count = range[1], range[2], range[3]
    if to < place then
      sum = sum + count
    elseif from < place then
      sum = sum + math.floor(count * (place - from) / (to - from) + 0.5)
    end
  end
  return sum
end
