--[[
Sets what seats are while nobody has them, as an operator has decided: released, kept for those who need them, or blocked.
Invariant: a seat that is held or sold stays so, and becomes what it is set to when it is given back. A repeat of the same
request changes nothing as long as it is remembered, even if the seat was set anew in between. A rebuild that read Postgres
before is 'stale', with or without a map.

KEYS[1..7] as in changes.lua; the request is remembered among the ended holds.

ARGV[1..2] as in changes.lua.
ARGV[3] request_id  text  never a hold's id, nor digits alone
ARGV[4] ordinals    text  ascending, joined by commas
ARGV[5] mark        text  f, a or b

Returns "1" where the map shows it, "0" where no map is loaded.
Cost: 10 commands + 2 a run of neighbours. O(span of the ordinals).
--]]
local id, ordinals, mark = ARGV[3], split(ARGV[4]), ARGV[5]
local marks = loaded and marks_of(ordinals)
if not marks then
  redis.call('HSET', state, 'version', whole(next_version))
  redis.call('HDEL', state, 'seats')
  return '0'
end
if not read_record(id) then
  local set, unheld = {}, {}
  for i, ordinal in ipairs(ordinals) do
    set[i] = mark
    if marks[i] ~= 'h' and marks[i] ~= 's' and marks[i] ~= mark then
      unheld[#unheld + 1] = ordinal
    end
  end
  write(base, ordinals, set)
  set_marks(unheld, set)
  -- Where nobody sees it yet the version moves all the same, told by a seat that is as it was.
  changes[1] = changes[1] or ordinals[1] .. marks[1]
  remember(id, 'changed', ARGV[4])
  redis.call('HSET', state, 'based', whole(next_version))
end
publish()
return '1'
