/** The twin of algorithms/fixed-window.ts. Kept as packed doubles: usedAt, then what Rule.pack has. */
export const fixedWindow = `
local fixed_window = {}
fixed_window.__index = fixed_window

function fixed_window.new(key, stored, capacity, window, margin, is_aligned)
  local self = setmetatable({ key = key, capacity = capacity, window = window, margin = margin,
    is_aligned = is_aligned == 1 }, fixed_window)
  if not stored then
    self.state = self:initial()
    return self
  end
  self:load(stored)
  if self.state.length ~= window then -- adapt
    self:restart(self.state.last)
    self.is_adapted = true
  end
  return self
end

function fixed_window:initial()
  local edge = self.is_aligned and 0 or nil
  return { from = edge, to = edge, length = self.window, ends = instant_log.new(self.key, 0, {}), group = 0,
    group_end = 0, groups = 0, first_group = 0, first = 0, counts = {}, last = 0 }
end

function fixed_window:load(stored)
  local used_at, from, to, length, group, group_end, groups, first_group, first, last, counted, place =
    struct.unpack('<ddddddddddd', stored)
  local counts, ends = {}, instant_log.new(self.key, 0, {})
  for index = 1, counted do counts[index], place = struct.unpack('<d', stored, place) end
  while place <= #stored do
    local instant
    instant, place = struct.unpack('<d', stored, place)
    ends:append(instant)
  end
  if from ~= from then from, to = nil, nil end -- not a number: there is no anchor yet
  self.used_at = used_at
  self.state = { from = from, to = to, length = length, ends = ends, group = group, group_end = group_end,
    groups = groups, first_group = first_group, first = first, counts = counts, last = last }
end

function fixed_window:earliest_window(state, at)
  return max(0, floor((at - state.to) / self.window))
end

function fixed_window:latest_window(state, ends)
  return floor((ends - state.from) / self.window)
end

local function count_of(state, index)
  return state.counts[index - state.first + 1] or 0
end

function fixed_window:count(state, from, to, units)
  local counts = state.counts
  if #counts == 0 and from <= to then state.first = max(state.first, from) end
  local start = max(from, min(self:earliest_window(state, state.last), state.first))
  for _ = start, state.first - 1 do table.insert(counts, 1, 0) end
  state.first = min(start, state.first)
  for index = start, to do
    local place = index - state.first + 1
    for gap = #counts + 1, place do counts[gap] = 0 end
    counts[place] = max(0, counts[place] + units)
  end
end

local function forget_before(state, index)
  local gone = index - state.first
  if gone <= 0 then return end
  local counts = {}
  for place = gone + 1, #state.counts do counts[place - gone] = state.counts[place] end
  state.counts, state.first = counts, index
end

function fixed_window:anchored(from, to)
  local state = {}
  for name, value in pairs(self.state) do state[name] = value end
  state.from, state.to, state.ends, state.first, state.counts = from, to, instant_log.new(self.key, 0, {}), 0, {}
  for place = 0, self.state.ends:size() - 1 do
    local ends = self.state.ends:at(place)
    local earliest = self:earliest_window(state, ends - self.margin)
    self:count(state, earliest, max(earliest, self:latest_window(state, ends)), 1)
  end
  return state
end

function fixed_window:as_of(now)
  local state = self.state
  if state.from or state.ends:size() == 0 then return state end
  local ends = state.ends:at(0)
  return ends < now and self:anchored(ends - self.margin, ends) or state
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
      if count_of(state, index) + cost > self.capacity then full = index end
    end
    if not full then return at end
    at = state.to + (full + 1) * self.window
  end
end

-- Adds units to the last group.
local function join(state, cost, ends)
  for unit = 1, cost do state.ends:add(ends) end
  state.group = state.group + cost
  state.group_end = max(state.group_end, ends)
end

function fixed_window:commit(now, cost, at)
  local state, ends = self:as_of(now), at + self.margin
  self.state = state
  if state.from then
    local earliest = self:earliest_window(state, at)
    forget_before(state, earliest)
    self:count(state, earliest, self:latest_window(state, ends), cost)
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
    state.first = self:earliest_window(state, last)
    self:count(state, state.first, self:latest_window(state, last + self.margin), self.capacity)
  else
    state.group, state.group_end = self.capacity, last + self.margin
  end
end

function fixed_window:expires_at()
  local state = self.state
  if state.from then return max(state.last, state.to + (state.first + #state.counts) * self.window) end
  return state.group == 0 and state.last or max(state.last, state.group_end + self.margin + self.window)
end

function fixed_window:save(used_at, ttl)
  local state, nan = self.state, 0 / 0
  local packed = { struct.pack('<ddddddddddd', used_at, state.from or nan, state.to or nan, state.length,
    state.group, state.group_end, state.groups, state.first_group, state.first, state.last, #state.counts) }
  for index, units in ipairs(state.counts) do packed[index + 1] = struct.pack('<d', units) end
  for place = 0, state.ends:size() - 1 do packed[#packed + 1] = struct.pack('<d', state.ends:at(place)) end
  call('SET', self.key, table.concat(packed), 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function fixed_window.learn()
  instant_log.learn()

  function fixed_window:clamp(now) self:restart(now) end

  function fixed_window:settle(cost, known_end, mark, new_end, is_final)
    local state = self.state
    local is_stale = mark < state.first_group
    if is_stale and new_end <= known_end then return mark end
    if not state.from then return self:settle_early(cost, known_end, mark, new_end, is_final) end
    local earliest = self:earliest_window(state, (is_stale and new_end or known_end) - self.margin)
    local known = is_stale and earliest - 1 or self:latest_window(state, known_end)
    local latest = max(earliest, self:latest_window(state, new_end))
    self:count(state, latest + 1, known, -cost)
    self:count(state, max(earliest, known + 1), latest, cost)
    if is_final and new_end < state.to then state.to = max(state.from, new_end) end
    return state.groups
  end

  function fixed_window:settle_early(cost, known_end, mark, new_end, is_final)
    local state = self.state
    local from = (state.ends:size() == 0 and known_end or min(state.ends:at(0), known_end)) - self.margin
    for unit = 1, cost do
      local is_known = state.ends:move(known_end, new_end)
      if not is_known or (mark ~= state.groups and new_end > known_end) then
        if is_known then state.ends:remove(new_end) end
        join(state, 1, new_end)
      end
    end
    state.group_end = max(state.group_end, new_end)
    if is_final then self.state = self:anchored(from, max(from, new_end)) end
    return state.groups
  end

  function fixed_window:cancel(cost, known_end, mark)
    local state = self.state
    if mark < state.first_group then return end
    if state.from then
      local earliest = self:earliest_window(state, known_end - self.margin)
      return self:count(state, earliest, self:latest_window(state, known_end), -cost)
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
      most = max(most, count_of(state, index))
    end
    return max(0, self.capacity - most)
  end

  function fixed_window:estimate(now, cost, ahead)
    local base = max(now, self.state.last)
    local over = ahead + cost - self:remaining(base)
    if over <= 0 then return base end
    local windows = ceil(over / self.capacity)
    local state = self:as_of(now)
    if state.from then
      return max(base, state.to + (self:earliest_window(state, base) + windows) * self.window)
    end
    local first = state.ends:size() == 0 and state.group_end or state.ends:at(0) - self.margin
    return max(base, first + windows * self.window)
  end
end
`
