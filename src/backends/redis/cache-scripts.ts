import { script } from './script.ts'

/*
 * Of each primary key there are two hashes: `entries` has the first piece of each variant, and `variants` what scripts
 * have to know of it: "<expiry> <size> <when it was stored> <id of its other pieces, or -> <when it was asked for>".
 * Expiries are milliseconds of the writers’ calendars, and when it was asked for is microseconds of them; when it was
 * stored says the server, in microseconds, so that the order is one for all. What is still being written has its id for a
 * variant, behind a \1, and was stored at 0. `asked` has the tokens that are expected
 * under the key, by when they are given up.
 */

/** KEYS entries, variants, asked. Reads and drops variants. */
const common = `
  local function read(description)
    local expiry, size, stored, id, requested = string.match(description, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    return tonumber(expiry), tonumber(size), tonumber(stored), id, tonumber(requested)
  end
  local function isExpected(token) return token == '' or redis.call('ZSCORE', KEYS[3], token) end
  local function outlasts(requested, asked, wallNow) return requested > asked and requested <= wallNow end
  local function serverNow()
    local time = redis.call('TIME')
    return string.format('%d%06d', time[1], time[2])
  end
  local function dropPieces(id)
    if id ~= '-' then redis.call('UNLINK', string.sub(KEYS[1], 1, -8) .. 'pieces:' .. id) end
  end
  local function drop(variant, id)
    redis.call('HDEL', KEYS[1], variant)
    redis.call('HDEL', KEYS[2], variant)
    dropPieces(id)
  end
  local function expire(key, span)
    if redis.call('PTTL', key) < span then redis.call('PEXPIRE', key, span) end
  end
`

/**
 * Stores an entry in the place of the one with the same variant, in one step. KEYS entries, variants, asked, pieces.
 * ARGV now, spare time, most variants, token (or nothing); variant, first piece, expiry, size, id of its pieces, when it
 * was asked for, now in microseconds, when it was begun. What is there stays as `outlasts` says; where that does not tell,
 * when it was begun to be written later.
 * @returns the size of all variants, and when the last of them expires; nothing when it was dropped or replaced meanwhile
 */
export const putScript = script(`${common}
  local now, spare, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local token, variant, id, begun = ARGV[4], ARGV[5], ARGV[9], ARGV[12] or serverNow()
  local asked, wallNow = tonumber(ARGV[10]), tonumber(ARGV[11])
  local isGone = id ~= '-' and redis.call('HDEL', KEYS[2], '\\1' .. id) == 0
  if isGone or not isExpected(token) then
    dropPieces(id)
    return {}
  end
  local total, last, count, oldest, oldestStored, oldestId = tonumber(ARGV[8]), tonumber(ARGV[7]), 1, nil, nil, nil
  local kept = redis.call('HGETALL', KEYS[2])
  for index = 1, #kept, 2 do
    local expiry, size, stored, itsId, requested = read(kept[index + 1])
    if kept[index] == variant then
      local isLater = requested >= asked and stored > tonumber(begun)
      if expiry > now and (isLater or outlasts(requested, asked, wallNow)) then
        dropPieces(id)
        return {}
      end
      dropPieces(itsId)
    elseif expiry <= now then
      drop(kept[index], itsId)
    elseif stored > 0 then
      total, last, count = total + size, math.max(last, expiry), count + 1
      if not oldest or stored < oldestStored then
        oldest, oldestStored, oldestId = kept[index], stored, itsId
      end
    end
  end
  if count > most then drop(oldest, oldestId) end
  redis.call('HSET', KEYS[1], variant, ARGV[6])
  redis.call('HSET', KEYS[2], variant, table.concat({ ARGV[7], ARGV[8], begun, id, ARGV[10] }, ' '))
  local span = math.max(last - now, 1) + spare
  expire(KEYS[1], span)
  expire(KEYS[2], span)
  if id ~= '-' then redis.call('PEXPIRE', KEYS[4], tonumber(ARGV[7]) - now + spare) end
  return { total, last }
`)

/**
 * Drops what an entry too large to be kept would have replaced. KEYS entries, variants, asked. ARGV now, token (or nothing);
 * variant, when the entry was asked for, now in microseconds.
 * @returns the size of all other variants, and when the last of them expires; nothing when nothing was dropped
 */
export const refuseScript = script(`${common}
  local now, token, variant = tonumber(ARGV[1]), ARGV[2], ARGV[3]
  if not isExpected(token) then return {} end
  local description = redis.call('HGET', KEYS[2], variant)
  if not description then return {} end
  local expiry, _, _, id, requested = read(description)
  if expiry > now and outlasts(requested, tonumber(ARGV[4]), tonumber(ARGV[5])) then return {} end
  drop(variant, id)
  local total, last = 0, 0
  for _, other in ipairs(redis.call('HVALS', KEYS[2])) do
    local itsExpiry, size, stored = read(other)
    if stored > 0 then total, last = total + size, math.max(last, itsExpiry) end
  end
  return { total, last }
`)

