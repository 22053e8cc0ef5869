"""The parts of the benchmark, each a function that returns tables."""
