/** The twin of algorithms/gcra.ts and emission.ts. Kept as packed doubles: usedAt, then what Rule.pack has. */
export const gcra = `
local gcra = {}
gcra.__index = gcra
local long_ago = -math.huge

function gcra.new(key, stored, capacity, whole, part, parts, margin)
  local self = setmetatable({ key = key, capacity = capacity, whole = whole, part = part, parts = parts,
    margin = margin, tat = 0, rest = 0, last = 0, count = 0, open = {}, open_units = 0 }, gcra)
  if not stored then return self end
  local of_parts
  self.used_at, self.tat, self.rest, of_parts, self.last, self.count = struct.unpack('<dddddd', stored)
  for place = 49, #stored, 24 do
    local mark, cost, ends = struct.unpack('<ddd', stored, place)
    self.open[#self.open + 1] = { mark = mark, cost = cost, ends = ends }
    self.open_units = self.open_units + cost
  end
  if of_parts ~= parts then -- adapt
    if self.rest > 0 then self.tat = self.tat + 1 end
    self.rest, self.is_adapted = 0, true
  end
  return self
end

function gcra:moved(instant, rest, units)
  rest = rest + units * self.part
  local carry = floor(rest / self.parts)
  return instant + units * self.whole + carry, rest - carry * self.parts
end

function gcra:ceiling(instant, rest, units)
  return instant + units * self.whole + ceil((rest + units * self.part) / self.parts)
end

function gcra:due(base, cost, sooner)
  local over, index = cost - self.capacity, 1
  local at = max(base, self:ceiling(self.tat, self.rest, over))
  over = over + self.open_units
  while over > 0 and self.open[index] do
    at = max(at, self:ceiling(self.open[index].ends - sooner, 0, over))
    over = over - self.open[index].cost
    index = index + 1
  end
  return at
end

function gcra:raise(ends, after)
  local tat, rest = self:moved(ends, 0, after)
  if tat > self.tat or (tat == self.tat and rest > self.rest) then self.tat, self.rest = tat, rest end
end

function gcra:plan(now, cost, not_before)
  return self:due(max(now, not_before, self.last), cost, 0)
end

function gcra:commit(now, cost, at)
  local open, gone = self.open, 0
  while open[gone + 1] and open[gone + 1].ends < at do
    gone = gone + 1
    self:raise(open[gone].ends, self.open_units)
    self.open_units = self.open_units - open[gone].cost
  end
  if gone > 0 then
    for place = 1, #open do open[place] = open[place + gone] end
  end
  self.tat, self.rest = self:moved(self.tat, self.rest, cost)
  self.count = self.count + cost
  self.last = at
  if self.margin == 0 and not open[1] then
    self:raise(at, cost)
  else
    open[#open + 1] = { mark = self.count, cost = cost, ends = at + self.margin }
    self.open_units = self.open_units + cost
  end
  return at + self.margin, self.count
end

function gcra:expires_at()
  local at, after = max(self.last, self:ceiling(self.tat, self.rest, 0)), self.open_units
  for place = 1, #self.open do
    at = max(at, self:ceiling(self.open[place].ends, 0, after))
    after = after - self.open[place].cost
  end
  return at
end

function gcra:save(used_at, ttl)
  local packed = struct.pack('<dddddd', used_at, self.tat, self.rest, self.parts, self.last, self.count)
  if self.open[1] then
    local all = { packed }
    for place, each in ipairs(self.open) do all[place + 1] = struct.pack('<ddd', each.mark, each.cost, each.ends) end
    packed = table.concat(all)
  end
  call('SET', self.key, packed, 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function gcra.learn()
  function gcra:place_of(mark)
    for place, each in ipairs(self.open) do
      if each.mark == mark and each.ends ~= long_ago then return place end
    end
  end

  function gcra:settle(cost, known_end, mark, new_end)
    local place = self:place_of(mark)
    if place then
      self.open[place].ends = new_end
    elseif new_end > known_end then
      self:reopen(mark, cost, new_end)
    end
    return mark
  end

  function gcra:reopen(mark, cost, ends)
    local missed = mark - self.count
    if missed > 0 then
      self.tat, self.rest = self:moved(self.tat, self.rest, missed)
      self.count = mark
    end
    local open = self.open
    local first = open[1]
    if first and mark > first.mark - first.cost then return self:raise(ends, self.count - mark + cost) end
    local following = first and first.mark - first.cost or self.count
    local between = following - mark
    if between > 0 then table.insert(open, 1, { mark = following, cost = between, ends = long_ago }) end
    table.insert(open, 1, { mark = mark, cost = cost, ends = ends })
    self.open_units = self.open_units + between + cost
  end

  function gcra:cancel(cost, known_end, mark)
    local place = self:place_of(mark)
    local is_last = mark == self.count
    local is_free = is_last
    if place then
      is_free = true
      for behind = place + 1, #self.open do
        if self.open[behind].ends == long_ago then is_free = false end
      end
      table.remove(self.open, place)
      self.open_units = self.open_units - cost
    end
    if is_free then self.tat, self.rest = self:moved(self.tat, self.rest, -cost) end
    if is_last then self.count = self.count - cost end
  end

  function gcra:clamp(now)
    self.open, self.open_units = {}, 0
    self.tat, self.rest = self:moved(now + self.margin, 0, self.capacity)
    self.last = now
  end

  -- How many units fit between what binds them, with some after it, and now.
  function gcra:room(instant, rest, after, now)
    if self:ceiling(instant, rest, after) <= now then return self.capacity end
    local units = floor((now - instant) / (self.whole + self.part / self.parts))
    while self:ceiling(instant, rest, units) > now do units = units - 1 end
    while self:ceiling(instant, rest, units + 1) <= now do units = units + 1 end
    return self.capacity - after + (after == 0 and units or max(0, units))
  end

  function gcra:remaining(now)
    if now < self.last then return 0 end
    local most, after = min(self.capacity, self:room(self.tat, self.rest, 0, now)), self.open_units
    for _, each in ipairs(self.open) do
      most = min(most, self:room(each.ends, 0, after, now))
      after = after - each.cost
    end
    return max(0, most)
  end

  function gcra:estimate(now, cost, ahead)
    local base, units = max(now, self.last), ahead + cost
    return max(self:ceiling(base, 0, units - self.capacity), self:due(base, units, self.margin))
  end
end
`
