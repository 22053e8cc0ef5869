"""The parts of the benchmark, each a function that gives back tables."""
