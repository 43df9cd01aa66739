"""Spans of functions: decorators, and wrapping without one."""
