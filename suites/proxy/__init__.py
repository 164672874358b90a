"""kube-proxy: what it writes into the kernel."""
