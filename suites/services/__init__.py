"""Services: what reaches which pod, from where, under which address."""
