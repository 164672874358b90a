"""Kubernetes' own end-to-end tests as a witness: run on a cluster of ours, their verdicts beside our own.

`./noxw -s upstream -- --suite k8s`. Nothing of theirs is changed: their program, their images' names, their JUnit file.
"""
