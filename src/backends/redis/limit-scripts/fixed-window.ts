/**
 * The twin of algorithms/fixed-window.ts. Kept: the terms; as packed doubles from when on the shortcut may grant, how many units are in
 * its window, 0 when it is to stop, or -1 when it adds ends, and the capacity; the epoch as a text; the retention, window and margin, up
 * to when the key lives for another end, and the rest of Rule.pack. The first two say what usedAt, last and the last count are, if not 0.
 */
export const fixedWindow = `
local fixed_window = {}
fixed_window.__index = fixed_window

function fixed_window.new(key, stored, capacity, window, margin, start)
  local self = setmetatable({ key = key, capacity = capacity, window = window, margin = margin,
    is_aligned = start == 1, is_leased = start == 2 }, fixed_window)
  if not stored then
    self.state = self:initial()
    return self
  end
  self:load(stored)
  if self.state.length ~= window or (self.state.to == 0) ~= self.is_aligned then -- adapt
    self:restart(self.state.last)
    self.is_adapted = true
  end
  return self
end

function fixed_window:initial()
  local edge = self.is_aligned and 0 or nil
  return { from = edge, to = edge, length = self.window, free_at = 0, epoch = 0, sent_from = math.huge,
    ends = instant_log.new(self.key, 0), said = instant_log.new(self.key, 0),
    counts = window_counts.new(), loose = window_counts.new(), last = 0 }
end

function fixed_window:load(stored)
  local earliest, used, _, _, epoch = struct.unpack('<ddddc16', stored, 97)
  local from, to, length, free_at, said_count, used_at, last, first_count, counted, first_loose, loosely_counted, place =
    struct.unpack('<ddddddddddd', stored, 177)
  local counts, loose = window_counts.new(first_count), window_counts.new(first_loose)
  local ends, said, sent_from = instant_log.new(self.key, 0), instant_log.new(self.key, 0), math.huge
  for index = 1, counted do counts[index], place = struct.unpack('<d', stored, place) end
  if used ~= 0 then used_at, last, counts[counted] = earliest, earliest, used > 0 and used or nil end
  for index = 1, loosely_counted do loose[index], place = struct.unpack('<d', stored, place) end
  local said_at = #stored - 8 * said_count + 1
  while place <= #stored do
    local log = place < said_at and ends or said
    local instant
    instant, place = struct.unpack('<d', stored, place)
    log:append(instant)
  end
  if to ~= to then -- not a number: there is no anchor yet
    sent_from, from, to = from, nil, nil
  end
  self.used_at = used_at
  self.state = { from = from, to = to, sent_from = sent_from, length = length, free_at = free_at, epoch = tonumber(epoch),
    ends = ends, said = said, counts = counts, loose = loose, last = last }
end

function fixed_window:earliest_window(state, at)
  return max(0, floor((at - state.to) / self.window))
end

function fixed_window:latest_window(state, ends)
  return max(0, floor((ends - state.from) / self.window))
end

function fixed_window:first_loose(state, at)
  return self:latest_window(state, at) + 1
end

function fixed_window:add(state, counts, from, to, units)
  counts:add(max(from, self:earliest_window(state, state.last)), to, units)
end

function fixed_window:count(state, from, to, at, units)
  self:add(state, state.counts, from, to, units)
  self:add(state, state.loose, self:first_loose(state, at), to, units)
end

function fixed_window:anchored(from, to)
  local state = {}
  for name, value in pairs(self.state) do state[name] = value end
  state.from, state.to, state.sent_from = from, to, math.huge
  state.ends, state.said = instant_log.new(self.key, 0), instant_log.new(self.key, 0)
  state.counts, state.loose = window_counts.new(), window_counts.new()
  local log, behind = self.state.said, 0
  for place = 0, self.state.ends:size() - 1 do
    local ends = self.state.ends:at(place)
    local at = ends - self.margin
    if behind < log:size() and log:at(behind) == ends then
      behind = behind + 1
      at = from
    end
    local earliest = self:earliest_window(state, at)
    self:count(state, earliest, max(earliest, self:latest_window(state, ends)), at, 1)
  end
  return state
end

function fixed_window:first_arrival(state)
  return state.ends:size() == 0 and state.sent_from or min(state.sent_from, state.ends:at(0) - self.margin)
end

function fixed_window:is_of_use(from, to)
  return floor((to - from + self.margin) / self.window) * self.window <= self.margin
end

-- The earliest end that was not said for good.
local function first_open_end(state)
  local ends, said, place = state.ends, state.said, 0
  while place < said:size() and ends:at(place) == said:at(place) do place = place + 1 end
  return place < ends:size() and ends:at(place)
end

function fixed_window:as_of(now)
  local state = self.state
  if self.is_leased or state.from or state.ends:size() == 0 then return state end
  local ends = first_open_end(state)
  if not ends or ends >= now then return state end
  local from = self:first_arrival(state)
  return self:is_of_use(from, ends) and self:anchored(from, ends) or state
end

function fixed_window:room_anywhere(state, base, cost, sooner)
  local last = state.ends:size() + cost - self.capacity - 1
  return last < 0 and base or max(base, state.ends:at(last) - sooner + self.window)
end

function fixed_window:plan(now, cost, not_before)
  local at = max(now, not_before, self.state.last, self.state.free_at)
  local state = self:as_of(now)
  if not state.from then return self:room_anywhere(state, at, cost, 0) end
  while true do
    local full
    for index = self:earliest_window(state, at), self:latest_window(state, at + self.margin) do
      if state.counts:of(index) + cost > self.capacity then full = index end
    end
    if not full then return at end
    at = state.to + (full + 1) * self.window
  end
end

function fixed_window:commit(now, cost, at)
  local state, ends = self:as_of(now), at + self.margin
  self.state = state
  if state.epoch == 0 then state.epoch = 2 * (at % 2 ^ 45 + 1) end
  if state.from then
    local earliest = self:earliest_window(state, at)
    state.counts:forget_before(earliest)
    state.loose:forget_before(earliest)
    self:count(state, earliest, self:latest_window(state, ends), at, cost)
  else
    local past = now - self.window
    if state.ends:size() > 0 and state.ends:at(0) <= past then
      state.sent_from = self:first_arrival(state)
      state.ends:drop_up_to(past)
      state.said:drop_up_to(past)
    end
    state.ends:add(ends, cost)
  end
  state.last = at
  return ends, state.epoch
end

function fixed_window:restart(last)
  local state = self:initial()
  state.last, state.epoch = last, self.state.epoch + 2
  self.state = state
  if state.from then
    local earliest = self:earliest_window(state, last)
    state.counts:add(earliest, self:latest_window(state, last + self.margin), self.capacity)
  else
    state.free_at = last + self.margin + self.window
  end
end

function fixed_window:expires_at()
  local state = self.state
  local free, size = max(state.last, state.free_at), state.ends:size()
  if state.from then return max(free, state.to + state.counts:finish() * self.window) end
  if size == 0 then return free end
  local ends = state.ends:at(size - 1)
  return max(free, ends + min(self.window, ends - self:first_arrival(state)) + self.window)
end

function fixed_window:save(used_at, ttl, now, paused_until, retention)
  local state, nan = self.state, 0 / 0
  local packed = { terms, struct.pack('<ddddc16', max(state.last, state.free_at, used_at - 1000000, paused_until), 0,
    -math.huge, self.capacity, string.format('%016d', state.epoch)),
    struct.pack('<ddddddddddddddd', retention, self.window, self.margin, now + 1000 * ttl - max(1000 * retention,
    self.margin + 2 * self.window), state.from or state.sent_from, state.to or nan, state.length, state.free_at, state.said:size(),
    used_at, state.last, state.counts.first, #state.counts, state.loose.first, #state.loose) }
  local function add(number) packed[#packed + 1] = struct.pack('<d', number) end
  for _, units in ipairs(state.counts) do add(units) end
  for _, units in ipairs(state.loose) do add(units) end
  for place = 0, state.ends:size() - 1 do add(state.ends:at(place)) end
  for place = 0, state.said:size() - 1 do add(state.said:at(place)) end
  call('SET', self.key, table.concat(packed), 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function fixed_window.learn()
  instant_log.learn()

  function fixed_window:clamp(now) self:restart(now) end

  function fixed_window:is_stale(mark)
    return mark ~= self.state.epoch and mark ~= self.state.epoch + 1
  end

  function fixed_window:settle(cost, known_end, mark, new_end, at, progress)
    local state = self.state
    local is_stale = self:is_stale(mark)
    if is_stale and new_end <= known_end then return mark end
    if state.epoch == 0 then state.epoch = 2 * (new_end % 2 ^ 45 + 1) end
    if not state.from then return self:settle_early(cost, known_end, mark, new_end, at, progress) end
    local earliest = self:earliest_window(state, (is_stale and new_end or known_end) - self.margin)
    local known = is_stale and earliest - 1 or self:latest_window(state, known_end)
    local latest = max(earliest, self:latest_window(state, new_end))
    state.counts:take(latest + 1, known, cost)
    if not is_stale then state.loose:take(self:first_loose(state, known_end - self.margin), known, cost) end
    self:add(state, state.counts, max(earliest, known + 1), latest, cost)
    if progress ~= 'arrived' then
      self:add(state, state.loose, self:first_loose(state, new_end - self.margin), latest, cost)
    elseif new_end < state.to then
      state.to = max(state.from, new_end)
    end
    return state.epoch
  end

  function fixed_window:settle_early(cost, known_end, mark, new_end, at, progress)
    local state = self.state
    if progress ~= 'unsent' then
      state.sent_from = min(state.sent_from, progress == 'sent' and at or known_end - self.margin)
    end
    local from, is_last = self:first_arrival(state), progress == 'lost' or progress == 'arrived'
    local is_stale, was_said = self:is_stale(mark), mark > state.epoch
    for unit = 1, cost do
      if was_said then state.said:remove(known_end) end
      local is_known = not is_stale and state.ends:move(known_end, new_end)
      if not is_known and (is_stale or new_end > known_end) then
        state.ends:add(new_end, 1)
        is_known = true
      end
      if is_known and is_last then state.said:add(new_end, 1) end
    end
    local to = max(from, new_end)
    if progress == 'arrived' and self:is_of_use(from, to) then self.state = self:anchored(from, to) end
    return progress == 'lost' and state.epoch + 1 or state.epoch
  end

  function fixed_window:cancel(cost, known_end, mark)
    local state = self.state
    if self:is_stale(mark) then return end
    if state.from then
      local at, latest = known_end - self.margin, self:latest_window(state, known_end)
      state.counts:take(self:earliest_window(state, at), latest, cost)
      state.loose:take(self:first_loose(state, at), latest, cost)
      return
    end
    for unit = 1, cost do
      if mark > state.epoch then state.said:remove(known_end) end
      state.ends:remove(known_end)
    end
  end

  function fixed_window:remaining(now)
    if now < max(self.state.last, self.state.free_at) then return 0 end
    local state, most = self:as_of(now), 0
    if not state.from then
      return max(0, self.capacity - state.ends:size() + state.ends:count_up_to(now - self.window))
    end
    for index = self:earliest_window(state, now), self:latest_window(state, now + self.margin) do
      most = max(most, state.counts:of(index))
    end
    return max(0, self.capacity - most)
  end

  function fixed_window:estimate(now, cost, ahead)
    local base, state = max(now, self.state.last, self.state.free_at), self:as_of(now)
    if state.from then return self:estimate_in(state, base, cost, ahead) end
    local units = ahead + cost
    local windows = max(0, ceil((units - self.capacity) / self.capacity))
    local within = self:room_anywhere(state, base, units - windows * self.capacity, self.margin)
    local at = within + windows * self.window
    if state.ends:size() == 0 then return at end
    local from = self:first_arrival(state)
    return min(at, self:estimate_in(self:anchored(from, from), base, cost, ahead))
  end

  function fixed_window:estimate_in(state, base, cost, ahead)
    local index, rest, finish = max(0, floor((base - state.from) / self.window)), ahead + cost, state.counts:finish()
    while index < finish do
      local room = max(0, self.capacity - state.counts:of(index) + state.loose:of(index))
      if rest <= room then break end
      rest = max(cost, rest - room)
      index = index + 1
    end
    if index >= finish then index = index + ceil(rest / self.capacity) - 1 end
    return max(base, state.from + index * self.window)
  end
end
`
