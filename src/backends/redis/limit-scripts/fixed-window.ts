/** The twin of algorithms/fixed-window.ts. Kept as packed doubles: usedAt, then what Rule.pack has. */
export const fixedWindow = `
local function fixed_window(key, stored, capacity, window, margin, is_aligned)
  local self = {}
  local state

  local function initial()
    return {
      from = is_aligned == 1 and 0 or nil, to = is_aligned == 1 and 0 or nil, length = window,
      ends = instant_log(key, 0, {}), group = 0, group_end = 0, groups = 0, first_group = 0,
      first = 0, counts = {}, last = 0,
    }
  end

  local function load()
    local each = {}
    for place = 1, #stored, 8 do each[#each + 1] = struct.unpack('<d', stored, place) end
    self.used_at = each[1]
    local loaded = {
      from = each[2] == each[2] and each[2] or nil, to = each[3] == each[3] and each[3] or nil,
      length = each[4], ends = instant_log(key, 0, {}), group = each[5], group_end = each[6],
      groups = each[7], first_group = each[8], first = each[9], counts = {}, last = each[10],
    }
    local counted = each[11]
    for index = 1, counted do loaded.counts[index] = each[11 + index] end
    for index = 12 + counted, #each do loaded.ends.add(each[index]) end
    return loaded
  end

  state = stored and load() or initial()

  local function earliest_window(view, at)
    return math.max(0, math.floor((at - view.to) / window))
  end

  local function latest_window(view, ends)
    return math.floor((ends - view.from) / window)
  end

  local function count_of(view, index)
    return view.counts[index - view.first + 1] or 0
  end

  local function count(view, from, to, units)
    -- Nothing is known of those before the first that counts.
    if #view.counts == 0 and from <= to then view.first = math.max(view.first, from) end
    for index = math.max(from, view.first), to do
      local place = index - view.first + 1
      for gap = #view.counts + 1, place do view.counts[gap] = 0 end
      view.counts[place] = math.max(0, view.counts[place] + units)
    end
  end

  local function forget_before(index)
    local gone = index - state.first
    if gone <= 0 then return end
    local counts = {}
    for place = gone + 1, #state.counts do counts[place - gone] = state.counts[place] end
    state.counts, state.first = counts, index
  end

  local function anchored(from, to)
    local view = {}
    for name, value in pairs(state) do view[name] = value end
    view.from, view.to, view.ends, view.first, view.counts = from, to, instant_log(key, 0, {}), 0, {}
    for place = 0, state.ends.size() - 1 do
      local ends = state.ends.at(place)
      local earliest = earliest_window(view, ends - margin)
      count(view, earliest, math.max(earliest, latest_window(view, ends)), 1)
    end
    return view
  end

  local function as_of(now)
    if state.from or state.ends.size() == 0 then return state end
    local ends = state.ends.at(0)
    return ends < now and anchored(ends - margin, ends) or state
  end

  local function join(cost, ends)
    for unit = 1, cost do state.ends.add(ends) end
    state.group = state.group + cost
    state.group_end = math.max(state.group_end, ends)
  end

  local function room_in_group(view, at)
    return at >= view.group_end + window and capacity or math.max(0, capacity - view.group)
  end

  local function full_window(view, at, cost)
    for index = latest_window(view, at + margin), earliest_window(view, at), -1 do
      if count_of(view, index) + cost > capacity then return index end
    end
  end

  local function restart(last)
    local groups = state.groups + 1
    state = initial()
    state.last, state.groups, state.first_group = last, groups, groups
    if state.from then
      state.first = earliest_window(state, last)
      count(state, state.first, latest_window(state, last + margin), capacity)
    else
      state.group, state.group_end = capacity, last + margin
    end
  end

  local function settle_early(cost, known_end, mark, new_end, is_final)
    local from = state.ends.size() == 0 and known_end or math.min(state.ends.at(0), known_end)
    from = from - margin
    for unit = 1, cost do
      local is_known = state.ends.move(known_end, new_end)
      if not is_known or (mark ~= state.groups and new_end > known_end) then
        if is_known then state.ends.remove(new_end) end
        join(1, new_end)
      end
    end
    state.group_end = math.max(state.group_end, new_end)
    if is_final then state = anchored(from, math.max(from, new_end)) end
    return state.groups
  end

  function self.adapt()
    if state.length == window then return false end
    restart(state.last)
    return true
  end

  function self.clamp(now) restart(now) end

  function self.plan(now, cost, not_before)
    local at = math.max(now, not_before, state.last)
    local view = as_of(now)
    if not view.from then
      return cost <= room_in_group(view, at) and at or view.group_end + window
    end
    while true do
      local full = full_window(view, at, cost)
      if not full then return at end
      at = view.to + (full + 1) * window
    end
  end

  function self.commit(now, cost, at)
    state = as_of(now)
    local ends = at + margin
    if state.from then
      local earliest = earliest_window(state, at)
      forget_before(earliest)
      count(state, earliest, latest_window(state, ends), cost)
    else
      if at >= state.group_end + window then
        state.group = 0
        state.groups = state.groups + 1
      end
      join(cost, ends)
    end
    state.last = at
    return ends, state.groups
  end

  function self.settle(cost, known_end, mark, new_end, is_final)
    local is_stale = mark < state.first_group
    if is_stale and new_end <= known_end then return mark end
    if not state.from then return settle_early(cost, known_end, mark, new_end, is_final) end
    local earliest = earliest_window(state, (is_stale and new_end or known_end) - margin)
    local known = is_stale and earliest - 1 or latest_window(state, known_end)
    local latest = math.max(earliest, latest_window(state, new_end))
    count(state, latest + 1, known, -cost)
    count(state, math.max(earliest, known + 1), latest, cost)
    if is_final and new_end < state.to then state.to = math.max(state.from, new_end) end
    return state.groups
  end

  function self.cancel(cost, known_end, mark)
    if mark < state.first_group then return end
    if state.from then
      local earliest = earliest_window(state, known_end - margin)
      return count(state, earliest, latest_window(state, known_end), -cost)
    end
    for unit = 1, cost do
      if state.ends.remove(known_end) and mark == state.groups then state.group = state.group - 1 end
    end
    local size = state.ends.size()
    if size > 0 then state.group_end = state.ends.at(size - 1) end
  end

  function self.remaining(now)
    if now < state.last then return 0 end
    local view = as_of(now)
    if not view.from then return room_in_group(view, now) end
    local most = 0
    for index = earliest_window(view, now), latest_window(view, now + margin) do
      most = math.max(most, count_of(view, index))
    end
    return math.max(0, capacity - most)
  end

  function self.estimate(now, cost, ahead)
    local base = math.max(now, state.last)
    local over = ahead + cost - self.remaining(base)
    if over <= 0 then return base end
    local windows = math.ceil(over / capacity)
    local view = as_of(now)
    if view.from then
      return math.max(base, view.to + (earliest_window(view, base) + windows) * window)
    end
    local first = view.ends.size() == 0 and view.group_end or view.ends.at(0) - margin
    return math.max(base, first + windows * window)
  end

  function self.expires_at()
    if state.from then return math.max(state.last, state.to + (state.first + #state.counts) * window) end
    return state.group == 0 and state.last or math.max(state.last, state.group_end + margin + window)
  end

  function self.save(used_at, ttl)
    local nan = 0 / 0
    local packed = {
      struct.pack('<ddddddddddd', used_at, state.from or nan, state.to or nan, state.length, state.group,
        state.group_end, state.groups, state.first_group, state.first, state.last, #state.counts),
    }
    for index = 1, #state.counts do packed[#packed + 1] = struct.pack('<d', state.counts[index]) end
    for place = 0, state.ends.size() - 1 do packed[#packed + 1] = struct.pack('<d', state.ends.at(place)) end
    call('SET', key, table.concat(packed), 'PX', ttl)
  end

  return self
end
`
