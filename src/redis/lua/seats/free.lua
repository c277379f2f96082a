--[[
Makes seats free again that Postgres has freed (cancelled, refunded).
Invariant: only a sold seat changes, into what its base says: free, accessible or blocked. A repeat of the same request changes nothing as long
as it is remembered, even if a seat was sold anew in between. With no map loaded only the version moves, so that a rebuild
which read Postgres earlier notices.

KEYS[1..7] as in changes.lua; the request is remembered among the ended holds.

ARGV[1..2] as in changes.lua.
ARGV[3] request_id  text  never a hold's id, nor digits alone
ARGV[4] ordinals    text  ascending, joined by commas

Returns "1" where the map shows it, "0" where no map is loaded.
Cost: 10 commands + 1 a run of neighbours. O(span of the ordinals).
--]]
local id, ordinals = ARGV[3], split(ARGV[4])
local marks = loaded and marks_of(ordinals)
if not marks then
  redis.call('HSET', state, 'version', whole(next_version))
  redis.call('HDEL', state, 'seats')
  return '0'
end
if not read_record(id) then
  local sold = {}
  for i, ordinal in ipairs(ordinals) do
    if marks[i] == 's' then
      sold[#sold + 1] = ordinal
    end
  end
  set_marks(sold, base_marks(sold))
  remember(id, 'freed', ARGV[4])
end
publish()
return '1'
