/**
 * What every script ends with: the operations in their order, and then what is to be written, once.
 *
 * KEYS: the pause, the state of each kernel, then the lists of those that have one. ARGV: with one kernel the terms, which are
 * the second and third of what follows as a text of fixed length; then an array in JSON, which costs less than as many arguments:
 * now, or false to ask the server; the retention; the numbers of each kernel; the operations, which either all look or
 * all may write. The reply: now, then what each operation answers, as limit-operations.ts reads it.
 */
export const operations = `
local skew_tolerance = 1000000
local replies, is_written, is_pause_written, is_learned = { now }, false, false, false
local used_at, is_adapted, paused_from, paused_until, capacity = nil, false, 0, 0, math.huge
for index = 1, #kernels do
  local kernel = kernels[index]
  if kernel.used_at and (not used_at or kernel.used_at > used_at) then used_at = kernel.used_at end
  is_adapted = is_adapted or kernel.is_adapted
  capacity = min(capacity, kernel.capacity)
end
if pause then paused_from, paused_until = struct.unpack('<dd', pause) end

local function following()
  place = place + 1
  return arguments[place - 1]
end

-- The kernels with all that they can do.
local function able()
  if not is_learned then
    for index = 1, #kernels do kernels[index].learn() end
    is_learned = true
  end
  return kernels
end

-- Does what kernels have put off so as to do it for several settles at once.
local function finish()
  if not is_learned then return end
  for index = 1, #kernels do
    if kernels[index].finish then kernels[index]:finish() end
  end
end

-- Brings what is later back to a clock that was set back.
local function bring_back(only_pause)
  if paused_from > now + skew_tolerance then
    paused_from, paused_until, is_pause_written = now, now + paused_until - paused_from, true
  end
  if not only_pause and used_at and used_at > now + skew_tolerance then
    for _, kernel in ipairs(able()) do kernel:clamp(now) end
    used_at, is_written = now, true
  end
end

-- The earliest instant that suits all: where none of them moves it any more.
local function plan(cost, at)
  local agreed, index = 0, 1
  while agreed < #kernels do
    local later = kernels[index]:plan(now, cost, at)
    agreed = later == at and agreed + 1 or 1
    at = later
    index = index % #kernels + 1
  end
  return at
end

local function estimate(cost, ahead)
  local at = paused_until
  for _, kernel in ipairs(able()) do at = max(at, kernel:estimate(now, cost, ahead)) end
  return at
end

local function expires_at()
  local at = now
  for index = 1, #kernels do at = max(at, kernels[index]:expires_at()) end
  return at
end

-- In milliseconds, as the retention is: until the instant, but no less than that.
local function ttl(at)
  return max(retention, ceil((at - now) / 1000))
end

while arguments[place] do
  local operation = following()
  if operation ~= 'settle' then finish() end

  if operation == 'reserve' then
    bring_back()
    is_written = is_written or used_at and is_adapted
    local not_before = max(now + arguments[place], paused_until)
    local max_wait, runs = arguments[place + 1], arguments[place + 2]
    place = place + 3
    -- How many were granted; if any were, when, when the units of each kernel end, and what each noted of each grant.
    local granted, answer, denied = 0, #replies + 1, false
    replies[answer] = 0
    for _ = 1, runs do
      local times, cost = arguments[place], arguments[place + 1]
      place = place + 2
      while times > 0 and not denied do
        local at = plan(cost, not_before)
        if at - now > max_wait then
          -- How long until it can be granted, and how long if whatever is under way arrives early.
          denied = true
          replies[#replies + 1] = at - now
          replies[#replies + 1] = min(at, estimate(cost, 0)) - now
        else
          -- Where there is room for all that are left, they go in one step.
          local taken = times > 1 and times * cost <= capacity and plan(times * cost, at) == at and times or 1
          replies[answer + 1] = at
          for index = 1, #kernels do
            local ends, mark = kernels[index]:commit(now, taken * cost, at)
            replies[answer + 1 + index] = ends
            for each = 1, taken do
              local noted = kernels[index].notes_units and mark - (taken - each) * cost or mark
              replies[answer + 1 + (granted + each) * #kernels + index] = noted
            end
          end
          times, granted = times - taken, granted + taken
          replies[answer] = granted
          used_at, is_written = now, true
        end
      end
    end

  elseif operation == 'settle' then
    local progress, at, cost = following(), following(), following()
    local new_end, latest = now + following(), following()
    -- Units that end later than was known had not all arrived when the key was forgotten.
    local is_known = used_at or new_end > latest
    for _, kernel in ipairs(able()) do
      local known_end, mark = following(), following()
      replies[#replies + 1] = is_known and new_end or known_end
      replies[#replies + 1] = is_known and kernel:settle(cost, known_end, mark, new_end, at, progress) or mark
    end
    if is_known then used_at, is_written = used_at or now, true end

  elseif operation == 'cancel' then
    local cost = following()
    for _, kernel in ipairs(able()) do
      local known_end, mark = following(), following()
      if used_at then kernel:cancel(cost, known_end, mark) end
    end
    is_written = is_written or used_at

  elseif operation == 'pause' then
    local ends = now + following()
    bring_back(true)
    if ends > paused_until then paused_from, paused_until, is_pause_written = now, ends, true end

  else
    bring_back()
    is_written, is_pause_written = false, false
    if operation == 'estimate' then
      replies[#replies + 1] = estimate(following(), following()) - now
    else
      local remaining = paused_until > now and 0 or math.huge
      for _, kernel in ipairs(able()) do remaining = min(remaining, kernel:remaining(now)) end
      replies[#replies + 1] = remaining
      replies[#replies + 1] = plan(1, max(now, paused_until)) - now
      replies[#replies + 1] = max(expires_at(), paused_until) - now
    end
  end
end

finish()
if is_written then
  local ms = ttl(expires_at())
  for index = 1, #kernels do kernels[index]:save(used_at, ms, now, paused_until, retention) end
elseif is_pause_written and used_at and #kernels == 1 then
  -- The shortcut looks at nothing but the state, under whatever terms it is kept: without any it leaves all to the rest.
  call('SETRANGE', KEYS[2], 0, string.rep(' ', #terms))
end
if is_pause_written then
  call('SET', KEYS[1], struct.pack('<dd', paused_from, paused_until), 'PX', ttl(paused_until))
end
return replies
`
