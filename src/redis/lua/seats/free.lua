--[[
Makes seats free again that Postgres has freed (cancelled, refunded).
Invariant: only a sold seat becomes free; held and blocked ones stay. A repeat of the same request changes nothing as long
as it is remembered, even if a seat was sold anew in between. With no map loaded only the version moves, so that a rebuild
which read Postgres earlier notices.

KEYS[1..5] as in changes.lua; the request is remembered among the ended holds.

ARGV[1..2] as in changes.lua.
ARGV[3] request_id  text  never a hold's id, nor digits alone
ARGV[4] ordinals    text  ascending, joined by commas

Returns "1" where the map shows it, "0" where no map is loaded.
Cost: 9 commands + 1 a seat. O(span of the ordinals).
--]]
local id, ordinals = ARGV[3], split(ARGV[4])
local marks = loaded and marks_of(ordinals)
if not marks then
  redis.call('HSET', state, 'version', whole(next_version))
  redis.call('HDEL', state, 'seats')
  return '0'
end
if not read_record(id) then
  for i, ordinal in ipairs(ordinals) do
    if marks[i] == 's' then
      set_mark(ordinal, 'f')
    end
  end
  save(
    { id = id, status = 'freed', session = '-', fence = '0', expires = now, lasts_until = now, ordinals = ARGV[4] },
    now + memory_ms
  )
end
publish()
return '1'
