/**
 * Instants in ascending order: the twin of algorithms/instant-log.ts. The earlier ones are in the list at `key`, behind
 * an element that is none; the later ones in `tail`, where all changes are made, until `save`. A list is thus only
 * touched at its ends. Places count from 0.
 */
export const instantLog = `
local function instant_log(key, kept, known)
  local log = {}
  local stored, dropped = kept, 0
  local tail, first, last = {}, 1, 0

  local function at(place)
    if place >= kept then return tail[first + place - kept] end
    local index = 1 + dropped + place
    local instant = tonumber(known[index + 1] or call('LINDEX', key, index))
    known[index + 1] = instant
    return instant
  end
  log.at = at

  function log.size() return kept + last - first + 1 end

  -- Few have gone, as a rule: steps that double, then halves.
  function log.count_up_to(instant)
    local size = log.size()
    if size == 0 or at(0) > instant then return 0 end
    local low, step = 1, 1
    while low + step <= size and at(low + step - 1) <= instant do
      low = low + step
      step = step * 2
    end
    local high = math.min(size, low + step - 1)
    while low < high do
      local middle = math.floor((low + high) / 2)
      if at(middle) <= instant then low = middle + 1 else high = middle end
    end
    return low
  end

  -- Brings all that are later than the instant to the tail.
  local function pull(instant)
    local step = 8
    while kept > 0 and at(kept - 1) > instant do
      local from = math.max(0, kept - step)
      local chunk = call('LRANGE', key, 1 + dropped + from, dropped + kept)
      for index = #chunk, 1, -1 do
        first = first - 1
        tail[first] = tonumber(chunk[index])
      end
      kept = from
      step = step * 2
    end
  end

  function log.add(instant)
    pull(instant)
    local index = last
    while index >= first and tail[index] > instant do
      tail[index + 1] = tail[index]
      index = index - 1
    end
    tail[index + 1] = instant
    last = last + 1
  end

  -- Takes one instant out. Answers whether there was one.
  function log.remove(instant)
    if log.size() == 0 or instant < at(0) then return false end
    pull(instant)
    local index = last
    while index >= first and tail[index] > instant do index = index - 1 end
    if index < first then
      if kept == 0 or at(kept - 1) ~= instant then return false end
      kept = kept - 1
      return true
    end
    if tail[index] ~= instant then return false end
    for place = index, last do tail[place] = tail[place + 1] end
    last = last - 1
    return true
  end

  function log.move(from, to)
    local is_known = log.remove(from)
    if is_known then log.add(to) end
    return is_known
  end

  function log.drop_up_to(instant)
    local gone = log.count_up_to(instant)
    local of_list = math.min(gone, kept)
    dropped = dropped + of_list
    kept = kept - of_list
    first = first + gone - of_list
  end

  function log.cap_at(instant)
    pull(instant)
    for index = first, last do tail[index] = math.min(tail[index], instant) end
  end

  -- Writes it to the list, behind its head.
  function log.save(head)
    if kept == 0 then
      call('DEL', key)
      call('RPUSH', key, head)
    else
      if kept < stored then call('LTRIM', key, dropped, dropped + kept) end
      call('LSET', key, 0, head)
    end
    local chunk = {}
    for index = first, last do
      chunk[#chunk + 1] = string.format('%.0f', tail[index])
      if #chunk == 1000 or index == last then -- Lua's stack holds no more than some thousands
        call('RPUSH', key, unpack(chunk))
        chunk = {}
      end
    end
  end

  return log
end
`
