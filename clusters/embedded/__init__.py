"""Real Kubernetes processes in network namespaces of this machine: no Docker, no uplink."""
