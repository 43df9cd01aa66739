"""What every adapter shares: conditions, reading blocks, terms, fusion of ranks."""
