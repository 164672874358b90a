"""DNS: the names of Services and pods, and what a lookup costs."""
