"""Measures telemetrykit beside its peers, one module a row: ``python -m bench [ROW ...]``. See README.md."""
