-- Loaded by global_throttle.lua; only global-rate-limit annotations would call it.
return { new = function() return nil, "resty.ipmatcher is not in this image" end }
