"""The plugins that ship, by the names under which ``disable`` knows them.

They are imported by name and by nobody else, so that a built-in can do no more than a plugin from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

#: Name of the plugin, and its module below ``telemetrykit.plugins``. Processors run in reverse: enrich, redact, sample.
_MODULES = {
    "event-types": "event_types",
    "event-types-jobs": "job_event_types",
    "processor-sample": "processors.sample",
    "processor-redact": "processors.redact",
    "processor-enrich": "processors.enrich",
    "sink-log": "sinks.log",
    "sink-file": "sinks.file",
    "sink-webhook": "sinks.webhook",
    "store-memory": "stores.memory",
    "store-sqlite": "stores.sqlite",
    "bus-memory": "buses.memory",
    "bus-sqlite": "buses.sqlite",
    "queue-memory": "queues.memory",
    "queue-sqlite": "queues.sqlite",
    "artifacts-memory": "artifacts.memory",
    "artifacts-file": "artifacts.file",
    "source-events": "sources.events",
    "source-jobs": "sources.jobs",
    "format-csv": "formats.csv",
    "format-json": "formats.json",
    "format-jsonl": "formats.jsonl",
    "format-xlsx": "formats.xlsx",
    "format-pdf": "formats.pdf",
    "format-docx": "formats.docx",
    "compressor-gzip": "compressors.gzip",
    "probe-process": "probes.process",
    "auth-roles": "auth.roles",
    "auth-anonymous": "auth.anonymous",
    "auth-host": "auth.host",
    "auth-jwt": "auth.jwt",
    "auth-token": "auth.token",
}


def load_builtins() -> Mapping[str, object]:
    """Every plugin that ships."""
    return {name: import_module(f"telemetrykit.plugins.{module}") for name, module in _MODULES.items()}
