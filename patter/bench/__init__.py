"""Benchmarks: Patter against a baseline in the same run, on the same records, in turns."""
