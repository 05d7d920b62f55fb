"""Tools for the tests of apps and plugins: a Telemetry in memory, a clock to move, suites that a backend must pass.

With pytest they come as fixtures: ``telemetry``, ``captured_events`` and ``telemetry_options``.
"""
