-- Debian's lua-nginx-cookie under the name that ingress-nginx asks for, with SameSite besides.
local base = require("nginx.cookie")
local set = base.set

function base.set(self, cookie)
  if cookie.samesite and not cookie.extension then
    cookie.extension = "SameSite=" .. cookie.samesite
  end
  return set(self, cookie)
end

return base
