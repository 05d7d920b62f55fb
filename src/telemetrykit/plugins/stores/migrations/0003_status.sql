-- min_reader: 3

-- What data says under http.response.status_code, of answers that are errors: sqlite_status.py says which they are.
ALTER TABLE events ADD COLUMN status ANY;

UPDATE events
SET status = coalesce(
    json_extract(data, '$."http.response.status_code"'), json_extract(data, '$.http.response.status_code')
)
WHERE instr(data, 'status_code') > 0
    AND CASE coalesce(
        json_type(data, '$."http.response.status_code"'), json_type(data, '$.http.response.status_code')
    )
        WHEN 'text' THEN coalesce(
            json_extract(data, '$."http.response.status_code"'), json_extract(data, '$.http.response.status_code')
        ) GLOB '[4-9][0-9][0-9]'
        WHEN 'integer' THEN coalesce(
            json_extract(data, '$."http.response.status_code"'), json_extract(data, '$.http.response.status_code')
        ) >= 400
        WHEN 'real' THEN coalesce(
            json_extract(data, '$."http.response.status_code"'), json_extract(data, '$.http.response.status_code')
        ) >= 400
    END;

CREATE INDEX events_by_status ON events (tenant, time, status, type) WHERE status IS NOT NULL;

-- The newest batch ends with the highest cursor ever given, and is never forgotten.
DROP TABLE log;

CREATE INDEX leases_by_expiry ON leases (expires_at);
