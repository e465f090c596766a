-- Which hosts fail most in their latest run, the gravest failures first?
WITH latest AS (
    SELECT host, max(time_ms) AS last_ms FROM checks GROUP BY host
)
SELECT
    c.host AS host,
    sum(CASE WHEN c.severity = 'critical' THEN 1 ELSE 0 END) AS critical,
    sum(CASE WHEN c.severity = 'high' THEN 1 ELSE 0 END) AS high,
    sum(CASE WHEN c.severity = 'medium' THEN 1 ELSE 0 END) AS medium,
    sum(CASE WHEN c.severity = 'low' THEN 1 ELSE 0 END) AS low
FROM checks AS c
JOIN latest AS l ON c.host = l.host AND c.time_ms = l.last_ms
WHERE c.status = 'fail'
GROUP BY c.host
ORDER BY critical DESC, high DESC, medium DESC, low DESC, host
