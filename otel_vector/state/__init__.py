"""Small durable state that is not spans: progress of imports."""
