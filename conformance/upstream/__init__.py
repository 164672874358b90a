"""Tests of others as a witness: run on a cluster of ours, their verdicts beside our own.

`./noxw -s upstream -- --suite k8s`, or `gateway-api`. Nothing of theirs is changed: their program, their images' names,
their JUnit file or ConformanceReport.
"""
