"""OpenShift Routes, on clusters that serve them."""
