/**
 * What every script ends with: reads the time and what is kept, runs the operations in their order, and writes once.
 *
 * KEYS: the pause, then the state of each kernel. ARGV: now, or '' to ask the server; the retention; the numbers of
 * each kernel; the operations. The reply: now, then what each operation answers; see limit-operations.ts.
 */
export const operations = `
local skew_tolerance = 1000000
local used_at, paused_from, paused_until = nil, 0, 0
local is_adapted, is_written, is_pause_written = false, false, false
for _, kernel in ipairs(kernels) do
  if kernel.used_at then used_at = math.max(used_at or 0, kernel.used_at) end
  if kernel.adapt() then is_adapted = true end
end
if pause then paused_from, paused_until = struct.unpack('<dd', pause) end

local replies = { now }
local function reply(value) replies[#replies + 1] = value end

local function following()
  place = place + 1
  return tonumber(ARGV[place - 1])
end

-- Brings everything back to a clock that was set back. Answers whether it was.
local function bring_back()
  local is_back = used_at and used_at > now + skew_tolerance
  if is_back then
    for _, kernel in ipairs(kernels) do kernel.clamp(now) end
    used_at = now
  end
  return is_back
end

local function bring_pause_back()
  local is_back = paused_from > now + skew_tolerance
  if is_back then paused_from, paused_until = now, now + paused_until - paused_from end
  return is_back
end

-- The earliest instant that suits all: where none of them moves it any more.
local function plan(cost, not_before)
  local at = math.max(now, not_before)
  local agreed, index = 0, 1
  while agreed < #kernels do
    local later = kernels[index].plan(now, cost, at)
    agreed = later == at and agreed + 1 or 1
    at = later
    index = index % #kernels + 1
  end
  return at
end

local function estimate(cost, ahead)
  local at = paused_until
  for _, kernel in ipairs(kernels) do at = math.max(at, kernel.estimate(now, cost, ahead)) end
  return at
end

local function expires_at()
  local at = now
  for _, kernel in ipairs(kernels) do at = math.max(at, kernel.expires_at()) end
  return at
end

local function ttl(at)
  return string.format('%.0f', math.max(1, math.ceil(math.max(at - now, retention) / 1000)))
end

local run = {}

function run.reserve()
  local not_before, max_wait, runs = now + following(), following(), following()
  local granted, granted_at, ends, marks, denied = 0, now, {}, {}, nil
  is_written = bring_back() or is_written or used_at and is_adapted
  is_pause_written = bring_pause_back() or is_pause_written
  not_before = math.max(not_before, paused_until)
  for _ = 1, runs do
    local times, cost = following(), following()
    for _ = 1, denied and 0 or times do
      local at = plan(cost, not_before)
      if at - now > max_wait then
        denied = { at - now, math.min(at, estimate(cost, 0)) - now }
        break
      end
      for index, kernel in ipairs(kernels) do
        ends[index], marks[#marks + 1] = kernel.commit(now, cost, at)
      end
      granted, granted_at, used_at, is_written = granted + 1, at, now, true
    end
  end
  reply(granted)
  if granted > 0 then
    reply(granted_at)
    for _, each in ipairs(ends) do reply(each) end
    for _, mark in ipairs(marks) do reply(mark) end
  end
  if denied then
    reply(denied[1])
    reply(denied[2])
  end
end

function run.settle()
  local is_final, cost, new_end, latest = following() == 1, following(), now + following(), following()
  local is_known = used_at or new_end > latest
  for _, kernel in ipairs(kernels) do
    local known_end, mark = following(), following()
    reply(is_known and new_end or known_end)
    reply(is_known and kernel.settle(cost, known_end, mark, new_end, is_final) or mark)
  end
  if is_known then used_at, is_written = used_at or now, true end
end

function run.cancel()
  local cost = following()
  for _, kernel in ipairs(kernels) do
    local known_end, mark = following(), following()
    if used_at then kernel.cancel(cost, known_end, mark) end
  end
  is_written = is_written or used_at
end

function run.pause()
  local ends = now + following()
  is_pause_written = bring_pause_back() or is_pause_written
  if ends > paused_until then paused_from, paused_until, is_pause_written = now, ends, true end
end

function run.peek()
  bring_back()
  bring_pause_back()
  local remaining = paused_until > now and 0 or math.huge
  for _, kernel in ipairs(kernels) do remaining = math.min(remaining, kernel.remaining(now)) end
  reply(remaining)
  reply(plan(1, paused_until) - now)
  reply(math.max(expires_at(), paused_until) - now)
end

function run.estimate()
  bring_back()
  bring_pause_back()
  reply(estimate(following(), following()) - now)
end

while place <= #ARGV do
  place = place + 1
  run[ARGV[place - 1]]()
end

if is_written then
  local ms = ttl(expires_at())
  for _, kernel in ipairs(kernels) do kernel.save(used_at, ms) end
end
if is_pause_written then
  call('SET', KEYS[1], struct.pack('<dd', paused_from, paused_until), 'PX', ttl(paused_until))
end
return replies
`
