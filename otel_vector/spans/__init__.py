"""The data model: what a span, a log record and a meaning are to the rest of the library."""
