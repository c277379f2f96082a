--[[
The part of best.lua that seats a party which finds no run with room for all. Pure: reads no key, writes none.
Invariant: only seats that are free to this visitor; where at least that many are free, the party is seated.
In this order: within one section, where any has room for all, otherwise across them; in as few groups as possible; nobody
alone where that can be had with as many groups; in one of the sections that are nearly as near to the stage as the nearest,
at random; over as few runs as possible, counted in the order of their ordinals from the first group to the last; then in one
of the stretches that are nearly as near as the nearest, at random, and in one that has not a single seat over, if there is one.

Returns nothing.
Cost: none. O(seats of the runs).
--]]
-- The party's ordinals in the gaps i..j: `groups` of them, none of one person where `least` is 2.
local function fill(gaps, stretch, want)
  local order, taken, left = {}, {}, want.quantity
  for at = stretch.i, stretch.j do
    order[#order + 1] = gaps[at]
  end
  table.sort(order, function(a, b) return a.size > b.size or a.size == b.size and a.first < b.first end)
  for n = 1, want.groups - 1 do
    taken[n] = { gap = order[n], seats = order[n].size }
    left = left - order[n].size
  end
  if left < want.least then
    -- The widest has three at least: two in each would leave nobody over.
    taken[1].seats, left = taken[1].seats - 1, left + 1
  end
  taken[want.groups] = { gap = order[want.groups], seats = left }
  local leftmost = order[want.groups]
  for _, group in ipairs(taken) do
    leftmost = group.gap.first < leftmost.first and group.gap or leftmost
  end
  -- Each group at the end of its gap that is nearer to the others.
  local chosen = {}
  for _, group in ipairs(taken) do
    local begin = group.gap.first + (group.gap == leftmost and group.gap.size - group.seats or 0)
    for n = 0, group.seats - 1 do
      chosen[#chosen + 1] = begin + n
    end
  end
  return chosen
end

-- Those nearly as near to the stage as the nearest.
local function nearly_nearest(list, field)
  local nearest, near = math.huge, {}
  for _, one in ipairs(list) do
    nearest = math.min(nearest, one[field])
  end
  for _, one in ipairs(list) do
    if one[field] <= nearest + NEAR then
      near[#near + 1] = one
    end
  end
  return near
end

-- Those in which the groups do not leave a single seat over; all where none is so.
local function tidy(stretches)
  local without = {}
  for _, stretch in ipairs(stretches) do
    if stretch.over ~= 1 then
      without[#without + 1] = stretch
    end
  end
  return #without > 0 and without or stretches
end

-- The parts that seat the party in the fewest groups with the fewest persons alone; and in how many, with how many.
local function fewest_groups(parts, quantity)
  local equals, groups, alone = {}, math.huge, math.huge
  for _, part in ipairs(parts) do
    local its_groups, its_alone = groups_in(part.sizes, quantity)
    if its_groups and (its_groups < groups or its_groups == groups and its_alone < alone) then
      equals, groups, alone = {}, its_groups, its_alone
    end
    if its_groups == groups and its_alone == alone then
      equals[#equals + 1] = part
    end
  end
  return equals, groups, alone
end

-- Ordinals of a party that is split, or nil where fewer seats are free; and how many are.
local function apart(runs, quantity)
  local sections, free = parts_of(runs, function(run) return run.section end), 0
  for _, part in ipairs(sections) do
    free = free + part.free
  end
  if free < quantity then
    return nil, free
  end
  local equals, groups, alone = fewest_groups(sections, quantity)
  if #equals == 0 then
    equals, groups, alone = fewest_groups(parts_of(runs, function() return '' end), quantity)
  end
  local want = { quantity = quantity, groups = groups, least = alone == 0 and 2 or 1 }
  local gaps = gaps_of(pick(nearly_nearest(equals, 'nearest')).runs, want.least)
  local shortest, shortest_span = {}, math.huge
  for _, stretch in ipairs(stretches_of(gaps, groups, quantity)) do
    if stretch.span < shortest_span then
      shortest, shortest_span = {}, stretch.span
    end
    if stretch.span == shortest_span then
      shortest[#shortest + 1] = stretch
    end
  end
  return fill(gaps, pick(tidy(nearly_nearest(shortest, 'rank'))), want)
end