/** Announces an entry of several pieces. ARGV when to give it up, size, id, how long that is. @returns when it was begun */
export const beginScript = script(`${common}
  redis.call('HSET', KEYS[2], '\\1' .. ARGV[3], ARGV[1] .. ' ' .. ARGV[2] .. ' 0 ' .. ARGV[3] .. ' 0')
  expire(KEYS[2], tonumber(ARGV[4]))
  return serverNow()
`)

/** Writes a piece. KEYS pieces. ARGV index, piece, how long it is kept until the entry is stored. */
export const pieceScript = script(`
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
`)

/**
 * Drops all variants, and with KEYS[3] asked all that is expected but one token. ARGV now, that token.
 * @returns whether one of the variants could be matched
 */
export const deleteScript = script(`${common}
  local found = 0
  local kept = redis.call('HGETALL', KEYS[2])
  for index = 1, #kept, 2 do
    local expiry, _, stored, id = read(kept[index + 1])
    if expiry > tonumber(ARGV[1]) and stored > 0 then found = 1 end
    dropPieces(id)
  end
  redis.call('UNLINK', KEYS[1], KEYS[2])
  if KEYS[3] then
    for _, token in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
      if token ~= ARGV[2] then redis.call('ZREM', KEYS[3], token) end
    end
  end
  return found
`)

/**
 * Keeps account of sizes under a prefix. KEYS total, sizes, uses, expiries. ARGV now, the most bytes that there may
 * be, how many keys were put or dropped, and of each: key, size (0 when it is gone), expiry, when it was used; then of
 * each that was used: key, when.
 * @returns keys to be dropped, least recently used first, so that there are no more bytes than that
 */
export const accountScript = script(`
  local now, most, puts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local total = tonumber(redis.call('GET', KEYS[1]) or 0)
  local last = now
  local function forget(key)
    total = total - tonumber(redis.call('HGET', KEYS[2], key) or 0)
    redis.call('HDEL', KEYS[2], key)
    redis.call('ZREM', KEYS[3], key)
    redis.call('ZREM', KEYS[4], key)
  end
  for index = 4, 3 + 4 * puts, 4 do
    local key, size = ARGV[index], tonumber(ARGV[index + 1])
    forget(key)
    if size > 0 then
      total = total + size
      redis.call('HSET', KEYS[2], key, size)
      redis.call('ZADD', KEYS[3], ARGV[index + 3], key)
      redis.call('ZADD', KEYS[4], ARGV[index + 2], key)
      last = math.max(last, tonumber(ARGV[index + 2]))
    end
  end
  for index = 4 + 4 * puts, #ARGV, 2 do redis.call('ZADD', KEYS[3], 'XX', ARGV[index + 1], ARGV[index]) end
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 100)) do forget(key) end
  local victims = {}
  while total > most and #victims < 1000 do
    local key = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
    if not key then break end
    forget(key)
    victims[#victims + 1] = key
  end
  redis.call('SET', KEYS[1], total, 'KEEPTTL')
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < last - now then redis.call('PEXPIRE', key, last - now) end
  end
  return victims
`)

/** ARGV[3] now, or nothing, to ask the server. */
const leaseNow = `
  local time = redis.call('TIME')
  local now = tonumber(ARGV[3]) or tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`

/** Takes a lease. ARGV token, span, now (or nothing, to ask the server), spare time. @returns whether the token has it */
export const claimScript = script(`${leaseNow}
  local lease = redis.call('GET', KEYS[1])
  if lease then
    local until_, token = string.match(lease, '^(%S+) (.*)$')
    if token ~= ARGV[1] and tonumber(until_) > now then return 0 end
  end
  local span = tonumber(ARGV[2])
  redis.call('SET', KEYS[1], string.format('%.0f', now + span) .. ' ' .. ARGV[1], 'PX', span + tonumber(ARGV[4]))
  return 1
`)

/**
 * Expects a token, and gives some of those up whose time is over. KEYS asked. ARGV token, how long at most, now (or nothing,
 * to ask the server), spare time.
 */
export const expectScript = script(`${leaseNow}
  for _, token in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', KEYS[1], token)
  end
  local span = tonumber(ARGV[2])
  redis.call('ZADD', KEYS[1], now + span, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], span + tonumber(ARGV[4]))
`)

/** Gives a lease back, and expects the token no more. KEYS lease, asked. ARGV token. */
export const releaseScript = script(`
  local lease = redis.call('GET', KEYS[1])
  if lease and string.match(lease, '^%S+ (.*)$') == ARGV[1] then redis.call('DEL', KEYS[1]) end
  redis.call('ZREM', KEYS[2], ARGV[1])
`)
