-- Which logins worked after five or more refusals from the same address in the ten minutes
-- (600 000 ms) before?
WITH logins AS (
    SELECT DISTINCT ip, account, time_ms
    FROM events
    WHERE kind = 'auth' AND outcome = 'success' AND ip IS NOT NULL
),
preceded AS (
    SELECT s.ip AS ip, s.account AS account, s.time_ms AS login_ms, count(*) AS refusals
    FROM logins AS s
    JOIN events AS f ON s.ip = f.ip
    WHERE f.kind = 'auth' AND f.outcome = 'failure'
        AND f.time_ms < s.time_ms AND f.time_ms >= s.time_ms - 600000
    GROUP BY s.ip, s.account, s.time_ms
)
SELECT ip, account, max(refusals) AS failures
FROM preceded
WHERE refusals >= 5
GROUP BY ip, account
ORDER BY ip, account
