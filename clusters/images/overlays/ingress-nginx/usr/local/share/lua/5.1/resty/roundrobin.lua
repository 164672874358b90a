-- Smooth weighted round robin, as nginx's own; nodes: id -> weight.
local _M = {}
local mt = { __index = _M }

function _M.new(_, nodes)
  local self = setmetatable({}, mt)
  self:reinit(nodes)
  return self
end

function _M.reinit(self, nodes)
  local copy, list, total = {}, {}, 0
  for id, given in pairs(nodes) do
    local weight = tonumber(given) or 1
    copy[id] = given
    list[#list + 1] = { id = id, weight = weight, current = 0 }
    total = total + weight
  end
  table.sort(list, function(a, b) return tostring(a.id) < tostring(b.id) end)
  self.nodes, self.list, self.total = copy, list, total
  if #list > 0 then
    for _ = 1, math.random(#list) do self:find() end -- every worker begins elsewhere
  end
end

function _M.find(self)
  local best
  for _, node in ipairs(self.list) do
    node.current = node.current + node.weight
    if not best or node.current > best.current then best = node end
  end
  if not best then return nil end
  best.current = best.current - self.total
  return best.id
end
_M.next = _M.find

return _M
