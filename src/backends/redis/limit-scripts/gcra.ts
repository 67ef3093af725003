/** How many bytes a state with nothing under way takes, and what is under way each. */
const headLength = 232
const openLength = 24

/** So many bytes are read at once: a state with little under way is read whole. */
export const readLength = headLength + 33 * openLength

/**
 * The twin of algorithms/gcra.ts and emission.ts. Kept: the terms; as packed doubles from when on the shortcut may grant, tat, its
 * rest, the number of the last unit, how many units are under way, and from where on they stand here; up to when a grant
 * may last so that the key lives long enough, the capacity, the other numbers, and the retention; usedAt, last, and the number of
 * the last unit when all that was written, and no less than the latest end of what was under way then; then those units
 * themselves. Granted one behind another, those that end at the same instant may stand as one. Of what it grants the shortcut
 * writes no more than the first six, and the unit behind all others, however many those are: where the numbers of the last
 * unit differ, the first says what usedAt and last are.
 */
export const gcra = `
local gcra = { notes_units = true } -- a grant's mark is the number of its last unit
gcra.__index = gcra
local long_ago = -math.huge

function gcra.new(key, stored, capacity, whole, part, parts, margin)
  local self = setmetatable({ key = key, capacity = capacity, whole = whole, part = part, parts = parts,
    margin = margin, tat = 0, rest = 0, last = 0, count = 0, open = {}, open_units = 0 }, gcra)
  if not stored then return self end
  local earliest, from, of_parts, written, _
  earliest, self.tat, self.rest, self.count, self.open_units, from = struct.unpack('<dddddd', stored, 97)
  of_parts, _, _, self.used_at, self.last, written = struct.unpack('<dddddd', stored, 177)
  if self.count ~= written then self.used_at, self.last = earliest, earliest end
  for place = from, #stored, ${openLength} do
    local mark, cost, ends = struct.unpack('<ddd', stored, place)
    self.open[#self.open + 1] = { mark = mark, cost = cost, ends = ends }
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
  local open, gone, ends = self.open, 0, at + self.margin
  while open[gone + 1] and open[gone + 1].ends < at do
    gone = gone + 1
    self:raise(open[gone].ends, self.open_units)
    self.open_units = self.open_units - open[gone].cost
  end
  if gone > 0 then
    for place = 1, #open do open[place] = open[place + gone] end
  end
  local before, latest = self.count, open[#open]
  self.tat, self.rest = self:moved(self.tat, self.rest, cost)
  self.count = before + cost
  self.last = at
  if ends == at and not latest then
    self:raise(at, cost)
    return ends, self.count
  end
  self.open_units = self.open_units + cost
  if latest and latest.mark == before and latest.ends == ends then
    latest.mark, latest.cost = self.count, latest.cost + cost
  else
    open[#open + 1] = { mark = self.count, cost = cost, ends = ends }
  end
  return ends, self.count
end

function gcra:expires_at()
  local at, after = max(self.last, self:ceiling(self.tat, self.rest, 0)), self.open_units
  for place = 1, #self.open do
    at = max(at, self:ceiling(self.open[place].ends, 0, after))
    after = after - self.open[place].cost
  end
  return at
end

function gcra:save(used_at, ttl, now, paused_until, retention)
  local all, latest = { '' }, 0
  for place, each in ipairs(self.open) do
    latest = max(latest, each.ends)
    all[place + 1] = struct.pack('<ddd', each.mark, each.cost, each.ends)
  end
  all[1] = terms .. struct.pack('<ddddddddddddddddd', max(self.last, used_at - 1000000, paused_until), self.tat, self.rest,
    self.count, self.open_units, ${headLength + 1}, now + 1000 * (ttl - retention), self.capacity, self.whole, self.part, self.parts,
    self.margin, retention, used_at, self.last, self.count, latest)
  call('SET', self.key, table.concat(all), 'PX', ttl)
end

-- What few calls need: to make a function takes time.
function gcra.learn()
  -- Where in what is under way the grant is, which then stands by itself.
  function gcra:place_of(mark, cost, known_end, new_end)
    local open, place, high = self.open, 1, #self.open + 1
    while place < high do -- the numbers ascend
      local middle = floor((place + high) / 2)
      if open[middle].mark < mark then place = middle + 1 else high = middle end
    end
    while open[place] and mark > open[place].mark - open[place].cost do
      local each = open[place]
      if each.ends == known_end or each.ends == new_end then
        local before, behind = mark - cost - (each.mark - each.cost), each.mark - mark
        if behind > 0 then
          table.insert(open, place + 1, { mark = each.mark, cost = behind, ends = each.ends })
        end
        each.mark, each.cost = mark, each.cost - behind
        if before <= 0 then return place end
        table.insert(open, place, { mark = mark - cost, cost = before, ends = each.ends })
        each.cost = cost
        return place + 1
      end
      place = place + 1
    end
  end

  function gcra:settle(cost, known_end, mark, new_end)
    local place = self:place_of(mark, cost, known_end, new_end)
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
    local place = self:place_of(mark, cost, known_end)
    local is_last = mark == self.count and (place or known_end - self.margin == self.last)
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

/**
 * Units one by one, all of them now: what the kernel says where nothing is out of the ordinary. Those that have arrived stay
 * in the state until they are the greater part of it: then it is written whole.
 */
export const gcraShortcut = `
local known_terms, earliest, tat, rest, count, open_units, place, fresh_until, burst, whole, part, parts, margin =
  struct.unpack('<c96dddddddddddd', state)
