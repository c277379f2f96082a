--[[
Entering a draw: what `join` does in the pre-queue of a lottery, where others give places. Stands between `departures` and
`join`, after `chain`.
Invariant: the list of entries only grows, and the head is the SHA-256 of header and list as they stand. The place of
entry n is draw_base + n: above every place given before and below every later one, so that number and place tell each
other without a key of their own. The header is begun with the first entry and fixes the terms.

Returns nothing; adds no keys and no arguments of its own.
Cost: 1 command a batch that enters (RPUSH), 1 for each who comes back to an entry (LINDEX). O(entries of the batch),
about 15 us each (chain.lua).
--]]
local DRAWN = 1125899906842624 -- 2^50: drawn places lie at or below it, every clock above

-- RFC 3339 of a time in ms, since Redis's Lua has no dates: days to year, month and day by eras of 400 years.
local function instant_of(ms)
  local floor = math.floor
  local days = floor(ms / 86400000) + 719468
  local era = floor(days / 146097)
  local of_era = days - era * 146097
  local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local from_march = floor((5 * of_year + 2) / 153)
  local day = of_year - floor((153 * from_march + 2) / 5) + 1
  local month = from_march < 10 and from_march + 3 or from_march - 9
  local of_day = ms % 86400000
  return string.format('%04.0f-%02.0f-%02.0fT%02.0f:%02.0f:%06.3fZ', year + era * 400 + (month <= 2 and 1 or 0), month,
    day, floor(of_day / 3600000), floor(of_day / 60000) % 60, of_day % 60000 / 1000)
end

-- The terms of the draw, as src/draw/entry-file.ts spells them; the round as src/draw/beacon.ts computes it.
local function begin_draw(terms)
  local closes, round = tonumber(setting('event_start_time')), 0
  if terms.beacon ~= '' then
    round = math.max(1, math.ceil((closes / 1000 + 10 - terms.genesis) / terms.period) + 1)
  end
  put('draw_header', 'foyer-draw-1 room=' .. terms.room .. ' sale=' .. sale .. ' epoch=' .. text(number('epoch'))
    .. ' commitment=' .. terms.commitment .. ' closes=' .. instant_of(closes)
    .. ' beacon=' .. (terms.beacon ~= '' and terms.beacon or 'none') .. ' round=' .. text(round))
  put('draw_base', math.max(now_us, number('last')))
  put('draw_closes', closes)
  put('draw_round', round)
  put('draw_chain', chain_add(chain_begin(), state.draw_header .. '\n'))
end

-- The number of the entry that has this place; nil for a place of another kind, or of a list that was lost.
local function entry_number(place)
  local n = place - number('draw_base')
  return number('draw_count') > 0 and n > 0 and n <= number('draw_count') and n or nil
end

-- Whether the proof is the place of this very visitor's line. The list is asked: a store that fell back to an older copy
-- of itself may have given the number to another since.
local function has_entered(visitor, proof)
  local n = entry_number(proof)
  return n ~= nil and redis.call('LINDEX', KEYS[10], text(n - 1)) == visitor
end

-- Appends visitors, each of them once, and answers the place of the first; the others follow it one by one.
local function append_entries(visitors, terms)
  if number('draw_count') == 0 then begin_draw(terms) end
  local first = number('draw_base') + number('draw_count') + 1
  bulk('RPUSH', KEYS[10], visitors)
  put('draw_chain', chain_add(state.draw_chain, table.concat(visitors, '\n') .. '\n'))
  put('draw_head', chain_head(state.draw_chain))
  add('draw_count', #visitors)
  put('draw_entered', now)
  put('last', math.max(number('last'), number('draw_base') + number('draw_count')))
  return first
end
