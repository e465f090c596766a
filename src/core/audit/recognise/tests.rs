//! Lines of every format, and what must be read out of them.

use super::*;

fn recogniser() -> Recogniser {
    Recogniser::new(TimeContext::of_tests(), TrustedProxies::parse("127.0.0.1"))
}

/// kind, outcome, level, user, ip
fn brief(line: &str) -> String {
    let event = recogniser().read(line, Wanted::ALL);
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    format!(
        "{} {} {} {} {}",
        event.kind().word(),
        text(event.outcome.map(Outcome::word)),
        text(event.level.map(Level::word)),
        text(event.user.as_deref()),
        event.ip.map_or("-".to_owned(), |ip| ip.to_string()),
    )
}

/// Lines of common loggers, and what is read out of them.
pub(super) const LINES: &[(&str, &str)] = &[
    (
        r#"{"timestamp":"2026-11-17T09:41:37Z","event":"auth.failure","user":"mirjam","ip":"192.0.2.14","reason":"expired key"}"#,
        "auth failure - mirjam 192.0.2.14",
    ),
    (
        r#"{"level":30,"time":1795168802000,"pid":1,"hostname":"h","reqId":"r1","msg":"user logged in","userId":7}"#,
        "auth success info 7 -",
    ),
    (
        r#"{"name":"app","hostname":"h","pid":1,"level":50,"msg":"boom","time":"2026-11-20T10:00:02.000Z","v":0}"#,
        "error failure error - -",
    ),
    (
        r#"{"level":"warn","message":"Too many requests","timestamp":"2026-11-20T10:00:02.000Z","ip":"::ffff:192.0.2.1"}"#,
        "rate-limit failure warn - 192.0.2.1",
    ),
    (r#"{"status":401,"path":"/x"}"#, "auth failure - - -"),
    (r#"{"status":403}"#, "access failure - - -"),
    (
        r#"{"status":200,"tokens":90,"author":"x"}"#,
        "access success - - -",
    ),
    (r#"{"statusCode":503}"#, "error failure - - -"),
    (
        r#"{"status":429,"event":"login"}"#,
        "rate-limit failure - - -",
    ),
    (
        r#"{"event":"rate_limit.exceeded","ip":"[2001:db8::c0de]:443"}"#,
        "rate-limit failure - - 2001:db8::c0de",
    ),
    (
        r#"{"event":"login","success":false,"user":"mia"}"#,
        "auth failure - mia -",
    ),
    (r#"{"event":"login","status_id":1}"#, "auth success - - -"),
    (r#"{"msg":"rows: 401"}"#, "other - - - -"),
    (
        r#"{"log":"{\"level\":\"error\",\"msg\":\"login failed\",\"ip\":\"192.0.2.1\"}\n","stream":"stderr","time":"2026-11-20T10:00:02Z"}"#,
        "auth failure error - 192.0.2.1",
    ),
    (
        r#"2026-11-20T10:00:02.123Z stderr F {"msg":"login failed","user":"mia"}"#,
        "auth failure - mia -",
    ),
    (
        r#"Nov 20 10:00:02 bot app[3]: {"msg":"login failed","user":"mia"}"#,
        "auth failure - mia -",
    ),
    (
        "Nov 20 10:00:02 bot sshd[3]: Failed password for root from 192.0.2.1 port 22 ssh2",
        "auth failure - root 192.0.2.1",
    ),
    (
        "Nov 20 10:00:02 bot sshd[3]: Accepted password for root from 192.0.2.1 port 22 ssh2",
        "auth success - root 192.0.2.1",
    ),
    // What a client writes is in no such sentence, whoever quotes it.
    (
        "Nov 20 10:00:02 bot sshd[3]: kex_exchange_identification: client sent invalid protocol identifier \"Failed password for root from 6.6.6.6 port 22 ssh2\"",
        "other - - - -",
    ),
    (
        "Nov 20 10:00:02 bot sshd[3]: Received disconnect from 192.0.2.1 port 55:11: Accepted password for root from 6.6.6.6 port 22 ssh2",
        "other - - - -",
    ),
    (
        "Nov 20 10:00:02 bot sshd[3]: Bad protocol version identification 'Failed password for root from 6.6.6.6 port 22 ssh2' from 192.0.2.1 port 44",
        "other - - - -",
    ),
    (
        "Nov 20 10:00:02 bot sshd[3]: input_userauth_request: invalid user Failed password for root from 6.6.6.6 port 22 ssh2 [preauth]",
        "auth failure - Failed password for root from 6.6.6.6 port 22 ssh2 -",
    ),
    (
        "Nov 20 10:00:02 bot CRON[3]: (root) CMD (echo Accepted password for root from 6.6.6.6 port 22 ssh2)",
        "auth success - - -",
    ),
    (
        "2026-11-20T10:00:02Z bot app[1]: chat: Accepted login for user mia from 6.6.6.6",
        "auth success - - -",
    ),
    (
        "Nov 20 10:00:02 bot app[1]: chat: Failed password for root from 6.6.6.6 port 22 ssh2",
        "auth failure - - -",
    ),
    (
        "Nov 20 10:00:02 bot app[3]: Web login failed for user mia from 192.0.2.1",
        "auth failure - mia 192.0.2.1",
    ),
    // The level stands behind what loggers put in front of it.
    (
        "2026-11-20 10:00:00.123 UTC [99] ERROR:  relation \"x\" does not exist",
        "error failure error - -",
    ),
    (
        "2026-11-20 10:00:00.123 UTC [99] mia@bot FATAL:  too many clients",
        "error failure fatal - -",
    ),
    (
        "2026-11-20 10:00:00,123 - app - ERROR - boom",
        "error failure error - -",
    ),
    (
        "2026-11-20T10:00:00.000000Z 8 [ERROR] [MY-010119] [Server] Aborting",
        "error failure error - -",
    ),
    (
        "2026-11-20 10:00:00.123 [main] ERROR c.example.App - boom",
        "error failure error - -",
    ),
    (
        "2026-11-20T10:00:00Z app ERR boom",
        "error failure error - -",
    ),
    (
        "2026-11-20 10:00:00 somebody typed ERROR here",
        "other failure - - -",
    ),
    ("ERR and nothing else", "error failure error - -"),
    // Names of files and tables say nothing.
    (
        r#"2026/11/17 09:41:37 [error] 1#1: *1 open() "/var/www/login/favicon-1.png" failed (2: No such file or directory), client: 192.0.2.1, server: x, request: "GET / HTTP/1.1""#,
        "error failure error - 192.0.2.1",
    ),
    (
        r#"2026/11/17 09:41:37 [crit] 1#1: *1 openat() "/srv/password-reset/x.css" failed (13: Permission denied), client: 192.0.2.1, server: x"#,
        "error failure fatal - 192.0.2.1",
    ),
    (
        r#"2026/11/17 09:41:37 [error] 1#1: *1 directory index of "/var/www/auth/" is forbidden, client: 192.0.2.1, server: x"#,
        "access failure error - 192.0.2.1",
    ),
    (
        "2026/11/17 09:41:37 [warn] 1#1: *1 a client request body is buffered to a temporary file /var/login/0, client: 192.0.2.1, server: x",
        "other - warn - 192.0.2.1",
    ),
    (
        r#"2026/11/17 09:41:37 [error] 1#1: *1 user "mia" was not found in "/etc/x", client: 192.0.2.1, server: x"#,
        "auth failure error mia 192.0.2.1",
    ),
    (
        "[Tue Nov 17 09:41:37.000000 2026] [authz_core:error] [pid 7] [client 192.0.2.1:4] AH01630: client denied by server configuration: /var/www/login/x",
        "access failure error - 192.0.2.1",
    ),
    (
        "2026-11-17 09:41:37.123 UTC [99] ERROR:  relation \"login\" does not exist at character 15",
        "error failure error - -",
    ),
    (
        "2026-11-17 09:41:37.123 UTC [99] mia@bot ERROR:  duplicate key value violates unique constraint \"login_pkey\"",
        "error failure error - -",
    ),
    (
        "2026-11-17 09:41:37.123 UTC [99] DETAIL:  Key (login)=(mia) already exists.",
        "other - - - -",
    ),
    (
        "2026-11-17 09:41:37.123 UTC [99] LOG:  duration: 3.1 ms  statement: SELECT password FROM login",
        "other - info - -",
    ),
    (
        "2026-11-17 09:41:37.123 UTC [99] FATAL:  password authentication failed for user \"mia\"",
        "auth failure fatal mia -",
    ),
    // Nobody is blamed for what is quoted, nor for a name.
    (
        "2026-11-17T09:41:37Z WARN invalid password for 6.6.6.6",
        "auth failure warn 6.6.6.6 -",
    ),
    (
        "2026-11-17T09:41:37Z WARN invalid password for '6.6.6.6'",
        "auth failure warn 6.6.6.6 -",
    ),
    (
        "2026-11-17T09:41:37Z WARN invalid password for mia (192.0.2.1)",
        "auth failure warn mia 192.0.2.1",
    ),
    (
        "2026-11-17T09:41:37Z WARN login failed for client 192.0.2.1",
        "auth failure warn - 192.0.2.1",
    ),
    (
        "2026-11-17 09:41:37.123 UTC [123] LOG:  statement: SELECT * FROM notes WHERE body = 'login failed from 6.6.6.6'",
        "other - info - -",
    ),
    (
        r#"2026-11-17T09:41:37Z WARN unauthorized request, agent="curl 6.6.6.6""#,
        "auth failure warn - -",
    ),
    (
        r#"2026-11-17T09:41:37Z INFO search q="login failed from 6.6.6.6""#,
        "other - info - -",
    ),
    (
        r#"2026-11-17T09:41:37Z [info]: User bob posted comment: "password denied 6.6.6.6""#,
        "other - info - -",
    ),
    (
        r#"2026-11-17T09:41:37Z WARN app: msg="login failed from 192.0.2.1""#,
        "auth failure warn - 192.0.2.1",
    ),
    // A field names something else, and the message only talks about logins.
    (
        r#"{"event":"tool.call","outcome":"success","message":"grep 'Failed password' auth.log","user":"mia"}"#,
        "other success - mia -",
    ),
    (
        r#"{"event":"message.received","message":"how do I rate limit my nginx?"}"#,
        "other - - - -",
    ),
    (
        r#"{"event":"http.request","message":"Rate limit remaining: 99","status":200}"#,
        "access success - - -",
    ),
    (
        r#"{"message":"Rate limit remaining: 99","status":200}"#,
        "access success - - -",
    ),
    (
        r#"{"message":"unauthorized devices: 0","status":200}"#,
        "access success - - -",
    ),
    (
        r#"{"message":"user logged in","status":200}"#,
        "auth success - - -",
    ),
    (
        r#"{"event":"session.end","level":"warn","message":"login failed"}"#,
        "auth failure warn - -",
    ),
    (
        r#"{"event":"session.end","outcome":"failure","message":"login failed"}"#,
        "auth failure - - -",
    ),
    (
        r#"{"event":"session.end","reason":"unauthorized"}"#,
        "auth failure - - -",
    ),
    (
        r#"{"type":"audit_log","message":"login failed"}"#,
        "auth failure - - -",
    ),
    (
        r#"{"event":"user","action":"login","message":"login failed"}"#,
        "auth failure - - -",
    ),
    // A line inside a record that was only shipped.
    (
        r#"{"MESSAGE":"{\"level\":40,\"msg\":\"login failed\",\"user\":\"mia\",\"ip\":\"192.0.2.1\"}","PRIORITY":"6","_SYSTEMD_UNIT":"bot.service","__REALTIME_TIMESTAMP":"1795168802000000"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"@timestamp":"2026-11-17T09:41:37Z","message":"Nov 17 09:41:37 bot sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2","host":{"name":"bot"}}"#,
        "auth failure - root 192.0.2.1",
    ),
    (
        r#"{"type":"syslog","message":"<36>1 2026-11-17T09:41:37Z bot gw 3 - - login failed for mia from 192.0.2.1"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"level":"info","user":"bob","message":"{\"msg\":\"login failed\",\"user\":\"mia\",\"ip\":\"6.6.6.6\"}"}"#,
        "auth failure info bob -",
    ),
    (
        r#"{"level":"info","event":"chat.received","message":"{\"msg\":\"login failed\",\"user\":\"mia\",\"ip\":\"6.6.6.6\"}"}"#,
        "other - info - -",
    ),
    (
        r#"{"level":"info","message":"{\"msg\" is broken}"}"#,
        "other - info - -",
    ),
    (
        r#"{"level":"info","message":"May I come in?"}"#,
        "other - info - -",
    ),
    // Letters in front are levels.
    (
        "W, [2026-11-17T09:00:00.123456 #12]  WARN -- : Login failed for mia from 192.0.2.1",
        "auth failure warn mia 192.0.2.1",
    ),
    (
        "E1117 09:00:00.123456      12 authentication.go:73] boom",
        "error failure error - -",
    ),
    // Proxies, clouds and loggers with names of their own.
    (
        r#"[2026-11-17T09:00:00.123Z] "POST /login HTTP/1.1" 401 - 0 14 2 1 "6.6.6.6" "curl/8" "5c0d" "bot.example" "10.0.0.7:80""#,
        "auth failure - - -",
    ),
    (
        r#"{"start_time":"2026-11-17T09:00:00.123Z","method":"POST","path":"/login","response_code":401,"downstream_remote_address":"192.0.2.1:5123","user_agent":"curl/8"}"#,
        "auth failure - - 192.0.2.1",
    ),
    (
        r#"{"ClientIP":"192.0.2.1","ClientRequestURI":"/login/failed","EdgeResponseStatus":200,"EdgeStartTimestamp":"2026-11-17T09:00:00Z"}"#,
        "access success - - 192.0.2.1",
    ),
    (
        r#"https 2026-11-17T09:00:00.186641Z app/lb/50dc 192.0.2.1:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://bot.example:443/login/failed HTTP/1.1" "curl/8" ECDHE TLSv1.2 arn "Root=1" "bot.example" "arn" 1 2026-11-17T09:00:00.186641Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#,
        "access success - - 192.0.2.1",
    ),
    (
        r#"{"timestamp":"2026-11-17T09:00:00Z","level":"WARN","fields":{"message":"login failed","ip":"192.0.2.1","user":"mia"},"target":"app"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"user_email":"mia@x.example","ip_address":"192.0.2.1","action":"login","allowed":false,"created_at":"2026-11-17T09:00:00Z"}"#,
        "auth failure - mia@x.example 192.0.2.1",
    ),
    (
        r#"{"@t":"2026-11-17T09:00:00Z","@m":"Login failed for mia","@l":"Warning","UserName":"mia","ClientIp":"192.0.2.1"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"Timestamp":"2026-11-17T09:00:00Z","Level":"Warning","RenderedMessage":"Login failed","Properties":{"UserName":"mia","ClientIp":"192.0.2.1"}}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"message":"Login failed","context":{"user":"mia","ip":"192.0.2.1"},"level":300,"level_name":"WARNING","channel":"security","datetime":"2026-11-17T09:00:00+00:00","extra":{}}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"kind":"Event","verb":"list","user":{"username":"mia"},"sourceIPs":["192.0.2.1","10.0.0.1"],"responseStatus":{"metadata":{},"code":401},"requestReceivedTimestamp":"2026-11-17T09:00:00Z"}"#,
        "auth failure - mia 10.0.0.1",
    ),
    (
        r#"{"httpRequest":{"status":403,"remoteIp":"192.0.2.1","userAgent":"curl/8"},"severity":"WARNING","timestamp":"2026-11-17T09:00:00Z"}"#,
        "access failure warn - 192.0.2.1",
    ),
    (
        r#"{"timestamp":"2026-11-17 09:00:00.123 UTC","user":"mia","remote_host":"192.0.2.1","error_severity":"FATAL","message":"password authentication failed for user \"mia\""}"#,
        "auth failure fatal mia 192.0.2.1",
    ),
    (
        r#"[17/Nov/2026 09:00:00] "GET /login/failed HTTP/1.1" 200 12"#,
        "access success - - -",
    ),
    (
        r#"192.0.2.1 "POST /login?from=6.6.6.6 HTTP/1.1" 401 12"#,
        "auth failure - - 192.0.2.1",
    ),
    // Oddities of loggers.
    (
        "time=2026-11-17T09:00:00Z level=WARN+2 msg=\"login failed\" user=mia",
        "auth failure warn mia -",
    ),
    (
        r#"{"level":"DEBUG-4","event":"login","success":0}"#,
        "auth failure debug - -",
    ),
    (r#"{"event":"login","success":1}"#, "auth success - - -"),
    (
        "2026-11-17T09:00:00.000Z\tWARN\tauth/login.go:12\tlogin failed\t{\"user\": \"mia\", \"ip\": \"192.0.2.1\"}",
        "auth failure warn mia 192.0.2.1",
    ),
    (
        "2026-11-17T09:00:00.000Z\tWARN\tlogin failed\t{no object}",
        "auth failure warn - -",
    ),
    (
        "Nov 20 10:00:02 bot su[3]: FAILED SU (to root) mia on pts/0",
        "auth failure - mia -",
    ),
    (
        "Nov 20 10:00:02 bot dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<a>, rip=6.6.6.6, x=<>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, TLS, session=<x>",
        "auth failure - a>, rip=6.6.6.6, x=< 192.0.2.1",
    ),
    (
        r#"2026-11-17T09:00:00Z INFO search q="GET /x HTTP/1.1" 401"#,
        "other - info - -",
    ),
    // What is denied did not happen.
    (
        r#"{"msg":"user is not logged in","user":"mia"}"#,
        "auth - - mia -",
    ),
    (
        r#"{"msg":"user not authenticated","user":"mia"}"#,
        "auth - - mia -",
    ),
    (r#"{"msg":"login not successful"}"#, "auth failure - - -"),
    // A repeated line is the line, so many times.
    (
        "Nov 20 10:00:02 bot app[3]: message repeated 25 times: [ ERROR: boom]",
        "error failure error - -",
    ),
    (
        r#"Nov 20 10:00:02 bot app[3]: message repeated 25 times: [ {"msg":"login failed","user":"mia"}]"#,
        "auth failure - mia -",
    ),
    (
        "<34>1 2026-11-20T10:00:02Z bot gw 3 LOGIN [a ip=\"192.0.2.1\"] login failed",
        "auth failure fatal - 192.0.2.1",
    ),
    (
        "CEF:0|v|p|1|login|Login failed|8|src=192.0.2.1 suser=mia",
        "auth failure error mia 192.0.2.1",
    ),
    (
        "CEF:0|v|p|1|100|Login failed|8|src=192.0.2.1 suser=mia msg=for the third time",
        "auth failure error mia 192.0.2.1",
    ),
    (
        "time=2026-11-20T10:00:02Z level=warning msg=\"login failed\" user=mia ip=192.0.2.1",
        "auth failure warn mia 192.0.2.1",
    ),
    (
        "192.0.2.1 - mia [20/Nov/2026:10:00:02 +0000] \"GET /login HTTP/1.1\" 200 1 \"-\" \"x\"",
        "access success - mia 192.0.2.1",
    ),
    (
        "2026-11-20 10:00:02 ERROR gateway down",
        "error failure error - -",
    ),
    (
        "[2026-11-20 10:00:02] login failed for user \"x 6.6.6.6\" from 192.0.2.1",
        "auth failure - x 6.6.6.6 192.0.2.1",
    ),
    ("just words", "other - - - -"),
    ("{broken json", "other - - - -"),
    ("", "other - - - -"),
    (
        "Nov 17 09:41:37 host CEF:0|V|P|1|auth.fail|name|9|src=192.0.2.6 duser=al outcome=failure",
        "auth failure fatal al 192.0.2.6",
    ),
    (
        "<134>Nov 17 09:41:37 host CEF:0|V|P|1|auth.login|User login|3|src=192.0.2.6 duser=al outcome=success",
        "auth success info al 192.0.2.6",
    ),
    (
        r#"<190>Nov 17 09:41:37 host nginx: 192.0.2.8 - - [17/Nov/2026:09:41:37 +0000] "POST /login HTTP/1.1" 401 12 "-" "x""#,
        "auth failure info - 192.0.2.8",
    ),
    (
        r#"2026-11-17T09:41:37Z host nginx[12]: 192.0.2.8 - bob [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - bob 192.0.2.8",
    ),
    (
        r#"2026-11-17T09:41:37Z stdout F 192.0.2.8 - bob s [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - bob s 192.0.2.8",
    ),
    (
        r#"www.example:443 192.0.2.8 - bob [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - bob 192.0.2.8",
    ),
    (
        r#"192.0.2.8 - [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - - 192.0.2.8",
    ),
    (
        r#"www.example:443 client.example - bob [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - bob -",
    ),
    (
        r#"2026-11-17T09:41:37Z 192.0.2.1 nginx: 192.0.2.8 - - [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - - 192.0.2.8",
    ),
    (
        r#"client.example - bob [17/Nov/2026:09:41:37 +0000] "GET /x HTTP/1.1" 401 12 "-" "x""#,
        "auth failure - bob -",
    ),
    // What stands in front of an access line is neither client nor user.
    (
        r#"web-1  | 192.0.2.8 - bob [17/Nov/2026:09:41:37 +0000] "POST /login HTTP/1.1" 401 0 "-" "-""#,
        "auth failure - bob 192.0.2.8",
    ),
    (
        r#"2026-11-17 09:41:37,123 - werkzeug - INFO - 192.0.2.8 - - [17/Nov/2026 09:41:37] "POST /login HTTP/1.1" 401 -"#,
        "auth failure - - 192.0.2.8",
    ),
    (
        r#"INFO:werkzeug:192.0.2.8 - - [17/Nov/2026 09:41:37] "POST /login HTTP/1.1" 401 -"#,
        "auth failure - - 192.0.2.8",
    ),
    (
        r#"INFO:app:2001:db8::8 - x 6.6.6.6 - y [17/Nov/2026 09:41:37] "POST /login HTTP/1.1" 401 -"#,
        "auth failure - x 6.6.6.6 - y 2001:db8::8",
    ),
    (
        r#"[12] app: 192.0.2.8 ident bob [17/Nov/2026:09:41:37 +0000] "POST /login HTTP/1.1" 401 -"#,
        "auth failure - bob 192.0.2.8",
    ),
    (
        r#"web-1  | {"level":"warn","msg":"login failed","user":"mia","ip":"192.0.2.1"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    ("INFO     | the app starts", "other - info - -"),
    // The client behind a trusted proxy stands last.
    (
        r#"127.0.0.1 - - [17/Nov/2026:09:41:37 +0000] "POST /login HTTP/1.1" 401 0 "-" "curl" "junk, 192.0.2.4""#,
        "auth failure - - 192.0.2.4",
    ),
    (
        r#"127.0.0.1 - - [17/Nov/2026:09:41:37 +0000] "POST /login HTTP/1.1" 401 0 "-" "curl" "-""#,
        "auth failure - - 127.0.0.1",
    ),
    (
        r#"192.0.2.8 - - [17/Nov/2026:09:41:37 +0000] "POST /login HTTP/1.1" 401 0 "-" "curl" "6.6.6.6""#,
        "auth failure - - 192.0.2.8",
    ),
    (
        r#"{"msg":"login failed","req":{"remoteAddress":"127.0.0.1","headers":{"x-forwarded-for":["6.6.6.6","192.0.2.4"]}}}"#,
        "auth failure - - 192.0.2.4",
    ),
    // The journal keeps lines of any form.
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"nginx","_PID":"7","_HOSTNAME":"bot","MESSAGE":"192.0.2.9 - mia [17/Nov/2026:09:41:37 +0000] \"GET /x HTTP/1.1\" 401 12 \"-\" \"curl\""}"#,
        "auth failure info mia 192.0.2.9",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"bot","_PID":"7","_HOSTNAME":"bot","MESSAGE":"ts=2026-11-17T09:41:37Z level=warn msg=\"login failed\" user=mia ip=192.0.2.1"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"bot","_PID":"7","_HOSTNAME":"bot","MESSAGE":"2026-11-17 09:41:37 ERROR login failed for mia from 192.0.2.1"}"#,
        "auth failure error mia 192.0.2.1",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"bot","_PID":"7","_HOSTNAME":"bot","MESSAGE":"Unauthorized request from 192.0.2.1"}"#,
        "auth failure info - 192.0.2.1",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"sshd","_PID":"7","_HOSTNAME":"bot","MESSAGE":"Bad protocol version identification 'login failed from 6.6.6.6' from 192.0.2.1 port 44"}"#,
        "other - info - -",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"sshd","_PID":"7","_HOSTNAME":"bot","MESSAGE":"Received disconnect from 192.0.2.1 port 55:11: login failed for x from 6.6.6.6"}"#,
        "other - info - -",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"sshd","_PID":"7","_HOSTNAME":"bot","MESSAGE":[70,97,105,108,101,100,32,112,97,115,115,119,111,114,100,32,102,111,114,32,114,111,111,116,32,102,114,111,109,32,49,57,50,46,48,46,50,46,49,53,32,112,111,114,116,32,50,50,32,115,115,104,50]}"#,
        "auth failure info root 192.0.2.15",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"bot","_PID":"7","_HOSTNAME":"bot","MESSAGE":[27,91,51,51,109,119,97,114,110,27,91,51,57,109,58,32,108,111,103,105,110,32,102,97,105,108,101,100,32,102,111,114,32,109,105,97,32,102,114,111,109,32,49,57,50,46,48,46,50,46,49,53]}"#,
        "auth failure warn mia 192.0.2.15",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"bot","_PID":"7","_HOSTNAME":"bot","MESSAGE":[1,300]}"#,
        "other - info - -",
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1795168802000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"bot","_PID":"7","_HOSTNAME":"bot","MESSAGE":[]}"#,
        "other - info - -",
    ),
    (
        r#"{"message":[108,111,103,105,110],"level":"info"}"#,
        "other - info - -",
    ),
    // Fields that the journal does not have are the writer's.
    (
        r#"{"SYSLOG_IDENTIFIER":"bot","MESSAGE":"login failed for x from 6.6.6.6","user":"mia","ip":"192.0.2.1"}"#,
        "auth failure - mia 192.0.2.1",
    ),
    (
        r#"{"@timestamp":"2026-11-17T09:41:37Z","agent":{"type":"filebeat"},"message":"192.0.2.9 - - [17/Nov/2026:09:41:37 +0000] \"GET /x HTTP/1.1\" 401 12"}"#,
        "auth failure - - 192.0.2.9",
    ),
    (
        r#"{"@timestamp":"2026-11-17T09:41:37Z","agent":{"type":"filebeat"},"message":"level=warn msg=\"login failed\" user=mia ip=192.0.2.1"}"#,
        "auth failure warn mia 192.0.2.1",
    ),
    // Colours say nothing.
    (
        "2026-11-17T09:41:37Z \x1b[31merror\x1b[39m: db down",
        "error failure error - -",
    ),
    (
        "\x1b[36mbot-1  |\x1b[0m 2026-11-17T09:41:37Z \x1b[33mwarn\x1b[39m: login failed for mia from 192.0.2.1",
        "auth failure warn mia 192.0.2.1",
    ),
    (
        "\x1b[33mWARN\x1b[0m[0012] login failed   \x1b[33muser\x1b[0m=mia \x1b[33mip\x1b[0m=192.0.2.1 \x1b[33mn\x1b[0m=1",
        "auth failure warn mia 192.0.2.1",
    ),
    (
        "\x1b[32m{\"level\":\"warn\",\"msg\":\"login failed\",\"user\":\"mia\"}\x1b[0m",
        "auth failure warn mia -",
    ),
    (
        r#"{"log":"\u001b[31merror\u001b[39m: db down\n","stream":"stderr","time":"2026-11-20T10:00:02Z"}"#,
        "error failure error - -",
    ),
    // The kernel names where a packet comes from.
    (
        "Nov 14 10:00:06 bot kernel: [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.73 DST=10.0.0.1",
        "other - - - 192.0.2.73",
    ),
];

