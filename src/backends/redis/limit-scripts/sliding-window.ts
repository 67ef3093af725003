/**
 * The twin of algorithms/sliding-window.ts. Kept: the terms; as packed doubles the retention and the numbers; the units behind those of the list; the end of the last
 * pause, until when the key lives for certain, usedAt, last, how many units are in the list, up to when the first ones are
 * dropped, until when the list is there for certain, and the latest of all units. That stands at the end, so that units
 * are added and it is changed in one go.
 */
export const slidingWindow = `
local sliding_window = {}
sliding_window.__index = sliding_window

function sliding_window.new(key, stored, capacity, window, margin, list)
  local self = setmetatable({ key = key, list = list, capacity = capacity, window = window, margin = margin, last = 0 },
    sliding_window)
  local kept, dropped_up_to, units = 0, -math.huge
  if stored then
    units = string.sub(stored, 129, -65)
    self.used_at, self.last, kept, dropped_up_to = struct.unpack('<dddd', stored, #stored - 47)
  end
  self.log = instant_log.new(list, kept)
  if stored then
    self.log:load(units)
    self.log:drop_up_to(dropped_up_to)
  end
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

function sliding_window:save(used_at, ttl, now, paused_until, retention)
  local log, latest, kept = self.log, self:latest(), self.log:save()
  local there_until = -math.huge
  if kept > 0 then
    -- Twice as long, so that it need not be told at every change.
    call('PEXPIRE', self.list, 2 * ttl)
    there_until = now + 2000 * ttl
  end
  local rest = struct.pack('<dddddddd', paused_until, now + 1000 * ttl, used_at, self.last, kept, -math.huge, there_until,
    latest)
  local numbers = struct.pack('<dddd', retention, self.capacity, self.window, self.margin)
  call('SET', self.key, terms .. numbers .. log:packed() .. rest, 'PX', ttl)
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
local ttl, capacity, window, margin = struct.unpack('<dddd', state, 97)
local paused_until, alive_until, used_at, last, kept, dropped_up_to, there_until, latest =
  struct.unpack('<dddddddd', state, #state - 63)
local ends = now + margin
if last <= now and used_at <= now + 1000000 and latest <= ends and paused_until <= now then
  local place, tail = 129, #state / 8 - 24 + units
  if kept == 0 and (tail > 256 or tail > capacity) then
    while place <= #state - 64 and struct.unpack('<d', state, place) <= now - window do place = place + 8 end
    tail = tail - (place - 129) / 8
  end
  local needed = math.max(now + ttl * 1000, ends + window)
  if tail <= 256 and kept + tail <= capacity and (kept == 0 or needed <= there_until) then
    local is_written_over = place == 129 and needed <= alive_until
    if not is_written_over then
      ttl = 2 * math.ceil((needed - now) / 1000)
      alive_until = now + ttl * 1000
    end
    local added = struct.pack('<ddddddddd', ends, paused_until, alive_until, now, now, kept,
      math.max(dropped_up_to, now - window), there_until, ends)
    if units > 1 then added = string.rep(struct.pack('<d', ends), units - 1) .. added end
    if is_written_over then
      call('SETRANGE', KEYS[2], #state - 64, added)
    else
      call('SET', KEYS[2], string.sub(state, 1, 128) .. string.sub(state, place, -65) .. added, 'PX', ttl)
    end
    return seconds .. ' ' .. microseconds .. ' 0'
  end
end
`
