/** How many units there are in a page of the list. */
export const pageLength = 32

/** How many units there are beside the state at most, and at least when some went to the list. */
export const longestTail = 48
export const shortestTail = 16

/**
 * Instants in ascending order: the twin of algorithms/instant-log.ts. The earlier ones are in the list at `key`, in pages
 * of packed doubles, for Redis takes a microsecond to write a number; the later ones in the tail. Where one comes or goes,
 * it and all later ones are brought to the tail; one whose place another takes only changes the pages that lie between.
 * The last page is whole; of the first one as many count as make `kept` all in all. Places count from 0. In `units`
 * stand those of the tail and of pages that were opened, each where it would be if all did: the tail is loaded from 1 on, so
 * those of the list have numbers below, and pages, as Redis has it, count from -1 backwards.
 */
export const instantLog = `
local instant_log = {}
instant_log.__index = instant_log
local longest_tail, shortest_tail, page_length = ${longestTail}, ${shortestTail}, ${pageLength}
local page_format = '<' .. string.rep('d', page_length)

function instant_log.new(key, kept)
  return setmetatable({ key = key, stored = kept, kept = kept, pages = {}, changed = {},
    units = {}, first = 1, last = 0 }, instant_log)
end

function instant_log:size() return self.kept + self.last - self.first + 1 end

local function page_of(index) return floor((index - 1) / page_length) end

-- Of a list that the server has evicted to make room there is no page: it is taken to be long past, though its instants
-- may not be. They are lost, as with any key that is evicted.
function instant_log:page(number)
  local page = self.pages[number]
  if not page then
    page = call('LINDEX', self.key, number) or ''
    self.pages[number] = page
  end
  return page
end

function instant_log:at(place)
  local index = self.first - self.kept + place
  local unit = self.units[index]
  if unit or place >= self.kept then return unit end
  local page = self:page(page_of(index))
  return page == '' and -math.huge or (struct.unpack('<d', page, 8 * ((index - 1) % page_length) + 1))
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

-- The first place, up to a highest one, whose instant is no earlier, or is later. It is one of the last, as a rule.
function instant_log:place_of(instant, is_later, highest)
  local high, step = highest or self:size(), 1
  local function is_behind(place)
    local unit = self:at(place)
    return unit > instant or unit == instant and not is_later
  end
  while step <= high and is_behind(high - step) do
    high = high - step
    step = step * 2
  end
  local low = max(0, high - step + 1)
  while low < high do
    local middle = floor((low + high) / 2)
    if is_behind(middle) then high = middle else low = middle + 1 end
  end
  return low
end

-- Puts the units of a page where they can be changed.
function instant_log:open(number)
  local behind = page_length * number
  if self.units[behind + 1] then return end
  for index, unit in ipairs({ struct.unpack(page_format, self:page(number)) }) do
    if index <= page_length then self.units[behind + index] = unit end
  end
end

-- Brings what is from a place on to the tail.
function instant_log:pull(place)
  while self.kept > place do
    self:open(page_of(self.first - 1))
    local count = min(self.kept, page_length)
    self.first, self.kept = self.first - count, self.kept - count
  end
  return self.first - self.kept + place
end

-- The tail as packed doubles, and from them.
function instant_log:packed()
  return struct.pack('<' .. string.rep('d', self.last - self.first + 1), unpack(self.units, self.first, self.last))
end

function instant_log:load(packed)
  self.last = #packed / 8
  self.units = { struct.unpack('<' .. string.rep('d', self.last), packed) }
  self.units[self.last + 1] = nil -- where it went on
end

-- Adds one that is no earlier than all others.
function instant_log:append(instant)
  self.last = self.last + 1
  self.units[self.last] = instant
end

function instant_log:add(instant, times)
  local units, index = self.units, self:pull(self:place_of(instant, true))
  for behind = self.last, index, -1 do units[behind + times] = units[behind] end
  for added = index, index + times - 1 do units[added] = instant end
  self.last = self.last + times
end

function instant_log:drop_up_to(instant)
  local gone = self:count_up_to(instant)
  local of_list = min(gone, self.kept)
  self.kept = self.kept - of_list
  self.first = self.first + gone - of_list
end

-- Writes to the list what has changed in it, and what the tail should not hold. Answers how many are in the list then.
function instant_log:save()
  local key, units, size, surplus = self.key, self.units, self.last - self.first + 1, 0
  if size >= longest_tail then surplus = floor((size - shortest_tail) / page_length) end
  if self.kept == 0 then
    if self.stored > 0 or surplus > 0 then call('DEL', key) end
  else
    local from, to = page_of(self.first - self.kept), page_of(self.first - 1)
    for number in pairs(self.changed) do
      if number >= from and number <= to then
        local behind = page_length * number
        call('LSET', key, number, struct.pack(page_format, unpack(units, behind + 1, behind + page_length)))
      end
    end
    if from > -ceil(self.stored / page_length) or to < -1 then call('LTRIM', key, from, to) end
  end
  while surplus > 0 do
    local pages = {}
    for page = 1, min(surplus, 1000) do -- Lua's stack holds no more than some thousands
      pages[page] = struct.pack(page_format, unpack(units, self.first, self.first + page_length - 1))
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
  -- Takes one instant out, the last of those that are equal. Answers whether there was one.
  function instant_log:remove(instant)
    local place = self:place_of(instant, true) - 1
    if place < 0 or self:at(place) ~= instant then return false end
    local units = self.units
    for index = self:pull(place), self.last do units[index] = units[index + 1] end
    self.last = self.last - 1
    return true
  end

  -- Puts another instant in a place.
  function instant_log:set(place, instant)
    local index = self.first - self.kept + place
    if place < self.kept and not self.changed[page_of(index)] then
      self:open(page_of(index))
      self.changed[page_of(index)] = true
    end
    self.units[index] = instant
  end

  -- Puts instants in the place of as many others, all of which are there: both ascend. Only what lies between is shifted, and
  -- of those that are equal the ones are taken that lie nearest.
  function instant_log:exchange(froms, tos)
    local taken, put, size = 1, 1, self:size()
    while froms[taken] do
      local from, to = froms[taken], tos[put]
      if from == to then
        taken, put = taken + 1, put + 1
      elseif to < from then
        local place, displaced, head, behind = self:place_of(to, true), {}, 1, 0
        repeat
          local unit = self:at(place)
          if unit == froms[taken] then
            taken = taken + 1
          else
            behind = behind + 1
            displaced[behind] = unit
          end
          if tos[put] and (head > behind or tos[put] <= displaced[head]) then
            self:set(place, tos[put])
            put = put + 1
          else
            self:set(place, displaced[head])
            head = head + 1
          end
          place = place + 1
        until head > behind
      else
        local behind = self:place_of(from, true)
        local place = behind
        while froms[taken] == from do taken, place = taken + 1, place - 1 end
        repeat
          local unit = behind < size and self:at(behind) or math.huge
          if unit == froms[taken] then
            taken, behind = taken + 1, behind + 1
          elseif tos[put] <= unit then
            self:set(place, tos[put])
            put, place = put + 1, place + 1
          else
            self:set(place, unit)
            behind, place = behind + 1, place + 1
          end
        until place == behind
      end
    end
  end

  -- Puts another one in the place of one instant, of equal ones that which is nearest. Answers whether there was one. For a log
  -- that has no list: of one that has all is brought to the tail.
  function instant_log:move(from, to)
    self:pull(0)
    local place = to < from and self:place_of(from) or self:place_of(from, true) - 1
    local units, first, last = self.units, self.first, self.last
    local index = first + place
    if place < 0 or index > last or units[index] ~= from then return false end
    while index > first and units[index - 1] > to do
      units[index] = units[index - 1]
      index = index - 1
    end
    while index < last and units[index + 1] < to do
      units[index] = units[index + 1]
      index = index + 1
    end
    units[index] = to
    return true
  end

  -- The same, later, and for many at once, in the list as in the tail: the log is walked through once. One that was not there
  -- is added only if it is later then.
  function instant_log:note(from, to, times)
    if not self.noted or self.noted_tos[from] then
      self:move_noted()
      self.noted, self.noted_tos = {}, {}
    end
    for _ = 1, times do self.noted[#self.noted + 1] = { from = from, to = to, order = #self.noted } end
    self.noted_tos[to] = true
  end

  function instant_log:move_noted()
    local noted, froms, tos, added, highest = self.noted, {}, {}, {}, nil
    if not noted then return end
    self.noted = nil
    table.sort(noted, function(one, other)
      return one.from > other.from or one.from == other.from and one.order < other.order
    end)
    for _, each in ipairs(noted) do
      highest = self:place_of(each.from, true, highest)
      if highest > 0 and self:at(highest - 1) == each.from then
        highest = highest - 1
        froms[#froms + 1], tos[#tos + 1] = each.from, each.to
      elseif each.to > each.from then
        added[#added + 1] = each.to
      end
    end
    table.sort(froms)
    table.sort(tos)
    self:exchange(froms, tos)
    for _, instant in ipairs(added) do self:add(instant, 1) end
  end

  function instant_log:cap_at(instant)
    for index = self:pull(self:place_of(instant, true)), self.last do self.units[index] = instant end
  end
end
`
