/** Units of windows that follow one another: the twin of algorithms/window-counts.ts. */
export const windowCounts = `
local window_counts = {}
window_counts.__index = window_counts

function window_counts.new(first)
  return setmetatable({ first = first or 0 }, window_counts)
end

function window_counts:finish() return self.first + #self end

function window_counts:of(window) return self[window - self.first + 1] or 0 end

function window_counts:add(from, to, cost)
  if from > to then return end
  if #self == 0 then self.first = from end
  while self.first > from do
    table.insert(self, 1, 0)
    self.first = self.first - 1
  end
  for place = #self + 1, to - self.first + 1 do self[place] = 0 end
  for place = from - self.first + 1, to - self.first + 1 do self[place] = self[place] + cost end
end

function window_counts:take(from, to, cost)
  for place = max(from - self.first + 1, 1), min(to - self.first + 1, #self) do
    self[place] = max(0, self[place] - cost)
  end
end

function window_counts:forget_before(window)
  local gone, size = window - self.first, #self
  if gone <= 0 then return end
  for place = 1, size do self[place] = self[place + gone] end
  self.first = window
end
`
