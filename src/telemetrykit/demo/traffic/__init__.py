"""Simulated visitors: real HTTP and WebSocket traffic to a running shop."""

from __future__ import annotations

from .drive import drive

__all__ = ["drive"]
