"""Typed questions to typed answers over the store."""
