-- Loaded by global_throttle.lua; only global-rate-limit annotations would call it.
return { new = function() return nil, "resty.global_throttle is not in this image" end }
