"""Benchmarks: ratios against named peers, measured by turns in one run. ``python -m benchmarks --help`` says how."""
