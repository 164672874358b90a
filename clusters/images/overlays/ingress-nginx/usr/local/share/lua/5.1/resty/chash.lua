-- A ring of consistent hashes; nodes: id -> weight. Its points are not those of lua-resty-balancer.
local crc32 = ngx.crc32_long
local POINTS = 160
local _M = {}
local mt = { __index = _M }

function _M.new(_, nodes)
  local self = setmetatable({}, mt)
  self:reinit(nodes)
  return self
end

function _M.reinit(self, nodes)
  local copy, ring = {}, {}
  for id, weight in pairs(nodes) do
    copy[id] = weight
    local before = ""
    for _ = 1, POINTS * (tonumber(weight) or 1) do
      local hash = crc32(tostring(id) .. "\0" .. before)
      ring[#ring + 1] = { hash, id }
      before = tostring(hash)
    end
  end
  table.sort(ring, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return tostring(a[2]) < tostring(b[2])
  end)
  self.nodes, self.ring = copy, ring
end

function _M.find(self, key)
  local ring = self.ring
  if #ring == 0 then return nil end
  local hash = crc32(tostring(key))
  local low, high = 1, #ring + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if ring[middle][1] < hash then low = middle + 1 else high = middle end
  end
  if low > #ring then low = 1 end
  return ring[low][2], low
end

function _M.next(self, index)
  local ring = self.ring
  if #ring == 0 then return nil end
  index = index % #ring + 1
  return ring[index][2], index
end

return _M
