--[[
The fourth part of every script that makes a hold: the request as it was made before, the session and what it holds, the
hold that the new one takes the place of, and the taking itself.
Invariant: one hold an id, answered again as long as it lives; no new hold for a session that was ended, nor above
session_limit; a hold that is replaced ends in the step in which the new one is made, or stays as it was. A hold that keeps
a seat of the one that it replaces keeps its absolute end and its extensions too: nobody holds a seat for ever in turns.

KEYS[1..7] as in changes.lua.
KEYS[8] ended  wr:{room}:ended  ZSET  session -> expiry of its last token (ms); not given where no room is to be asked

ARGV[1..2] as in changes.lua.
ARGV[3]  hold_id        text    "<performance>.<random>"
ARGV[4]  session        text    the owner
ARGV[5]  ttl_ms         ms
ARGV[6]  max_life_ms    ms      from now; extensions cannot pass it
ARGV[7]  session_limit  number  seats in all live holds of the session together; "" for no limit
ARGV[8]  extensions     number  how often the visitor may extend it
ARGV[9]  replaces       text    the session's hold that ends when this one is made; "" or one that does not live for none
ARGV[10] asked          text    a digest of what is asked for: a repeat of hold_id with another is refused; "-" for none

Returns {unloaded, version} | {gone} | {reused} | {session_ended}, or goes on with `earlier`, `given_back`, over_limit(),
take() and answer(), by which the script that follows comes to {held, expires, lasts_until, extensions, ordinals,
"ordinal+mark,..."}.
Cost: 2 commands and 1 a hold of the session; 2 for a hold that is replaced. take(): 4 and 1 a run of neighbours. O(seats).
--]]
local id, session, session_limit, replaces, asked = ARGV[3], ARGV[4], tonumber(ARGV[7]), ARGV[9], ARGV[10]
local ended = KEYS[8]
if not loaded then
  return { 'unloaded', whole(version) }
end

local sessions_holds = 'session:' .. session
local before = redis.call('HMGET', holders, id, sessions_holds)
-- The live hold that an earlier call with this id has made: the script answers it and takes nothing.
local earlier = before[1] and find(id)
if earlier and (earlier.status ~= 'live' or earlier.session ~= session) then
  publish()
  return { 'gone' }
end
if earlier and earlier.asked ~= asked then
  publish()
  return { 'reused' }
end
if not earlier and ended and redis.call('ZSCORE', ended, session) then
  publish()
  return { 'session_ended' }
end

-- The list may name holds that are due: only what lives counts, and is listed again.
local live, seats_held, replaced = {}, 0, nil
for other in string.gmatch(before[2] or '', '%S+') do
  local hold = not earlier and find(other)
  if hold and hold.status == 'live' then
    if other == replaces then
      replaced = hold
    else
      live[#live + 1] = other
      seats_held = seats_held + #split(hold.ordinals)
    end
  end
end

-- Ordinal -> what the seat is once the replaced hold has ended. The map still says 'h'.
local given_back = {}
if replaced then
  local ordinals = split(replaced.ordinals)
  local marks, owners = base_marks(ordinals), redis.call('HMGET', holders, unpack(ordinals))
  for i, ordinal in ipairs(ordinals) do
    if owners[i] == replaced.fence .. ' ' .. replaced.id then
      given_back[ordinal] = marks[i]
    end
  end
end
-- Ending a hold may have found that the base is lost.
if not loaded then
  publish()
  return { 'unloaded', whole(version) }
end

local function over_limit(seats)
  return session_limit and seats_held + seats > session_limit
end

local function answer(hold, conflicts)
  publish()
  return {
    'held', whole(hold.expires), whole(hold.lasts_until), whole(hold.extensions), hold.ordinals,
    table.concat(conflicts or {}, ','),
  }
end

-- Makes the hold. `ordinals` ascending, all free to this visitor, and each noted in `marked` as the map has it.
local function take(ordinals, conflicts)
  local lasts_until, extensions = now + tonumber(ARGV[6]), tonumber(ARGV[8])
  for _, ordinal in ipairs(ordinals) do
    if given_back[ordinal] then
      lasts_until = math.min(lasts_until, replaced.lasts_until)
      extensions = math.min(extensions, replaced.extensions)
    end
  end
  if replaced then
    finish(replaced, 'released')
  end
  local hold = {
    id = id, status = 'live', session = session, fence = whole(next_version), ordinals = table.concat(ordinals, ','),
    expires = math.min(now + tonumber(ARGV[5]), lasts_until), lasts_until = lasts_until, extensions = extensions, asked = asked,
  }
  if #live == 0 then
    count('sessions', 1)
  end
  live[#live + 1] = id
  local owners, marks = { sessions_holds, table.concat(live, ' ') }, {}
  for i, ordinal in ipairs(ordinals) do
    owners[#owners + 1] = ordinal
    owners[#owners + 1] = hold.fence .. ' ' .. id
    marks[i] = 'h'
  end
  set_marks(ordinals, marks)
  save(hold, hold.expires, owners)
  return answer(hold, conflicts)
end
