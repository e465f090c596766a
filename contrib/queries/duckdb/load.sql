-- The two views for DuckDB: ${CHECKS} are files of `check --format ocsf`, ${EVENTS} of
-- `audit-tail --format json`; both may be patterns.
CREATE OR REPLACE VIEW checks AS
SELECT
    device.hostname AS host,
    "time" AS time_ms,
    compliance.control AS id,
    finding_info.uid AS fingerprint,
    CASE severity_id
        WHEN 5 THEN 'critical' WHEN 4 THEN 'high' WHEN 3 THEN 'medium' WHEN 2 THEN 'low'
        ELSE 'none'
    END AS severity,
    CASE
        WHEN status_id = 3 THEN 'waived'
        WHEN compliance.status_id = 3 THEN 'fail'
        WHEN compliance.status_id = 1 THEN 'pass'
        WHEN compliance.status_id = 0 THEN 'unknown'
        ELSE 'skipped'
    END AS status
FROM read_json(
    '${CHECKS}',
    format = 'newline_delimited',
    columns = {
        device: 'STRUCT(hostname VARCHAR)',
        "time": 'BIGINT',
        compliance: 'STRUCT(control VARCHAR, status_id INTEGER)',
        finding_info: 'STRUCT(uid VARCHAR)',
        severity_id: 'INTEGER',
        status_id: 'INTEGER'
    }
);

CREATE OR REPLACE VIEW events AS
SELECT
    epoch_ms(CAST("time" AS TIMESTAMP WITH TIME ZONE)) AS time_ms,
    kind,
    outcome,
    "user" AS account,
    ip
FROM read_json(
    '${EVENTS}',
    format = 'newline_delimited',
    columns = {
        "time": 'VARCHAR', kind: 'VARCHAR', outcome: 'VARCHAR', "user": 'VARCHAR', ip: 'VARCHAR'
    }
);
