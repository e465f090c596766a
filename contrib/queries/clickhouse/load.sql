-- The two views for ClickHouse: ${CHECKS} are files of `check --format ocsf`, ${EVENTS} of
-- `audit-tail --format json`; both may be patterns.
CREATE OR REPLACE VIEW checks AS
SELECT
    JSONExtractString(json, 'device', 'hostname') AS host,
    JSONExtractInt(json, 'time') AS time_ms,
    JSONExtractString(json, 'compliance', 'control') AS id,
    JSONExtractString(json, 'finding_info', 'uid') AS fingerprint,
    CASE JSONExtractInt(json, 'severity_id')
        WHEN 5 THEN 'critical' WHEN 4 THEN 'high' WHEN 3 THEN 'medium' WHEN 2 THEN 'low'
        ELSE 'none'
    END AS severity,
    CASE
        WHEN JSONExtractInt(json, 'status_id') = 3 THEN 'waived'
        WHEN JSONExtractInt(json, 'compliance', 'status_id') = 3 THEN 'fail'
        WHEN JSONExtractInt(json, 'compliance', 'status_id') = 1 THEN 'pass'
        WHEN JSONExtractInt(json, 'compliance', 'status_id') = 0 THEN 'unknown'
        ELSE 'skipped'
    END AS status
FROM file('${CHECKS}', 'JSONAsString', 'json String');

CREATE OR REPLACE VIEW events AS
SELECT
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(JSONExtractString(json, 'time'), 3, 'UTC'))
        AS time_ms,
    JSONExtractString(json, 'kind') AS kind,
    JSONExtract(json, 'outcome', 'Nullable(String)') AS outcome,
    JSONExtract(json, 'user', 'Nullable(String)') AS account,
    JSONExtract(json, 'ip', 'Nullable(String)') AS ip
FROM file('${EVENTS}', 'JSONAsString', 'json String');
