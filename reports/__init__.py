"""The results model, its stream on disk, and the renderers. Knows nothing of clusters, suites or load."""
