"""Contract suites and builders, shipped for whoever writes a backend."""
