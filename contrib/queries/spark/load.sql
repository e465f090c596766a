-- The two views for Spark: ${CHECKS} are files of `check --format ocsf`, ${EVENTS} of
-- `audit-tail --format json`; both may be patterns. Spark is slow with many small files: give it few.
CREATE OR REPLACE TEMPORARY VIEW check_lines (
    device STRUCT<hostname: STRING>,
    `time` BIGINT,
    compliance STRUCT<control: STRING, status_id: INT>,
    finding_info STRUCT<uid: STRING>,
    severity_id INT,
    status_id INT
) USING json OPTIONS (path '${CHECKS}');

CREATE OR REPLACE TEMPORARY VIEW checks AS
SELECT
    device.hostname AS host,
    `time` AS time_ms,
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
FROM check_lines;

CREATE OR REPLACE TEMPORARY VIEW event_lines (
    `time` STRING, kind STRING, outcome STRING, `user` STRING, ip STRING
) USING json OPTIONS (path '${EVENTS}');

CREATE OR REPLACE TEMPORARY VIEW events AS
SELECT
    unix_millis(CAST(`time` AS TIMESTAMP)) AS time_ms, kind, outcome, `user` AS account, ip
FROM event_lines;
