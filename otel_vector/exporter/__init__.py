"""From the settings and a provider to spans in a collector, or in a store of this process."""
