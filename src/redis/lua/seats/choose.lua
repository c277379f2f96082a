--[[
The part of best.lua that finds a party's seats side by side. Pure: reads no key, writes none.
Invariant: only seats that are free to this visitor, and side by side means in one run (a row, or what lies between two
aisles). The best run is the nearest to the stage that has room for the party. Of the runs of its tier at comparable distance,
those count in which no seat is left alone (free, with no free neighbour in its run), if there are any; of them all that are
nearly as near as the nearest, one at random; in it the places nearest to the middle, one at random.

A wish is { quantity, section, tier }; '' asks for none in particular. A run is { place, rank, first, text, section, tier },
where 'f' in the text is a seat that is free to this visitor.

Returns nothing.
Cost: none. O(runs), a find in each; O(seats) of the runs that are nearly as near as the best.
--]]
-- Of a thousand, which is from the nearest run to the farthest: what counts as nearly as near, and as comparable.
local NEAR, COMPARABLE = 25, 100
-- So many seats further from the middle of the run count as equal.
local SLACK = 2

local random_state = 1
local function random()
  random_state = random_state * 16807 % 2147483647
  return random_state / 2147483647
end

-- Any text: the same one chooses the same seats in the same hall.
local function seed_random(text)
  for i = 1, #text do
    random_state = (random_state * 31 + string.byte(text, i)) % 2147483646 + 1
  end
  -- Seeds that differ in their last letter alone would begin alike.
  random()
  random()
end

local function pick(list)
  return list[1 + math.floor(random() * #list)]
end

local function matches(wish, section, tier)
  return (wish.section == '' or wish.section == section) and (wish.tier == '' or wish.tier == tier)
end

local function near_middle(places)
  local near = {}
  for i, at in ipairs(places) do
    if places.off[i] <= places.least + SLACK then
      near[#near + 1] = at
    end
  end
  return near
end

-- First ordinals of the party's places in a run: those that leave no seat alone, and those that do. `marks`: those of the
-- run, where the party must have an accessible seat among its own, else nil.
local function places_in(run, quantity, marks)
  local clean, lone = { off = {}, least = math.huge }, { off = {}, least = math.huge }
  local middle = (#run.text - quantity) / 2
  for start, gap in string.gmatch(run.text, '()(f+)') do
    local rest = #gap - quantity
    for left = 0, rest do
      local at = start - 1 + left
      if not marks or string.find(string.sub(marks, at + 1, at + quantity), 'a', 1, true) then
        local places, off = (left == 1 or rest - left == 1) and lone or clean, math.abs(at - middle)
        places[#places + 1], places.off[#places + 1] = run.first + at, off
        places.least = math.min(places.least, off)
      end
    end
  end
  return near_middle(clean), near_middle(lone)
end

-- Ordinals side by side, or nil and all runs that the wish allows. `usable`: the map with 'f' for what is free to this
-- visitor; `marks`: the map itself, where the party must have an accessible seat among its own, else nil.
local function together(lines, usable, wish, marks)
  local needle, runs, clean, lone = string.rep('f', wish.quantity), {}, {}, {}
  local best, nearest_clean
  for kind, place, first, count, rank, tier, section in string.gmatch(lines, LINE) do
    rank = tonumber(rank)
    if best and rank > math.min(best.rank + COMPARABLE, (nearest_clean or math.huge) + NEAR) then
      break
    end
    if kind == 's' and matches(wish, section, tier) then
      first = tonumber(first)
      local text = string.sub(usable, first + 1, first + tonumber(count))
      local run = { place = tonumber(place), rank = rank, first = first, text = text, section = section, tier = tier }
      runs[#runs + 1] = run
      if (not best or tier == best.tier) and string.find(text, needle, 1, true) then
        local tidy, untidy = places_in(run, wish.quantity, marks and string.sub(marks, first + 1, first + #text))
        best = best or (#tidy + #untidy > 0 and run or nil)
        if #tidy > 0 then
          nearest_clean = nearest_clean or rank
          clean[#clean + 1] = tidy
        elseif #untidy > 0 and rank <= best.rank + NEAR then
          lone[#lone + 1] = untidy
        end
      end
    end
  end
  if not best then
    return nil, runs
  end
  local begin, ordinals = pick(pick(#clean > 0 and clean or lone)), {}
  for n = 1, wish.quantity do
    ordinals[n] = begin + n - 1
  end
  return ordinals
end
