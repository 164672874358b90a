-- Debian's lua-nginx-dns under the name that ingress-nginx asks for.
return require("nginx.dns.resolver")
