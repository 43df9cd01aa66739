"""Secrets out of spans, before anything is described, embedded or stored."""
