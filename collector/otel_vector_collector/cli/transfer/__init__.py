"""Files of OTLP: reading and writing what the Collector's file exporter writes."""
