"""What is known of a finished file, so that whoever gets it can check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from ..contracts.exports import WriterReport
from ..model.artifact import Artifact
from ..model.export import Column, ExportRequest
from .reading import Reading


def build_manifest(
    request: ExportRequest,
    columns: Sequence[Column],
    reading: Reading,
    report: WriterReport,
    artifact: Artifact,
) -> Mapping[str, Any]:
    """A JSON object. Cursors are strings, as everywhere on the wire; ``pruned_before`` is the cursor below which the
    log had nothing any more when the file was begun (of one that took more than a day, when it was done), absent for a
    log that never lost anything."""
    cursors = {"first_cursor": reading.first, "last_cursor": reading.last, "pruned_before": reading.pruned_before}
    return {
        **{name: str(cursor) for name, cursor in cursors.items() if cursor is not None},
        "source": request.source,
        "format": request.format,
        "compression": request.compression or "none",
        "filter": request.filter.to_json(),
        "limit": request.limit,
        "columns": [column.to_json() for column in columns],
        **asdict(report),
        "size": artifact.size,
        "sha256": artifact.sha256,
        "truncated": False,
        "version": version("telemetrykit"),
    }
