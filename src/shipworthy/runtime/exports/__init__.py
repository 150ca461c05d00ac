"""What a running site tells other monitoring systems: Prometheus reads it, OTLP receivers are sent it."""
