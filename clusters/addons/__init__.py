"""What every cluster of ours carries besides Kubernetes itself: CoreDNS, MetalLB, the Gateway API's definitions."""
