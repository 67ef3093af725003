/** The twin of algorithms/gcra.ts and emission.ts. Kept as packed doubles: usedAt, then what Rule.pack has. */
export const gcra = `
local function gcra(key, stored, capacity, whole, part, parts, margin)
  local self = {}
  local tat, rest, of_parts, last, count = 0, 0, parts, 0, 0
  local open, open_units = {}, 0
  local long_ago = -math.huge
  if stored then
    self.used_at, tat, rest, of_parts, last, count = struct.unpack('<dddddd', stored)
    for place = 49, #stored, 24 do
      local mark, cost, ends = struct.unpack('<ddd', stored, place)
      open[#open + 1] = { mark = mark, cost = cost, ends = ends }
      open_units = open_units + cost
    end
  end

  local function moved(instant, fraction, units)
    fraction = fraction + units * part
    local carry = math.floor(fraction / parts)
    return instant + units * whole + carry, fraction - carry * parts
  end

  local function ceiling(instant, fraction, units)
    return instant + units * whole + math.ceil((fraction + units * part) / parts)
  end

  local function units_up_to(instant, fraction, limit)
    local units = math.floor((limit - instant) / (whole + part / parts))
    while ceiling(instant, fraction, units) > limit do units = units - 1 end
    while ceiling(instant, fraction, units + 1) <= limit do units = units + 1 end
    return units
  end

  local function due(base, cost, sooner)
    local at = math.max(base, ceiling(tat, rest, cost - capacity))
    local over, index = open_units + cost - capacity, 1
    while over > 0 and open[index] do
      at = math.max(at, ceiling(open[index].ends - sooner, 0, over))
      over = over - open[index].cost
      index = index + 1
    end
    return at
  end

  local function raise(ends, after)
    local bound, fraction = moved(ends, 0, after)
    if bound > tat or (bound == tat and fraction > rest) then tat, rest = bound, fraction end
  end

  local function place_of(mark)
    for place = 1, #open do
      if open[place].mark == mark and open[place].ends ~= long_ago then return place end
    end
  end

  local function reopen(mark, cost, ends)
    local missed = mark - count
    if missed > 0 then
      tat, rest = moved(tat, rest, missed)
      count = mark
    end
    local head = open[1]
    if head and mark > head.mark - head.cost then return raise(ends, count - mark + cost) end
    local following = head and head.mark - head.cost or count
    local between = following - mark
    if between > 0 then table.insert(open, 1, { mark = following, cost = between, ends = long_ago }) end
    table.insert(open, 1, { mark = mark, cost = cost, ends = ends })
    open_units = open_units + between + cost
  end

  function self.adapt()
    if of_parts == parts then return false end
    if rest > 0 then tat = tat + 1 end
    rest, of_parts = 0, parts
    return true
  end

  function self.clamp(now)
    open, open_units = {}, 0
    tat, rest = moved(now + margin, 0, capacity)
    last = now
  end

  function self.plan(now, cost, not_before) return due(math.max(now, not_before, last), cost, 0) end

  function self.commit(now, cost, at)
    local gone = 0
    while open[gone + 1] and open[gone + 1].ends < at do
      gone = gone + 1
      raise(open[gone].ends, open_units)
      open_units = open_units - open[gone].cost
    end
    if gone > 0 then
      for place = 1, #open do open[place] = open[place + gone] end
    end
    tat, rest = moved(tat, rest, cost)
    count = count + cost
    last = at
    if margin == 0 and not open[1] then
      raise(at, cost)
    else
      open[#open + 1] = { mark = count, cost = cost, ends = at + margin }
      open_units = open_units + cost
    end
    return at + margin, count
  end

  function self.settle(cost, known_end, mark, new_end)
    local place = place_of(mark)
    if place then
      open[place].ends = new_end
    elseif new_end > known_end then
      reopen(mark, cost, new_end)
    end
    return mark
  end

  function self.cancel(cost, known_end, mark)
    local place = place_of(mark)
    local is_last = mark == count
    local is_free = is_last
    if place then
      is_free = true
      for behind = place + 1, #open do
        if open[behind].ends == long_ago then is_free = false end
      end
      table.remove(open, place)
      open_units = open_units - cost
    end
    if is_free then tat, rest = moved(tat, rest, -cost) end
    if is_last then count = count - cost end
  end

  function self.remaining(now)
    if now < last then return 0 end
    local most = capacity
    local function limit_by(instant, fraction, after)
      if ceiling(instant, fraction, after) <= now then return end
      local earned = units_up_to(instant, fraction, now)
      most = math.min(most, capacity - after + (after == 0 and earned or math.max(0, earned)))
    end
    limit_by(tat, rest, 0)
    local after = open_units
    for place = 1, #open do
      limit_by(open[place].ends, 0, after)
      after = after - open[place].cost
    end
    return math.max(0, most)
  end

  function self.estimate(now, cost, ahead)
    local base = math.max(now, last)
    local units = ahead + cost
    return math.max(ceiling(base, 0, units - capacity), due(base, units, margin))
  end

  function self.expires_at()
    local at = math.max(last, ceiling(tat, rest, 0))
    local after = open_units
    for place = 1, #open do
      at = math.max(at, ceiling(open[place].ends, 0, after))
      after = after - open[place].cost
    end
    return at
  end

  function self.save(used_at, ttl)
    local packed = { struct.pack('<dddddd', used_at, tat, rest, of_parts, last, count) }
    for place = 1, #open do
      local each = open[place]
      packed[place + 1] = struct.pack('<ddd', each.mark, each.cost, each.ends)
    end
    call('SET', key, table.concat(packed), 'PX', ttl)
  end

  return self
end
`
