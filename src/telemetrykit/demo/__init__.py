"""A small shop to look at telemetrykit with, and visitors that keep it busy.

``demo.shop`` is an ordinary FastAPI app that does not know the kit; ``demo.app`` puts the two together.
"""
