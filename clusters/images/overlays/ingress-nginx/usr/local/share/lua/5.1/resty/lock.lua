-- A lock over a shared dictionary.
local _M = {}
local mt = { __index = _M }

function _M.new(_, name, given)
  local dict = ngx.shared[name]
  if not dict then return nil, "dictionary not found" end
  local options = given or {}
  return setmetatable({
    dict = dict,
    timeout = options.timeout or 5,
    exptime = options.exptime or 30,
    step = options.step or 0.001,
    ratio = options.ratio or 2,
    max_step = options.max_step or 0.5,
  }, mt)
end

function _M.lock(self, key)
  if self.key then return nil, "locked" end
  local waited, step = 0, self.step
  while true do
    local ok, err = self.dict:add(key, true, self.exptime)
    if ok then
      self.key = key
      return waited
    end
    if err ~= "exists" then return nil, err end
    if waited >= self.timeout then return nil, "timeout" end
    step = math.min(step, self.max_step, self.timeout - waited)
    ngx.sleep(step)
    waited, step = waited + step, step * self.ratio
  end
end

function _M.unlock(self)
  if not self.key then return nil, "unlocked" end
  self.dict:delete(self.key)
  self.key = nil
  return 1
end

return _M
