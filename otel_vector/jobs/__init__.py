"""Long work that is persisted: it is listed, watched, cancelled, and resumed after a restart."""
