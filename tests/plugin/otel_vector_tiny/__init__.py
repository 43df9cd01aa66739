"""A store, an embedder and an inbox of another package."""
