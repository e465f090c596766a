-- How many hosts fail a check in their latest run?
WITH latest AS (
    SELECT host, max(time_ms) AS last_ms FROM checks GROUP BY host
)
SELECT c.id AS id, c.severity AS severity, count(DISTINCT c.host) AS hosts
FROM checks AS c
JOIN latest AS l ON c.host = l.host AND c.time_ms = l.last_ms
WHERE c.status = 'fail'
GROUP BY c.id, c.severity
ORDER BY hosts DESC, id, severity
