"""The Acme shop with telemetrykit in it."""
