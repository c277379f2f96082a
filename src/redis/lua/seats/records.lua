--[[
The second part of every seat script: what is kept of holds, how they end, and the end of those that are due.
Invariant: a seat is marked 'h' exactly while `holders` names a hold for it, and a session is listed exactly while it has a
hold that was not ended. A hold that is due is never answered as live, reaped or not.

KEYS[1..7] as in changes.lua.

ARGV[1..2] as in changes.lua.

A record is "status session fence expires lasts_until ordinals extensions requests asked": extensions are those that are
left, requests the "+id" of those that were made, asked a digest of what the hold was asked for ("-" for none). Status is live,
released, expired, sold, lost, or freed or changed for a request that is remembered like an ended hold.
Returns nothing.
Cost: 1 command (ZRANGEBYSCORE); 6 + 1 a run of neighbours for each hold that is due, 2 for each that is forgotten.
O(log holds + seats of the holds that are due).
--]]
-- `more`: further fields of `holders` and their values, written by the same command.
local function save(hold, due, more)
  local record = table.concat({
    hold.status, hold.session, hold.fence, whole(hold.expires), whole(hold.lasts_until), hold.ordinals,
    whole(hold.extensions or 0), hold.requests or '', hold.asked or '-',
  }, ' ')
  redis.call('HSET', holders, hold.id, record, unpack(more or {}))
  redis.call('ZADD', holds, whole(due), hold.id)
end

local function read_record(id)
  local record = redis.call('HGET', holders, id)
  if not record then
    return nil
  end
  local status, session, fence, expires, lasts_until, ordinals, extensions, requests, asked =
    string.match(record, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S*) (%d+) (%S*) (%S+)$')
  return {
    id = id, status = status, session = session, fence = fence, ordinals = ordinals, requests = requests, asked = asked,
    expires = tonumber(expires), lasts_until = tonumber(lasts_until), extensions = tonumber(extensions),
  }
end

-- Keeps what a request did to seats where ended holds are kept, so that its repeat does nothing.
local function remember(id, status, ordinals)
  local done = { id = id, status = status, session = '-', fence = '0', expires = now, lasts_until = now, ordinals = ordinals }
  save(done, now + memory_ms)
end

-- Ends a hold, and gives back the seats that are still its own: the fence tells, should one have gone through other hands.
local function finish(hold, status)
  local ordinals, list = split(hold.ordinals), 'session:' .. hold.session
  local owners = redis.call('HMGET', holders, list, unpack(ordinals))
  local over, others = {}, {}
  for i = 1, #ordinals do
    if owners[i + 1] == hold.fence .. ' ' .. hold.id then
      over[#over + 1] = ordinals[i]
    end
  end
  if loaded then
    set_marks(over, base_marks(over))
  end
  for other in string.gmatch(owners[1] or '', '%S+') do
    if other ~= hold.id then
      others[#others + 1] = other
    end
  end
  if #others == 0 then
    over[#over + 1] = list
    count('sessions', -1)
  end
  if #over > 0 then
    redis.call('HDEL', holders, unpack(over))
  end
  hold.status = status
  save(hold, now + memory_ms, #others > 0 and { list, table.concat(others, ' ') })
end

-- The hold as it is at this moment: one that is due and was not reaped yet ends here.
local function find(id)
  local hold = read_record(id)
  if hold and hold.status == 'live' and hold.expires <= now then
    finish(hold, 'expired')
  end
  return hold
end

-- Takes a seat away from the hold that `owner` names, because Postgres says that it is not to be had.
local function lose(ordinal, owner)
  redis.call('HDEL', holders, ordinal)
  -- Not find(): a hold that is due stays to be reaped, for ending it here would mark seats that the caller is writing.
  local hold = read_record(string.match(owner, '^%S+ (%S+)$'))
  if hold == nil or hold.status ~= 'live' then
    return
  end
  local kept = {}
  for _, other in ipairs(split(hold.ordinals)) do
    if other ~= ordinal then
      kept[#kept + 1] = other
    end
  end
  hold.ordinals = table.concat(kept, ',')
  if #kept == 0 then
    finish(hold, 'lost')
  else
    save(hold, hold.expires)
  end
end

-- Ends holds that are due, and forgets ended ones whose memory is over; answers how many there were.
local function reap()
  local due = redis.call('ZRANGEBYSCORE', holds, '-inf', whole(now), 'LIMIT', '0', reap_limit)
  for _, id in ipairs(due) do
    local hold = read_record(id)
    if hold and hold.status == 'live' then
      finish(hold, 'expired')
    else
      redis.call('ZREM', holds, id)
      redis.call('HDEL', holders, id)
    end
  end
  return #due
end

local reaped = loaded and reap() or 0
