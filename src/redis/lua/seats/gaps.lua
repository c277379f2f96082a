--[[
The part of best.lua that counts the gaps of a hall: what a party that must be split could be seated in. Pure: reads no key,
writes none.
Invariant: a gap is a longest row of free seats in a run; here it is always shorter than the party, which would sit together
otherwise.

Returns nothing.
Cost: none. O(seats of the runs), times the different sizes of gaps, of which a party of 100 has few.
--]]
-- Parts of a hall as { runs, sizes, free, nearest }: sizes counts the gaps by their size; nearest is the rank of the nearest
-- run with a free seat. `runs` are in order of rank; `name_of` tells the part of a run.
local function parts_of(runs, name_of)
  local parts, by_name = {}, {}
  for _, run in ipairs(runs) do
    local name = name_of(run)
    local part = by_name[name]
    if not part then
      part = { runs = {}, sizes = {}, free = 0 }
      parts[#parts + 1], by_name[name] = part, part
    end
    local sizes, free = part.sizes, 0
    for gap in string.gmatch(run.text, 'f+') do
      sizes[#gap] = (sizes[#gap] or 0) + 1
      free = free + #gap
    end
    if free > 0 then
      part.runs[#part.runs + 1] = run
      part.free = part.free + free
      part.nearest = part.nearest or run.rank
    end
  end
  return parts
end

-- How gaps would seat the party: in how many groups, and how many persons alone; nil where they cannot.
local function groups_in(sizes, quantity)
  local groups, left = 0, quantity
  for size = quantity, 1, -1 do
    local used = math.min(sizes[size] or 0, math.ceil(left / size))
    groups, left = groups + used, left - used * size
    if left <= 0 then
      -- With two seats or more for each group, the last can take somebody from another.
      return groups, size == 1 and used or quantity < 2 * groups and 1 or 0
    end
  end
  return nil
end

-- The gaps of at least `least` seats, in order of their ordinals, as { size, first, run }.
local function gaps_of(runs, least)
  local gaps = {}
  table.sort(runs, function(a, b) return a.place < b.place end)
  for _, run in ipairs(runs) do
    for start, gap in string.gmatch(run.text, '()(f+)') do
      if #gap >= least then
        gaps[#gaps + 1] = { size = #gap, first = run.first + start - 1, run = run }
      end
    end
  end
  return gaps
end

-- Each shortest stretch of gaps whose `groups` widest seat the party, as { i, j, span, rank, over }: its ends, the runs that
-- it passes, the rank of its first, and the seats that those gaps have over.
local function stretches_of(gaps, groups, quantity)
  local stretches, in_stretch, sizes, seats, i = {}, {}, {}, 0, 1
  for _, gap in ipairs(gaps) do
    if not in_stretch[gap.size] then
      in_stretch[gap.size] = 0
      sizes[#sizes + 1] = gap.size
    end
  end
  table.sort(sizes, function(a, b) return a > b end)
  -- Negative where they are too few.
  local function seats_over()
    local left, more = quantity, groups
    for _, size in ipairs(sizes) do
      local used = math.min(in_stretch[size], more)
      left, more = left - used * size, more - used
    end
    return -left
  end
  for j, gap in ipairs(gaps) do
    in_stretch[gap.size], seats = in_stretch[gap.size] + 1, seats + gap.size
    local start, over
    while seats >= quantity and seats_over() >= 0 do
      local size = gaps[i].size
      over = seats_over()
      in_stretch[size], seats = in_stretch[size] - 1, seats - size
      start, i = i, i + 1
    end
    if start then
      local first = gaps[start].run
      stretches[#stretches + 1] = { i = start, j = j, span = gap.run.place - first.place, rank = first.rank, over = over }
    end
  end
  return stretches
end
