/** How many bytes of the state are read. */
export const readLength = 1_024

/**
 * Units one by one, all of them now: what the kernel says where they fit into one window, the only one that counts. Once it
 * is known which one that is, nothing but how many units it has changes until its end. While nobody knows where windows lie,
 * their ends come behind all others, as long as nothing has ended yet, or was said for good.
 */
export const fixedWindowShortcut = `
local known_terms, earliest, used, finish, capacity, epoch = struct.unpack('<c96ddddc16', state)
if known_terms == ARGV[1] and earliest <= now then
  local is_granted = now < finish and used + units <= capacity
  if is_granted then
    call('SETRANGE', KEYS[2], '96', struct.pack('<dd', now, used + units))
  else
    local retention, window, margin, fresh_until, from, to, length, free_at, said_count, _, _, first_count, counted, _,
      loosely_counted, place = struct.unpack('<ddddddddddddddd', state, 145)
    if to ~= to and length == window and said_count == 0 and place <= #state then
      local ends, size, latest = now + margin, #state, string.sub(state, -8)
      if size == ${readLength} then size, latest = call('STRLEN', KEYS[2]), call('GETRANGE', KEYS[2], -8, -1) end
      if struct.unpack('<d', state, place) >= now and struct.unpack('<d', latest) <= ends
        and (size + 1 - place) / 8 + units <= capacity then
        if now > fresh_until then
          local span = math.max(1000 * retention, margin + 2 * window)
          local ttl = 2 * math.ceil(span / 1000)
          call('PEXPIRE', KEYS[2], ttl)
          call('SETRANGE', KEYS[2], '168', struct.pack('<d', now + 1000 * ttl - span))
        end
        call('SETRANGE', KEYS[2], '96', struct.pack('<dd', now, -1))
        call('APPEND', KEYS[2], string.rep(struct.pack('<d', ends), units))
        return seconds .. ' ' .. microseconds .. ' ' .. epoch
      end
    end
    local index, behind = math.max(0, math.floor((now - to) / window)), first_count + counted
    if behind ~= index + 1 or counted == 0 then
      used = 0
    elseif place + 8 * counted > #state + 1 then
      used = capacity -- it was not read: the rest of the script knows
    elseif used == 0 then
      used = struct.unpack('<d', state, place + 8 * (counted - 1))
    end
    used = used + units
    is_granted = to == to and length == window and loosely_counted == 0 and behind <= index + 1
      and index == math.floor((now + margin - from) / window) and used <= capacity
    if is_granted then
      local ttl = 2 * math.max(retention, math.ceil((to + (index + 1) * window - now) / 1000))
      finish = from + (index + 1) * window - margin
      call('SET', KEYS[2], ARGV[1] .. struct.pack('<ddddc16dddddddddddddddd', now, used, finish, capacity, epoch,
        retention, window, margin, 0, from, to, length, free_at, said_count, now, now, index, 1, 0, 0, used), 'PX', ttl)
    end
  end
  if is_granted then return seconds .. ' ' .. microseconds .. ' ' .. epoch end
end
`
