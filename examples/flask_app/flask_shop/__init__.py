"""A Flask shop that sells digital artifacts, with telemetrykit in it."""
