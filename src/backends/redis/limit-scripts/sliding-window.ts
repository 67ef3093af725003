/** The twin of algorithms/sliding-window.ts. Kept as a list: last and usedAt as packed doubles, then the log. */
export const slidingWindow = `
local function sliding_window(key, stored, capacity, window, margin)
  local self = {}
  local size = call('LLEN', key)
  local known = size == 0 and {} or call('LRANGE', key, 0, 3)
  local last = 0
  if size > 0 then last, self.used_at = struct.unpack('<dd', known[1]) end
  local log = instant_log(key, math.max(0, size - 1), known)

  local function room(base, cost)
    local place = log.size() + cost - capacity - 1
    return place < 0 and base or math.max(base, log.at(place) + window)
  end

  function self.adapt() return false end

  function self.clamp(now)
    log.cap_at(now + margin)
    last = now
  end

  function self.plan(now, cost, not_before) return room(math.max(now, not_before, last), cost) end

  function self.commit(now, cost, at)
    log.drop_up_to(at - window)
    for unit = 1, cost do log.add(at + margin) end
    last = at
    return at + margin, 0
  end

  function self.settle(cost, known_end, mark, new_end)
    if new_end ~= known_end then
      for unit = 1, cost do
        if not log.move(known_end, new_end) and new_end > known_end then log.add(new_end) end
      end
    end
    return mark
  end

  function self.cancel(cost, known_end)
    for unit = 1, cost do log.remove(known_end) end
  end

  function self.remaining(now)
    if now < last then return 0 end
    return math.max(0, capacity - (log.size() - log.count_up_to(now - window)))
  end

  function self.estimate(now, cost, ahead)
    local units = ahead + cost
    local windows = math.max(0, math.ceil((units - capacity) / capacity))
    return room(math.max(now, last), units - windows * capacity) + windows * window
  end

  function self.expires_at()
    local count = log.size()
    return count == 0 and last or math.max(last, log.at(count - 1) + window)
  end

  function self.save(used_at, ttl)
    log.save(struct.pack('<dd', last, used_at))
    call('PEXPIRE', key, ttl)
  end

  return self
end
`
