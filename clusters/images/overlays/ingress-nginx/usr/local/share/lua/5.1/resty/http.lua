-- Loaded by certificate.lua; only enable-ocsp, which is off unless asked for, would call it.
local _M = {}
local mt = { __index = _M }
local REFUSAL = "resty.http is not in this image: OCSP stapling cannot be had"

function _M.new() return setmetatable({}, mt) end
function _M.set_timeout() end
function _M.set_timeouts() end
function _M.parse_uri() return nil, REFUSAL end
function _M.request_uri() return nil, REFUSAL end

return _M
