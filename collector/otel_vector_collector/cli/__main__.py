"""`python -m otel_vector_collector.cli` is the command `otel-vector`."""

from __future__ import annotations

from otel_vector_collector.cli.start import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
