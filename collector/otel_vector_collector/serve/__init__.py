"""The serving process: doors as children, engine and API in this one."""
