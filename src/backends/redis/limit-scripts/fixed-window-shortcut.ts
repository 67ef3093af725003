/**
 * Units one by one, all of them now: what the kernel says where they fit into one window, the only one that counts. Once it
 * is known which one that is, nothing but how many units it has changes until its end.
 */
export const fixedWindowShortcut = `
local known_terms, earliest, used, finish, capacity, epoch = struct.unpack('<c96ddddc16', state)
if known_terms == ARGV[1] and earliest <= now then
  local is_granted = now < finish and used + units <= capacity
  if is_granted then
    call('SETRANGE', KEYS[2], '96', struct.pack('<dd', now, used + units))
  else
    local retention, window, margin, from, to, length, free_at, said_count, _, _, first_count, counted, _, loosely_counted, place =
      struct.unpack('<dddddddddddddd', state, 145)
    local index, behind = math.max(0, math.floor((now - to) / window)), first_count + counted
    if behind ~= index + 1 or counted == 0 then
      used = 0
    elseif used == 0 then
      used = struct.unpack('<d', state, place + 8 * (counted - 1))
    end
    used = used + units
    is_granted = to == to and length == window and loosely_counted == 0 and behind <= index + 1
      and index == math.floor((now + margin - from) / window) and used <= capacity
    if is_granted then
      local ttl = 2 * math.max(retention, math.ceil((to + (index + 1) * window - now) / 1000))
      finish = from + (index + 1) * window - margin
      call('SET', KEYS[2], ARGV[1] .. struct.pack('<ddddc16ddddddddddddddd', now, used, finish, capacity, epoch,
        retention, window, margin, from, to, length, free_at, said_count, now, now, index, 1, 0, 0, used), 'PX', ttl)
    end
  end
  if is_granted then return seconds .. ' ' .. microseconds .. ' ' .. epoch end
end
`
