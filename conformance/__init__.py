"""The order of things: one cell from a bare machine to its last record. Knows everything below, by command.

A cell makes its cluster, runs the suites on it with pytest, then the load profiles with Locust, and removes the
cluster. It writes the cell's records; the suites and the load write theirs.
"""
