-- Which hosts sent nothing for 36 hours (129 600 000 ms) while another one did?
SELECT host, max(time_ms) AS last_ms
FROM checks
GROUP BY host
HAVING max(time_ms) < (SELECT max(time_ms) FROM checks) - 129600000
ORDER BY host
