"""Blocks, points and meanings: the contract and its backends."""