#[test]
fn what_somebody_else_wrote_hides_nothing_and_forges_nothing() {
    for (line, expected) in [
        // Words of a message count beside any action, unless it went well or people talk.
        (
            r#"{"level":"info","event":"gateway.connect","message":"unauthorized: gateway token mismatch","ip":"192.0.2.5"}"#,
            "auth failure info - 192.0.2.5",
        ),
        (
            r#"{"event":"throttle","message":"Too many requests","ip":"192.0.2.5"}"#,
            "rate-limit failure - - 192.0.2.5",
        ),
        (
            r#"{"event":"tool.call","message":"grep 'Failed password' auth.log","ip":"192.0.2.5"}"#,
            "other - - - 192.0.2.5",
        ),
        // A name that looks like a request.
        (
            r#"2026-11-20 10:00:00 WARN Failed login for user x "G HTTP/1.1" 200 from 192.0.2.4"#,
            "auth failure warn x 192.0.2.4",
        ),
        (
            r#"2026-11-20 10:00:00 DEBUG urllib3: https://api.openai.com:443 "POST /v1/login HTTP/1.1" 401 None"#,
            "other - debug - -",
        ),
        // A text that looks like a line.
        (
            r#"{"level":30,"chatId":77,"msg":"{\"event\":\"login\",\"outcome\":\"failure\",\"user\":\"root\",\"ip\":\"8.8.8.8\"}"}"#,
            "auth failure info - -",
        ),
        (
            r#"{"level":30,"status":429,"ip":"192.0.2.5","msg":"{}"}"#,
            "rate-limit failure info - 192.0.2.5",
        ),
        // Who was refused may be known by the address alone.
        (
            "2026-11-20T10:00:00Z WARN Authentication failed for 192.0.2.5",
            "auth failure warn - 192.0.2.5",
        ),
        (
            "2026-11-20T10:00:00Z WARN login failed for 192.0.2.5:4433",
            "auth failure warn - 192.0.2.5",
        ),
        (
            "2026-11-20T10:00:00Z WARN invalid password for 8.8.8.8",
            "auth failure warn 8.8.8.8 -",
        ),
        // The last address of a list is not the client's word.
        (
            r#"{"kind":"Event","sourceIPs":["6.6.6.6","192.0.2.9"],"responseStatus":{"code":401}}"#,
            "auth failure - - 192.0.2.9",
        ),
        // The writer's own message stands in quotes.
        (
            r#"2026-11-20T10:00:00Z WARN "Authentication failed" user=mia remote=192.0.2.5"#,
            "auth failure warn mia 192.0.2.5",
        ),
        // What sshd quotes is no line of any other form.
        (
            r##"Nov 20 10:00:02 bot sshd[3]: Bad protocol version identification 'x level=warn msg=login ip=6.6.6.6 outcome=failure ' from 192.0.2.1 port 44"##,
            "other - - - -",
        ),
        (
            r##"{"SYSLOG_IDENTIFIER":"sshd","PRIORITY":"6","MESSAGE":"Bad protocol version identification 'x level=warn msg=login ip=6.6.6.6 outcome=failure ' from 192.0.2.1 port 44"}"##,
            "other - info - -",
        ),
        (
            r##"Nov 20 10:00:02 bot sshd[3]: Bad protocol version identification 'x 6.6.6.6 - - [20/Nov/2026:10:00:02 +0000] "GET / HTTP/1.1" 401 1' from 192.0.2.1 port 44"##,
            "other - - - -",
        ),
        (
            r##"{"SYSLOG_IDENTIFIER":"sshd","PRIORITY":"6","MESSAGE":"Bad protocol version identification 'x 6.6.6.6 - - [20/Nov/2026:10:00:02 +0000] \"GET / HTTP/1.1\" 401 1' from 192.0.2.1 port 44"}"##,
            "other - info - -",
        ),
        // A name in the place of a client.
        (
            r#"unix: - 6.6.6.6 - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 401 12 "-" "-""#,
            "auth failure - 6.6.6.6 - -",
        ),
    ] {
        assert_eq!(brief(line), expected, "{line}");
    }
}

