"""Benchmarks: the service beside its peers and limits, in one run and in turn.

A figure of one machine means little; a ratio of two that were measured in turn means something on any.
"""
