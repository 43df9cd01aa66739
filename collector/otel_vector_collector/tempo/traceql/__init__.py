"""A subset of TraceQL: one spanset, read, turned into a filter, and evaluated on spans."""
