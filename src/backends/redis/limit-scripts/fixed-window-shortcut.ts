/** Units one by one, all of them now: what the kernel says where they fit into one window, the only one that counts. */
export const fixedWindowShortcut = `
local ttl, capacity, window, margin, paused_until, alive_until, from, to, length, free_at, epoch, said_count,
  used_at, last, first_count, counted, first_loose, loosely_counted, place = struct.unpack('<dddddddddddddddddd', state, 97)
if to == to and length == window and last <= now and free_at <= now and used_at <= now + 1000000 and paused_until <= now
  and loosely_counted == 0 then
  local index, used = math.max(0, math.floor((now - to) / window)), 0
  local behind = first_count + counted
  if behind == index + 1 and counted > 0 then used = struct.unpack('<d', state, place + 8 * (counted - 1)) end
  if index == math.floor((now + margin - from) / window) and behind <= index + 1
    and used + units <= capacity then
    local ends = to + (index + 1) * window
    local changed = struct.pack('<ddddddd', now, now, index, 1, 0, 0, used + units)
    if counted == 1 and ends <= alive_until and now + ttl * 1000 <= alive_until then
      call('SETRANGE', KEYS[2], '192', changed)
    else
      ttl = 2 * math.max(ttl, math.ceil((ends - now) / 1000))
      local rest = struct.pack('<dddddddd', paused_until, now + ttl * 1000, from, to, length, free_at, epoch, said_count)
      call('SET', KEYS[2], string.sub(state, 1, 128) .. rest .. changed, 'PX', ttl)
    end
    return seconds .. ' ' .. microseconds .. ' ' .. epoch
  end
end
`
