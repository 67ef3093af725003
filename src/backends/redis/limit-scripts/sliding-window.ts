/**
 * The twin of algorithms/sliding-window.ts. Kept as packed doubles: usedAt, last, how many units are in the list, up to when
 * the first ones of it are dropped, until when it is there for certain, the latest of all units; then the units behind
 * those of the list.
 */
export const slidingWindow = `
local sliding_window = {}
sliding_window.__index = sliding_window

function sliding_window.new(key, stored, capacity, window, margin, list)
  local self = setmetatable({ key = key, list = list, capacity = capacity, window = window, margin = margin, last = 0 },
    sliding_window)
  local kept, dropped_up_to = 0
  if stored then self.used_at, self.last, kept, dropped_up_to = struct.unpack('<dddd', stored) end
  self.log = instant_log.new(list, kept, kept > 0 and call('LRANGE', list, 0, 3) or {})
  if stored then self.log:load(stored, 49) end
  if kept > 0 then self.log:drop_up_to(dropped_up_to) end
  return self
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
  log:add(ends, cost)
  self.last = at
  return ends, 0
end

function sliding_window:latest()
  local size = self.log:size()
  return size == 0 and -math.huge or self.log:at(size - 1)
end

function sliding_window:expires_at()
  return max(self.last, self:latest() + self.window)
end

function sliding_window:save(used_at, ttl, now)
  local log, latest, kept = self.log, self:latest(), self.log:save()
  local there_until = -math.huge
  if kept > 0 then
    -- Twice as long, so that it need not be told at every change.
    call('PEXPIRE', self.list, 2 * ttl)
    there_until = now + 2000 * ttl
  end
  local head = struct.pack('<dddddd', used_at, self.last, kept, -math.huge, there_until, latest)
  call('SET', self.key, head .. log:packed(), 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function sliding_window.learn()
  instant_log.learn()

  function sliding_window:settle(cost, known_end, mark, new_end)
    if new_end ~= known_end then
      for unit = 1, cost do
        if not self.log:move(known_end, new_end) and new_end > known_end then self.log:add(new_end, 1) end
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

/** Units one by one, all of them now: what the kernel says where there is room for them behind all others. */
export const slidingWindowShortcut = `
local capacity, window, margin = ARGV[4] + 0, ARGV[5] + 0, ARGV[6] + 0
local used_at, last, kept, dropped_up_to, there_until, latest = struct.unpack('<dddddd', state)
local ends, place = now + margin, 49
if last <= now and used_at <= now + 1000000 and latest <= ends then
  if kept == 0 then
    while place <= #state and struct.unpack('<d', state, place) <= now - window do place = place + 8 end
  else
    dropped_up_to = now - window
  end
  local tail = (#state + 1 - place) / 8 + units
  if margin + window > ttl * 1000 then ttl = math.ceil((margin + window) / 1000) end
  if tail <= 128 and kept + tail <= capacity and (kept == 0 or now + 1000 * ttl <= there_until) then
    call('SET', KEYS[2], struct.pack('<dddddd', now, now, kept, dropped_up_to, there_until, ends)
      .. string.sub(state, place) .. string.rep(struct.pack('<d', ends), units), 'PX', ttl)
    return instant .. ' 0'
  end
end
`
