/**
 * Instants in ascending order: the twin of algorithms/instant-log.ts. The earlier ones are in the list at `key`; the
 * later ones, which change most, in `tail`, and so are all from where something is changed on. So a list is only ever
 * touched at its ends. Places count from 0. `known` has what was read of the list.
 */
export const instantLog = `
local instant_log = {}
instant_log.__index = instant_log
local longest_tail, shortest_tail = 256, 32

function instant_log.new(key, kept, known)
  return setmetatable({ key = key, stored = kept, kept = kept, dropped = 0, known = known,
    tail = {}, first = 1, last = 0 }, instant_log)
end

function instant_log:size() return self.kept + self.last - self.first + 1 end

function instant_log:at(place)
  if place >= self.kept then return self.tail[self.first + place - self.kept] end
  local index = self.dropped + place
  -- A list that the server has evicted to make room is taken to be long past, though its instants may not be: they are
  -- lost, as with any key that is evicted.
  local instant = tonumber(self.known[index + 1] or call('LINDEX', self.key, index) or '-inf')
  self.known[index + 1] = instant
  return instant
end

-- Few have gone, as a rule: steps that double, then halves.
function instant_log:count_up_to(instant)
  local size = self:size()
  if size == 0 or self:at(0) > instant then return 0 end
  local low, step = 1, 1
  while low + step <= size and self:at(low + step - 1) <= instant do
    low = low + step
    step = step * 2
  end
  local high = min(size, low + step - 1)
  while low < high do
    local middle = floor((low + high) / 2)
    if self:at(middle) <= instant then low = middle + 1 else high = middle end
  end
  return low
end

-- Brings all that are later than the instant to the tail.
function instant_log:pull(instant)
  local step = 8
  while self.kept > 0 and self:at(self.kept - 1) > instant do
    local from = max(0, self.kept - step)
    local chunk = call('LRANGE', self.key, self.dropped + from, self.dropped + self.kept - 1)
    for index = #chunk, 1, -1 do
      self.first = self.first - 1
      self.tail[self.first] = tonumber(chunk[index])
    end
    self.kept = from
    step = step * 2
  end
end

-- The last place in the tail whose instant is no later.
function instant_log:place_in_tail(instant)
  self:pull(instant)
  local index, first, tail = self.last, self.first, self.tail
  while index >= first and tail[index] > instant do index = index - 1 end
  return index
end

-- The tail as packed doubles, and from them.
function instant_log:packed()
  return struct.pack('<' .. string.rep('d', self.last - self.first + 1), unpack(self.tail, self.first, self.last))
end

function instant_log:load(packed)
  self.last = #packed / 8
  self.tail = { struct.unpack('<' .. string.rep('d', self.last), packed) }
  self.tail[self.last + 1] = nil -- where it went on
end

-- Adds one that is no earlier than all others.
function instant_log:append(instant)
  self.last = self.last + 1
  self.tail[self.last] = instant
end

function instant_log:add(instant, times)
  local index = self:place_in_tail(instant)
  for behind = self.last, index + 1, -1 do self.tail[behind + times] = self.tail[behind] end
  for place = index + 1, index + times do self.tail[place] = instant end
  self.last = self.last + times
end

function instant_log:drop_up_to(instant)
  local gone = self:count_up_to(instant)
  local of_list = min(gone, self.kept)
  self.dropped = self.dropped + of_list
  self.kept = self.kept - of_list
  self.first = self.first + gone - of_list
end

-- Writes to the list what the tail should not hold. Answers how many are in the list then.
function instant_log:save()
  local key, surplus = self.key, 0
  if self.last - self.first >= longest_tail then surplus = self.last - self.first + 1 - shortest_tail end
  if self.kept == 0 then
    if self.stored > 0 or surplus > 0 then call('DEL', key) end
  elseif self.kept < self.stored then
    call('LTRIM', key, self.dropped, self.dropped + self.kept - 1)
  end
  while surplus > 0 do
    local count = min(surplus, 1000) -- Lua's stack holds no more than some thousands
    -- As numbers, which the server writes with 17 digits: all of them.
    call('RPUSH', key, unpack(self.tail, self.first, self.first + count - 1))
    self.first = self.first + count
    self.kept = self.kept + count
    surplus = surplus - count
  end
  return self.kept
end

-- What few calls need: to make a function takes time.
function instant_log.learn()
  -- Takes one instant out. Answers whether there was one.
  function instant_log:remove(instant)
    if self:size() == 0 or instant < self:at(0) then return false end
    local index = self:place_in_tail(instant)
    if index < self.first then
      if self.kept == 0 or self:at(self.kept - 1) ~= instant then return false end
      self.kept = self.kept - 1
      return true
    end
    if self.tail[index] ~= instant then return false end
    for behind = index, self.last do self.tail[behind] = self.tail[behind + 1] end
    self.last = self.last - 1
    return true
  end

  function instant_log:move(from, to)
    local is_known = self:remove(from)
    if is_known then self:add(to, 1) end
    return is_known
  end

  function instant_log:cap_at(instant)
    self:pull(instant)
    for index = self.first, self.last do self.tail[index] = min(self.tail[index], instant) end
  end
end
`
