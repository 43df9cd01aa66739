"""The commands: each parses its arguments, asks one thing, prints the answer."""
