"""Spans and log records to facet texts, keys and thin points."""
