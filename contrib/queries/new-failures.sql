-- What fails in a host's latest run and did not in the one before? A host with one run is left out.
WITH runs AS (
    SELECT DISTINCT host, time_ms FROM checks
),
latest AS (
    SELECT host, max(time_ms) AS last_ms FROM runs GROUP BY host
),
previous AS (
    SELECT r.host AS host, max(r.time_ms) AS last_ms
    FROM runs AS r
    JOIN latest AS l ON r.host = l.host
    WHERE r.time_ms < l.last_ms
    GROUP BY r.host
),
known AS (
    SELECT DISTINCT c.host AS host, c.fingerprint AS fingerprint, 1 AS failed
    FROM checks AS c
    JOIN previous AS p ON c.host = p.host AND c.time_ms = p.last_ms
    WHERE c.status = 'fail'
)
SELECT DISTINCT c.host AS host, c.id AS id
FROM checks AS c
JOIN latest AS l ON c.host = l.host AND c.time_ms = l.last_ms
JOIN previous AS p ON c.host = p.host
LEFT JOIN known AS k ON c.host = k.host AND c.fingerprint = k.fingerprint
WHERE c.status = 'fail' AND coalesce(k.failed, 0) = 0
ORDER BY host, id
