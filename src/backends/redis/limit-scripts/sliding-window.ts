import { longestTail, pageLength } from './instant-log.ts'

/**
 * The twin of algorithms/sliding-window.ts. Kept: the terms; as packed doubles what the shortcut looks at, which is the margin, how
 * long the state may become by units alone, up to when its key lives long enough for a unit, and how early one may end;
 * the retention, the capacity, the window, how many units are in the list, usedAt, last, up to when the first units are
 * dropped, and how long the state was when all that was written; then the units behind those of the list. Units that came
 * later than that were granted by the shortcut.
 */
export const slidingWindow = `
local sliding_window = {}
sliding_window.__index = sliding_window

function sliding_window.new(key, stored, capacity, window, margin, list)
  local self = setmetatable({ key = key, list = list, capacity = capacity, window = window, margin = margin, last = 0 },
    sliding_window)
  if not stored then
    self.log = instant_log.new(list, 0)
    return self
  end
  local margin_then = struct.unpack('<d', stored, 97)
  local window_then, kept, used_at, last, dropped_up_to, written = struct.unpack('<dddddd', stored, 145)
  if #stored > written then
    last = struct.unpack('<d', stored, #stored - 7) - margin_then
    used_at, dropped_up_to = last, last - window_then
  end
  self.used_at, self.last = used_at, last
  self.log = instant_log.new(list, kept)
  self.log:load(string.sub(stored, 193))
  self.log:drop_up_to(dropped_up_to)
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
  local log, margin, latest, kept = self.log, self.margin, self:latest(), self.log:save()
  -- Twice as long, so that it never goes first.
  if kept > 0 then call('PEXPIRE', self.list, 2 * ttl) end
  local units = log:packed()
  local numbers = struct.pack('<dddddddddddd', margin, 192 + 8 * min(${longestTail}, self.capacity - kept),
    now + 1000 * ttl - max(1000 * retention, margin + self.window),
    max(latest, max(self.last, used_at - 1000000, paused_until) + margin),
    retention, self.capacity, self.window, kept, used_at, self.last, -math.huge, 192 + #units)
  call('SET', self.key, terms .. numbers .. units, 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function sliding_window.learn()
  instant_log.learn()

  function sliding_window:settle(cost, known_end, mark, new_end)
    if new_end ~= known_end then self.log:note(known_end, new_end, cost) end
    return mark
  end

  function sliding_window:finish() self.log:move_noted() end

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

/**
 * Units one by one, all of them now: what the kernel says where there is room for them behind all others. As long as the
 * state may grow they are all that is written. Then it is written whole, without what is past, and pages go to the list.
 */
export const slidingWindowShortcut = `
local known_terms, margin, longest, fresh_until, earliest = struct.unpack('<c96dddd', state)
local ends, length = now + margin, #state
if known_terms == ARGV[1] and earliest <= ends and struct.unpack('<d', state, length - 7) <= ends then
  local added = struct.pack('<d', ends)
  if units > 1 then added = string.rep(added, units) end
  if length + 8 * units <= longest and now <= fresh_until then
    call('APPEND', KEYS[2], added)
    return seconds .. ' ' .. microseconds .. ' 0'
  end
  local retention, capacity, window, kept = struct.unpack('<dddd', state, 129)
  local place, past, gone = 193, now - window, 0
  while kept > 0 and gone < 4 do -- more than come at a time
    local page = call('LINDEX', KEYS[3], gone)
    if page and struct.unpack('<d', page, ${8 * pageLength - 7}) > past then break end
    gone, kept = gone + 1, kept - (kept - 1) % ${pageLength} - 1
  end
  if kept == 0 then
    while place <= length and struct.unpack('<d', state, place) <= past do place = place + 8 end
  end
  local tail = (length + 1 - place) / 8 + units
  if kept + tail <= capacity then
    local packed = string.sub(state, place) .. added
    if gone > 0 then call('LTRIM', KEYS[3], gone, -1) end
    -- One may be left of a state that has expired.
    if kept == 0 and tail > ${longestTail} then call('DEL', KEYS[3]) end
    while tail > ${longestTail} do
      call('RPUSH', KEYS[3], string.sub(packed, 1, ${8 * pageLength}))
      packed = string.sub(packed, ${8 * pageLength + 1})
      kept, tail = kept + ${pageLength}, tail - ${pageLength}
    end
    local span = math.max(1000 * retention, margin + window)
    local ttl = 2 * math.ceil(span / 1000)
    if kept > 0 then call('PEXPIRE', KEYS[3], 2 * ttl) end
    call('SET', KEYS[2], ARGV[1] .. struct.pack('<dddddddddddd', margin, 192 + 8 * math.min(${longestTail}, capacity - kept),
      now + 1000 * ttl - span, ends, retention, capacity, window, kept, now, now, past, 192 + 8 * tail) .. packed, 'PX', ttl)
    return seconds .. ' ' .. microseconds .. ' 0'
  end
end
`
