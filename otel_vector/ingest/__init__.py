"""The worker: inbox → decode → redact → describe → store, acks last."""
