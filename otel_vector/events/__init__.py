"""What was stored, in order, for whoever follows."""