#[test]
fn words_mean_what_their_writer_says_of_them() {
    let cases = [
        // What a client asked for.
        (
            r#"{"msg":"GET /login","status":200,"ip":"192.0.2.1"}"#,
            "access success - - 192.0.2.1",
        ),
        (
            r#"{"msg":"POST /login","status":401,"ip":"192.0.2.1"}"#,
            "auth failure - - 192.0.2.1",
        ),
        (
            r#"{"action":"GET /login","status":200}"#,
            "access success - - -",
        ),
        (
            r#"{"event":"request","action":"GET /login","status":200}"#,
            "access success - - -",
        ),
        (
            r#"{"msg":"GET /auth/callback.js 200 2ms"}"#,
            "other - - - -",
        ),
        (
            r#"{"msg":"HTTP GET https://bot.example/login responded 200 in 5 ms","StatusCode":200}"#,
            "access success - - -",
        ),
        (r#"{"msg":"/login","status":302}"#, "access success - - -"),
        (
            r#"level=info msg="GET /login ok" status=200 ip=192.0.2.1"#,
            "access success info - 192.0.2.1",
        ),
        (
            "2026-11-20 10:00:02 INFO GET /login 200 ok",
            "other success info - -",
        ),
        (r#"{"msg":"POST /x: wrong password"}"#, "auth failure - - -"),
    ];
    for (line, expected) in cases {
        assert_eq!(brief(line), expected, "{line}");
    }
}

#[test]
fn lines_of_common_loggers_are_understood() {
    for (line, expected) in LINES {
        assert_eq!(brief(line), *expected, "{line}");
    }
}

#[test]
fn times_are_found_behind_what_stands_in_front() {
    let lines = [
        "W, [2026-11-17T09:00:00 #12]  WARN -- : Login failed",
        "I1117 09:00:00.000000      12 file.go:12] text",
        "app[12]: 2026-11-17T09:00:00Z text",
        "[W 2026-11-17 09:00:00.000 app] text",
    ];
    for line in lines {
        let time = recogniser().read(line, Wanted::TIME).time;
        assert_eq!(time.unwrap().to_string(), "2026-11-17T09:00:00Z", "{line}");
    }
}

#[test]
fn only_anchored_messages_of_openclaw_mean_something() {
    let line = |message: &str, more: &str| {
        format!(
            r#"{{"0":"gateway/ws","1":{},{more}"_meta":{{"logLevelName":"INFO","date":"2026-11-20T10:00:02Z"}},"message":{}}}"#,
            serde_json::json!(message),
            serde_json::json!(message)
        )
    };
    let cases = [
        (
            line(
                "unauthorized conn=c1 peer=127.0.0.1:4->127.0.0.1:5 remote=192.0.2.1 client=x remote=6.6.6.6 reason=token_mismatch",
                "",
            ),
            "auth failure info - 192.0.2.1",
        ),
        (
            line("unauthorized conn=c1 peer=a ua=x remote=6.6.6.6", ""),
            "auth failure info - -",
        ),
        (
            line(
                "closed before connect conn=c1 peer=a remote=127.0.0.1",
                r#""2":{"cause":"unauthorized","remoteAddr":"127.0.0.1","forwardedFor":"192.0.2.7","authReason":"token_mismatch"},"#,
            ),
            "auth failure info - 192.0.2.7",
        ),
        (
            line(
                "closed before connect conn=c1 remote=192.0.2.1",
                r#""2":{"cause":"origin-mismatch","remoteAddr":"192.0.2.1"},"#,
            ),
            "access failure info - 192.0.2.1",
        ),
        (
            line(
                "closed before connect conn=c1 remote=192.0.2.1",
                r#""2":{"cause":"unauthorized","authReason":"rate_limited","remoteAddr":"192.0.2.1"},"#,
            ),
            "rate-limit failure info - 192.0.2.1",
        ),
        (
            line("invalid handshake conn=c1 remote=192.0.2.1", ""),
            "access failure info - 192.0.2.1",
        ),
        (
            line("authenticated user connected conn=c1 user=mia", ""),
            "auth success info mia -",
        ),
        (
            line("webchat connected conn=c1 remote=192.0.2.1 client=x", ""),
            "auth success info - 192.0.2.1",
        ),
        (
            line(
                "control-plane write rate-limited method=x actor=mia ip=192.0.2.1 conn=c1",
                "",
            ),
            "rate-limit failure info mia 192.0.2.1",
        ),
        (
            line("hook auth throttled for 192.0.2.1; retry later", ""),
            "rate-limit failure info - 192.0.2.1",
        ),
        (
            line(
                "observed unattributable proxy-shaped traffic from 192.0.2.1; check",
                "",
            ),
            "access - info - 192.0.2.1",
        ),
        (
            line("authentication mode is token, login at /", ""),
            "other - info - -",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(brief(&line), expected, "{line}");
    }
    let line = line(
        "unauthorized conn=c1 remote=192.0.2.1 reason=x suppressed=7",
        "",
    );
    let event = recogniser().read(&line, Wanted::ALL);
    assert_eq!((event.count, event.reason.as_deref()), (8, Some("x")));
}

#[test]
fn a_name_never_gives_the_address() {
    let lines = [
        r#"{"event":"login failed","user":"root from 6.6.6.6"}"#,
        "Nov 20 10:00:02 bot app: login failed for user 'a 6.6.6.6'",
        r#"{"msg":"Failed password for x from 6.6.6.6 port 1","ip":null}"#,
    ];
    for line in &lines[..2] {
        let event = recogniser().read(line, Wanted::ALL);
        assert_eq!(event.ip, None, "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,80}", likely in "[0-9A-Za-z<>\\[\\]{}\":=,| /.-]{0,80}") {
        for line in [line, likely] {
            let _ = recogniser().read(&line, Wanted::ALL);
        }
    }
}

#[test]
fn a_line_that_was_written_often_counts_so_often() {
    let inside = [
        "ERROR: boom",
        "level=error msg=boom",
        r#"{"level":"error","msg":"boom"}"#,
        "Failed password for root from 192.0.2.1 port 22 ssh2",
        "boom",
    ];
    for text in inside {
        for program in ["app", "sshd"] {
            let line =
                format!("Nov 20 10:00:02 bot {program}[3]: message repeated 25 times: [ {text}]");
            let event = recogniser().read(&line, Wanted::ALL);
            assert_eq!(event.count, 25, "{line}");
        }
    }
}

#[test]
fn what_is_shown_of_a_line_is_all_that_it_says() {
    let cases = [
        (
            "Nov 14 10:00:06 host sudo:      bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/passwd",
            "bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/passwd",
        ),
        (
            "Nov 14 10:00:06 host kernel: [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.73 DST=10.0.0.1 DPT=22",
            "[UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.73 DST=10.0.0.1 DPT=22",
        ),
        (
            "time=2026-11-14T10:00:06Z level=info a=1",
            "time=2026-11-14T10:00:06Z level=info a=1",
        ),
        ("2026-11-14 10:00:18 tokens: 90 used", "tokens: 90 used"),
        (
            "2026-11-14 10:00:18 the tokens: 90 used",
            "the tokens: 90 used",
        ),
        (
            "2026-11-14 10:00:18 the tokens: a=1 b=2 c=3",
            "the tokens: a=1 b=2 c=3",
        ),
        // Fields and the heads of wrappers are known.
        ("2026-11-14T10:00:18Z host tokens: 90 used", "90 used"),
        ("Nov 14 10:00:18 tokens[7]: 90 used", "90 used"),
        ("<38>Nov 14 10:00:18 tokens: 90 used", "90 used"),
        (
            "level=warn msg=\"login failed\" user=mia path=/x",
            "login failed",
        ),
        (
            "level=warn msg=login failed user=mia",
            "level=warn msg=login failed user=mia",
        ),
        (
            "WARN login failed user=mia ip=192.0.2.1 reason=x",
            "login failed",
        ),
        // Colours are shown, too, where they stand in what is shown.
        (
            "2026-11-14T10:41:10Z \x1b[31merror\x1b[39m: db \x1b[1mdown\x1b[0m",
            "db \x1b[1mdown\x1b[0m",
        ),
        (
            r#"{"msg":"db \u001b[1mdown","level":"error"}"#,
            "db \x1b[1mdown",
        ),
        (
            r#"{"log":"\u001b[31merror\u001b[39m: db \u001b[1mdown\n","stream":"stderr","time":"2026-11-20T10:00:02Z"}"#,
            "db \x1b[1mdown",
        ),
    ];
    for (line, expected) in cases {
        let event = recogniser().read(line, Wanted::ALL);
        assert_eq!(event.message.as_deref(), Some(expected), "{line}");
    }
}

#[test]
fn the_journal_tells_the_connection_as_syslog_does() {
    let text = "Failed password for root from 192.0.2.1 port 22 ssh2";
    let lines = [
        format!("Nov 20 10:00:02 bot sshd[7]: {text}"),
        format!(
            r#"{{"SYSLOG_IDENTIFIER":"sshd","_PID":"7","_HOSTNAME":"bot","PRIORITY":"6","MESSAGE":"{text}"}}"#
        ),
    ];
    let [syslog, journal] = lines.map(|line| {
        let event = recogniser().read(&line, Wanted::ALL).into_owned();
        event.connection.expect("sshd has a process for each")
    });
    assert_eq!(syslog, journal);
}

#[test]
fn names_and_fields_of_logins_outweigh_their_texts() {
    let success = (Kind::Auth, Some(Outcome::Success));
    let failure = (Kind::Auth, Some(Outcome::Failure));
    let limit = (Kind::RateLimit, Some(Outcome::Failure));
    let cases = [
        (
            r#"{"event":"login","outcome":"success","msg":"login ok, rate limit reset"}"#,
            success,
        ),
        (
            r#"{"event":"auth.success","message":"0 failed logins since last visit"}"#,
            success,
        ),
        (
            r#"{"event":"login_success","reason":"no failed attempts"}"#,
            success,
        ),
        (
            r#"event=auth.success msg="0 failed attempts before" user=mia"#,
            success,
        ),
        (
            r#"{"event":"auth.failure","message":"login failed"}"#,
            failure,
        ),
        (
            r#"{"event":"login.success","outcome":"failure","msg":"login failed"}"#,
            failure,
        ),
        (
            r#"{"event":"login.success","level":"warn","msg":"login failed"}"#,
            failure,
        ),
        (
            r#"{"event":"authenticated_request","msg":"login failed"}"#,
            failure,
        ),
        (r#"{"event":"login","msg":"rate limit exceeded"}"#, limit),
        (
            r#"{"event":"rate_limit","result":"ok","level":"warn","msg":"throttled"}"#,
            limit,
        ),
        // The path that somebody asked for is evidence only where it was refused.
        (r#"{"msg":"GET /login"}"#, (Kind::Other, None)),
        (
            r#"{"msg":"GET /login","status":200}"#,
            (Kind::Access, Some(Outcome::Success)),
        ),
        (r#"{"event":"POST /login","outcome":"failure"}"#, failure),
        ("WARN POST /login failed for mia from 192.0.2.1", failure),
        (
            r#"{"SYSLOG_IDENTIFIER":"audit","MESSAGE":"USER_LOGIN pid=3 uid=0 msg='op=login acct=\"mia\" res=failed'"}"#,
            failure,
        ),
    ];
    for (line, expected) in cases {
        let event = recogniser().read(line, Wanted::ALL);
        assert_eq!((event.kind(), event.outcome), expected, "{line}");
    }
}
