-- From which 20 addresses were most logins refused, and for how many accounts?
SELECT ip, count(*) AS failures, count(DISTINCT account) AS accounts
FROM events
WHERE kind = 'auth' AND outcome = 'failure' AND ip IS NOT NULL
GROUP BY ip
ORDER BY failures DESC, ip
LIMIT 20
