/** How many units there are in a page of the list. */
export const pageLength = 32

/** How many units there are beside the state at most, and at least when some went to the list. */
export const longestTail = 48
export const shortestTail = 16

/**
 * Instants in ascending order: the twin of algorithms/instant-log.ts. The earlier ones are in the list at `key`, in pages
 * of packed doubles, for Redis takes a microsecond to write a number; the later ones, which change most, in `tail`, and so
 * are all from where something is changed on. So a list is only ever touched at its ends. The last page is whole; of the first
 * one as many count as make `kept` all in all. Places count from 0.
 */
export const instantLog = `
local instant_log = {}
instant_log.__index = instant_log
local longest_tail, shortest_tail, page_length = ${longestTail}, ${shortestTail}, ${pageLength}
local page_format = '<' .. string.rep('d', page_length)

function instant_log.new(key, kept)
  return setmetatable({ key = key, stored = kept, kept = kept, dropped = -kept % page_length, pages = {},
    tail = {}, first = 1, last = 0 }, instant_log)
end

function instant_log:size() return self.kept + self.last - self.first + 1 end

-- The page of a place, and where it is there. Of a list that the server has evicted to make room there is none: it is taken
-- to be long past, though its instants may not be. They are lost, as with any key that is evicted.
function instant_log:page_of(place)
  local index = self.dropped + place
  local number = floor(index / page_length)
  local page = self.pages[number]
  if not page then
    page = call('LINDEX', self.key, number) or ''
    self.pages[number] = page
  end
  return page, index % page_length
end

function instant_log:at(place)
  if place >= self.kept then return self.tail[self.first + place - self.kept] end
  local page, index = self:page_of(place)
  return page == '' and -math.huge or (struct.unpack('<d', page, 8 * index + 1))
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

-- Brings pages to the tail until all that are later than the instant are there, or all that are no earlier.
function instant_log:pull(instant, with_equal)
  while self.kept > 0 do
    local latest, count = self:at(self.kept - 1), min(self.kept, page_length)
    if latest < instant or latest == instant and not with_equal then return end
    local units = { struct.unpack(page_format, (self:page_of(self.kept - 1))) }
    for index = page_length, page_length - count + 1, -1 do
      self.first = self.first - 1
      self.tail[self.first] = units[index]
    end
    self.kept = self.kept - count
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
  local key, size, surplus = self.key, self.last - self.first + 1, 0
  if size >= longest_tail then surplus = floor((size - shortest_tail) / page_length) end
  if self.kept == 0 then
    if self.stored > 0 or surplus > 0 then call('DEL', key) end
  else
    local from, behind = floor(self.dropped / page_length), (self.dropped + self.kept) / page_length
    if from > 0 or behind < ceil(self.stored / page_length) then call('LTRIM', key, from, behind - 1) end
  end
  while surplus > 0 do
    local pages = {}
    for page = 1, min(surplus, 1000) do -- Lua's stack holds no more than some thousands
      pages[page] = struct.pack(page_format, unpack(self.tail, self.first, self.first + page_length - 1))
      self.first = self.first + page_length
    end
    call('RPUSH', key, unpack(pages))
    self.kept = self.kept + #pages * page_length
    surplus = surplus - #pages
  end
  return self.kept
end

-- What few calls need: to make a function takes time.
function instant_log.learn()
  -- Takes one instant out. Answers whether there was one.
  function instant_log:remove(instant)
    if self:size() == 0 or instant < self:at(0) then return false end
    self:pull(instant, true)
    local index = self:place_in_tail(instant)
    if index < self.first or self.tail[index] ~= instant then return false end
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
