"""What the ``http.request`` events of captures and of access logs have in common."""

from __future__ import annotations

#: ``http.route`` of a request that no route took, or that names no path.
UNMATCHED = "<unmatched>"
#: RFC 9110, PATCH of RFC 5789, and QUERY, as the semantic conventions of OpenTelemetry list them. Others are
#: ``_OTHER`` in ``http.request.method``.
METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
#: Characters of a method that is none of them which are kept in ``http.request.method_original``.
LONGEST_METHOD = 100
