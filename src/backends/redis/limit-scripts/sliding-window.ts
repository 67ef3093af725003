/**
 * The twin of algorithms/sliding-window.ts. Kept as a list: first packed doubles, which are last, usedAt, how many units
 * there are and the latest of them; then the units.
 */
export const slidingWindow = `
local sliding_window = {}
sliding_window.__index = sliding_window

function sliding_window.new(key, _, capacity, window, margin)
  local known = call('LRANGE', key, 0, 3)
  local last, used_at, size = 0, nil, 0
  if known[1] then
    local latest
    last, used_at, size, latest = struct.unpack('<dddd', known[1])
    if size > 0 then known[1 + size] = latest end
  end
  return setmetatable({ key = key, capacity = capacity, window = window, margin = margin,
    log = instant_log.new(key, size, known), last = last, used_at = used_at }, sliding_window)
end

function sliding_window:room(base, cost, sooner)
  local place = self.log:size() + cost - self.capacity - 1
  return place < 0 and base or max(base, self.log:at(place) - sooner + self.window)
end

function sliding_window:plan(now, cost, not_before)
  return self:room(max(now, not_before, self.last), cost, 0)
end

function sliding_window:commit(now, cost, at)
  local log, ends = self.log, at + self.margin
  log:drop_up_to(at - self.window)
  for unit = 1, cost do log:add(ends) end
  self.last = at
  return ends, 0
end

function sliding_window:expires_at()
  local size = self.log:size()
  return size == 0 and self.last or max(self.last, self.log:at(size - 1) + self.window)
end

function sliding_window:save(used_at, ttl)
  local size = self.log:size()
  local latest = size == 0 and 0 or self.log:at(size - 1)
  self.log:save(struct.pack('<dddd', self.last, used_at, size, latest))
  call('PEXPIRE', self.key, ttl)
end

-- What few calls need: to make a function takes time.
function sliding_window.learn()
  instant_log.learn()

  function sliding_window:settle(cost, known_end, mark, new_end)
    if new_end ~= known_end then
      for unit = 1, cost do
        if not self.log:move(known_end, new_end) and new_end > known_end then self.log:add(new_end) end
      end
    end
    return mark
  end

  function sliding_window:cancel(cost, known_end)
    for unit = 1, cost do self.log:remove(known_end) end
  end

  function sliding_window:clamp(now)
    self.log:cap_at(now + self.margin)
    self.last = now
  end

  function sliding_window:remaining(now)
    if now < self.last then return 0 end
    return max(0, self.capacity - (self.log:size() - self.log:count_up_to(now - self.window)))
  end

  function sliding_window:estimate(now, cost, ahead)
    local units = ahead + cost
    local windows = max(0, ceil((units - self.capacity) / self.capacity))
    local base = max(now, self.last)
    return self:room(base, units - windows * self.capacity, self.margin) + windows * self.window
  end
end
`
