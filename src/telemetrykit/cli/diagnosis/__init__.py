"""What ``telemetrykit doctor`` looks at."""