if known_terms == ARGV[1] and earliest <= now then
  while open_units > 0 do
    local read, from = state, place
    if place > #state then
      read, from = call('GETRANGE', KEYS[2], place - 1, place + ${openLength - 2}), 1
    end
    local _, cost, ends = struct.unpack('<ddd', read, from)
    if ends >= now then break end
    local bound_rest = open_units * part % parts
    local bound = ends + open_units * whole + (open_units * part - bound_rest) / parts
    if bound > tat or (bound == tat and bound_rest > rest) then tat, rest = bound, bound_rest end
    open_units = open_units - cost
    place = place + ${openLength}
  end
  if margin == 0 and tat < now then tat, rest = now, 0 end
  local over = units - burst
  if (margin > 0 and open_units <= -over or margin == 0 and open_units == 0)
    and (rest + over * part) / parts <= now - tat - over * whole then
    local before, sum, added = count, rest + units * part, ''
    rest = sum % parts
    tat, count = tat + units * whole + (sum - rest) / parts, count + units
    local ends, latest, gone = tat + 1, 0, place - ${headLength + 1}
    if margin > 0 then
      latest = math.max(struct.unpack('<d', state, 225), now + margin)
      open_units = open_units + units
      added = struct.pack('<ddd', count, units, now + margin)
      ends = math.max(ends, latest + open_units * whole + math.ceil(open_units * part / parts))
    end
    if ends <= fresh_until and (gone <= ${readLength - headLength} or 2 * gone <= call('STRLEN', KEYS[2])) then
      call('SETRANGE', KEYS[2], '96', struct.pack('<dddddd', now, tat, rest, count, open_units, place))
      if margin > 0 then call('APPEND', KEYS[2], added) end
    else
      local retention, open = struct.unpack('<d', state, 193), call('GETRANGE', KEYS[2], place - 1, -1)
      local ttl = 2 * math.max(retention, math.ceil((ends - now) / 1000))
      call('SET', KEYS[2], ARGV[1] .. struct.pack('<ddddddddddddddddd', now, tat, rest, count, open_units, ${headLength + 1},
        now + 1000 * (ttl - retention), burst, whole, part, parts, margin, retention, now, now, count, latest) .. open .. added,
        'PX', ttl)
    end
    return seconds .. ' ' .. microseconds .. string.format(' %d', before + 1)
  end
end
`
