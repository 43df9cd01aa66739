"""The durable queue between an accepted request and the store."""
