"""Paired benchmarks of the gateway: `python -m benchmarks`, explained in docs/performance.md."""
