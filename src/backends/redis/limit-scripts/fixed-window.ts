/**
 * The twin of algorithms/fixed-window.ts. Kept: the terms; as packed doubles the retention and the numbers; the end of the last pause, until when the
 * key lives for certain, what of Rule.pack changes seldom, usedAt, and the rest of it.
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
  return { from = edge, to = edge, length = self.window, ends = instant_log.new(self.key, 0, {}), group = 0,
    group_end = 0, groups = 0, first_group = 0, counts = window_counts.new(), loose = window_counts.new(), last = 0 }
end

function fixed_window:load(stored)
  local from, to, length, group, group_end, groups, first_group, used_at, last, first_count, counted, first_loose,
    loosely_counted, place = struct.unpack('<ddddddddddddd', stored, 145)
  local counts, loose = window_counts.new(first_count), window_counts.new(first_loose)
  local ends = instant_log.new(self.key, 0, {})
  for index = 1, counted do counts[index], place = struct.unpack('<d', stored, place) end
  for index = 1, loosely_counted do loose[index], place = struct.unpack('<d', stored, place) end
  while place <= #stored do
    local instant
    instant, place = struct.unpack('<d', stored, place)
    ends:append(instant)
  end
  local sent_from
  if to ~= to then -- not a number: there is no anchor yet
    if from == from then sent_from = from end
    from, to = nil, nil
  end
  self.used_at = used_at
  self.state = { from = from, to = to, sent_from = sent_from, length = length, ends = ends, group = group, group_end = group_end,
    groups = groups, first_group = first_group, counts = counts, loose = loose, last = last }
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
  state.from, state.to, state.sent_from, state.ends = from, to, nil, instant_log.new(self.key, 0, {})
  state.counts, state.loose = window_counts.new(), window_counts.new()
  for place = 0, self.state.ends:size() - 1 do
    local ends = self.state.ends:at(place)
    local earliest = self:earliest_window(state, ends - self.margin)
    self:count(state, earliest, max(earliest, self:latest_window(state, ends)), ends - self.margin, 1)
  end
  return state
end

function fixed_window:first_arrival(state)
  local from = state.sent_from or math.huge
  return state.ends:size() == 0 and from or min(from, state.ends:at(0) - self.margin)
end

function fixed_window:as_of(now)
  local state = self.state
  if self.is_leased or state.from or state.ends:size() == 0 then return state end
  local ends = state.ends:at(0)
  return ends < now and self:anchored(self:first_arrival(state), ends) or state
end

function fixed_window:room_in_group(state, at)
  return at >= state.group_end + self.window and self.capacity or max(0, self.capacity - state.group)
end

function fixed_window:plan(now, cost, not_before)
  local at = max(now, not_before, self.state.last)
  local state = self:as_of(now)
  if not state.from then
    return cost <= self:room_in_group(state, at) and at or state.group_end + self.window
  end
  while true do
    local full
    for index = self:earliest_window(state, at), self:latest_window(state, at + self.margin) do
      if state.counts:of(index) + cost > self.capacity then full = index end
    end
    if not full then return at end
    at = state.to + (full + 1) * self.window
  end
end

-- Adds units to the last group.
local function join(state, cost, ends)
  state.ends:add(ends, cost)
  state.group = state.group + cost
  state.group_end = max(state.group_end, ends)
end

function fixed_window:commit(now, cost, at)
  local state, ends = self:as_of(now), at + self.margin
  self.state = state
  if state.from then
    local earliest = self:earliest_window(state, at)
    state.counts:forget_before(earliest)
    state.loose:forget_before(earliest)
    self:count(state, earliest, self:latest_window(state, ends), at, cost)
  else
    if at >= state.group_end + self.window then
      state.group = 0
      state.groups = state.groups + 1
    end
    join(state, cost, ends)
  end
  state.last = at
  return ends, state.groups
end

function fixed_window:restart(last)
  local groups = self.state.groups + 1
  local state = self:initial()
  self.state = state
  state.last, state.groups, state.first_group = last, groups, groups
  if state.from then
    local earliest = self:earliest_window(state, last)
    state.counts:add(earliest, self:latest_window(state, last + self.margin), self.capacity)
  else
    state.group, state.group_end = self.capacity, last + self.margin
  end
end

function fixed_window:expires_at()
  local state = self.state
  if state.from then return max(state.last, state.to + state.counts:finish() * self.window) end
  return state.group == 0 and state.last or max(state.last, state.group_end + self.margin + self.window)
end

function fixed_window:save(used_at, ttl, now, paused_until, retention)
  local state, nan = self.state, 0 / 0
  local packed = { terms, struct.pack('<dddd', retention, self.capacity, self.window, self.margin),
    struct.pack('<ddddddddddddddd', paused_until, now + 1000 * ttl, state.from or state.sent_from or nan, state.to or nan,
    state.length, state.group, state.group_end, state.groups, state.first_group, used_at, state.last, state.counts.first,
    #state.counts, state.loose.first, #state.loose) }
  for _, units in ipairs(state.counts) do packed[#packed + 1] = struct.pack('<d', units) end
  for _, units in ipairs(state.loose) do packed[#packed + 1] = struct.pack('<d', units) end
  for place = 0, state.ends:size() - 1 do packed[#packed + 1] = struct.pack('<d', state.ends:at(place)) end
  call('SET', self.key, table.concat(packed), 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function fixed_window.learn()
  instant_log.learn()

  function fixed_window:clamp(now) self:restart(now) end

  function fixed_window:settle(cost, known_end, mark, new_end, at, progress)
    local state = self.state
    local is_stale = mark < state.first_group
    if is_stale and new_end <= known_end then return mark end
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
    return state.groups
  end

  function fixed_window:settle_early(cost, known_end, mark, new_end, at, progress)
    local state = self.state
    local from = min(known_end - self.margin, self:first_arrival(state))
    local is_of_last_group = mark == state.groups
    for unit = 1, cost do
      local is_known = state.ends:move(known_end, new_end)
      if not is_known or (not is_of_last_group and new_end > known_end) then
        if is_known then state.ends:remove(new_end) end
        join(state, 1, new_end)
        mark = state.groups
      end
    end
    state.group_end = max(state.group_end, new_end)
    if progress == 'sent' then state.sent_from = min(state.sent_from or at, at) end
    if progress == 'arrived' then self.state = self:anchored(from, max(from, new_end)) end
    return mark
  end

  function fixed_window:cancel(cost, known_end, mark)
    local state = self.state
    if mark < state.first_group then return end
    if state.from then
      local at, latest = known_end - self.margin, self:latest_window(state, known_end)
      state.counts:take(self:earliest_window(state, at), latest, cost)
      state.loose:take(self:first_loose(state, at), latest, cost)
      return
    end
    for unit = 1, cost do
      if state.ends:remove(known_end) and mark == state.groups then state.group = state.group - 1 end
    end
    local size = state.ends:size()
    if size > 0 then state.group_end = state.ends:at(size - 1) end
  end

  function fixed_window:remaining(now)
    if now < self.state.last then return 0 end
    local state, most = self:as_of(now), 0
    if not state.from then return self:room_in_group(state, now) end
    for index = self:earliest_window(state, now), self:latest_window(state, now + self.margin) do
      most = max(most, state.counts:of(index))
    end
    return max(0, self.capacity - most)
  end

  function fixed_window:estimate(now, cost, ahead)
    local base, state = max(now, self.state.last), self:as_of(now)
    if state.from then return self:estimate_in(state, base, cost, ahead) end
    local over = ahead + cost - self:room_in_group(state, base)
    local at = over <= 0 and base or max(base, state.group_end + ceil(over / self.capacity) * self.window)
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

/** Units one by one, all of them now: what the kernel says where they fit into one window, the only one that counts. */
export const fixedWindowShortcut = `
local ttl, capacity, window, margin, paused_until, alive_until, from, to, length, group, group_end, groups, first_group,
  used_at, last, first_count, counted, first_loose, loosely_counted, place = struct.unpack('<ddddddddddddddddddd', state, 97)
if to == to and length == window and last <= now and used_at <= now + 1000000 and paused_until <= now
  and loosely_counted == 0 then
  local index, used = math.max(0, math.floor((now - to) / window)), 0
  local behind = first_count + counted
  if behind == index + 1 and counted > 0 then used = struct.unpack('<d', state, place + 8 * (counted - 1)) end
  if index == math.floor((now + margin - from) / window) and behind <= index + 1
    and used + units <= capacity then
    local ends = to + (index + 1) * window
    local changed = struct.pack('<ddddddd', now, now, index, 1, 0, 0, used + units)
    if counted == 1 and ends <= alive_until and now + ttl * 1000 <= alive_until then
      call('SETRANGE', KEYS[2], '200', changed)
    else
      ttl = 2 * math.max(ttl, math.ceil((ends - now) / 1000))
      local rest = struct.pack('<ddddddddd', paused_until, now + ttl * 1000, from, to, length, group, group_end, groups,
        first_group)
      call('SET', KEYS[2], string.sub(state, 1, 128) .. rest .. changed, 'PX', ttl)
    end
    return seconds .. ' ' .. microseconds .. ' ' .. groups
  end
end
`
