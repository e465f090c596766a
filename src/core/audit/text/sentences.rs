//! The sentences in which servers tell of logins: one table, and the search through it.

use std::net::IpAddr;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::{Captures, Regex};

use super::{Sentence, repeated};
use crate::audit::address::address;

/// A longer text is no sentence, in bytes.
const LONGEST: usize = 8 << 10;

/// A sentence and what it means.
///
/// `user` and `ip` are named groups. A user may be called `root from 6.6.6.6 port 22`, so that a
/// sentence is read from its fixed ends; where no end is fixed and a second address stands in a place
/// of the same form, nobody is blamed.
struct Pattern {
    /// A text that stands in every such sentence.
    mark: &'static str,
    sentence: &'static str,
    /// What it says about the attempt, where the sentence decides that.
    says: Option<bool>,
    /// Whether the line only accompanies an attempt that has a line of its own.
    is_companion: bool,
    /// Whether no name can reach the place where the address stands.
    is_fixed: bool,
}

/// A refusal.
const fn no(mark: &'static str, sentence: &'static str) -> Pattern {
    Pattern {
        mark,
        sentence,
        says: Some(false),
        is_companion: false,
        is_fixed: false,
    }
}

/// A login.
const fn yes(mark: &'static str, sentence: &'static str) -> Pattern {
    Pattern {
        says: Some(true),
        ..no(mark, sentence)
    }
}

/// A sentence whose words say how it ended.
const fn either(mark: &'static str, sentence: &'static str) -> Pattern {
    Pattern {
        says: None,
        ..no(mark, sentence)
    }
}

/// The address stands where no name reaches.
const fn fixed(pattern: Pattern) -> Pattern {
    Pattern {
        is_fixed: true,
        ..pattern
    }
}

const fn companion(pattern: Pattern) -> Pattern {
    Pattern {
        is_companion: true,
        is_fixed: true,
        ..pattern
    }
}

/// Sentences by product; the first that fits counts.
#[rustfmt::skip]
const PATTERNS: &[Pattern] = &[
    // OpenSSH (auth.c, packet.c) and the PAM modules it calls.
    fixed(no("Failed ", r"^Failed [\w/-]+ for (?:invalid user )?(?P<user>.*) from (?P<ip>\S+) port \d+(?: ssh2)?(?:: [A-Z0-9-]+ SHA256:\S+)?$")),
    fixed(yes("Accepted ", r"^Accepted [\w/-]+ for (?P<user>.*) from (?P<ip>\S+) port \d+(?: ssh2)?(?:: [A-Z0-9-]+ [\w:+/=-]+(?: ID .*)?)?$")),
    companion(no("nvalid user ", r"^Invalid user (?P<user>.*) from (?P<ip>\S+?)(?: port \d+)?$")),
    companion(no("invalid user ", r"^input_userauth_request: invalid user (?P<user>.*) \[preauth\]$")),
    companion(no("llegal user ", r"^Illegal user (?P<user>.*) from (?P<ip>\S+?)(?: port \d+)?$")),
    companion(no("[preauth]", r"^(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user (?P<user>.*) (?P<ip>\S+) port \d+ \[preauth\]$")),
    companion(no("Too many authentication failures", r"^Disconnecting (?:authenticating|invalid) user (?P<user>.*) (?P<ip>\S+) port \d+: Too many authentication failures(?: \[preauth\])?$")),
    companion(no("Too many authentication failures", r"^Received disconnect from (?P<ip>\S+) port \d+:\d+: Too many authentication failures(?: for (?P<user>.*?))?(?: \[preauth\])?$")),
    companion(no("aximum authentication attempts", r"^(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(?P<user>.*) from (?P<ip>\S+) port \d+ ssh2(?: \[preauth\])?$")),
    companion(no("PAM: ", r"^(?:error: )?PAM: .*(?:failure|error|[Uu]nknown user).* for (?:illegal user |invalid user )?(?P<user>.*) from (?P<ip>\S+)(?: via \S+)?$")),
    companion(no("; logname=", r"^(?:pam_\w+\([\w:-]+\): )?(?:PAM \d+ more )?authentication failures?; logname=\S* uid=\d+ euid=\d+ tty=\S* ruser=\S* rhost=(?P<ip>\S*)(?: +user=(?P<user>.*))?$")),
    companion(no(" not allowed because ", r"^User (?P<user>.*) from (?P<ip>\S+) not allowed because .*$")),
    // su (shadow, util-linux).
    no("FAILED SU ", r"^FAILED SU \(to [^)]*\) (?P<user>.*?)(?: on \S+)?$"),
    // Dropbear (svr-authpasswd.c, svr-authpam.c, svr-auth.c).
    fixed(no("password attempt for '", r"^Bad (?:PAM )?password attempt for '(?P<user>.*)' from (?P<ip>\S+)$")),
    fixed(no("nonexistent user", r"^Login attempt for nonexistent user(?: '(?P<user>.*)')? from (?P<ip>\S+)$")),
    // Apache (mod_auth_basic, mod_auth_digest): its own field names the client.
    no(": authentication failure for \"", r#"^(?:AH\d+: )?user (?P<user>.*): authentication failure for ".*": .*$"#),
    no(" not found: ", r"^(?:AH\d+: )?user [`']?(?P<user>.*?)'?(?: in realm .*)? not found: \S*$"),
    // lighttpd (mod_auth).
    fixed(no("password doesn't match", r"password doesn't match for \S+ username: (?P<user>.*),? IP: (?P<ip>\S+)$")),
    fixed(no("get_password failed", r"get_password failed,? (?:for )?.*IP: (?P<ip>\S+)$")),
    // Mail: Postfix, Dovecot, Exim, Courier, Cyrus, Roundcube, Zimbra.
    fixed(no("SASL ", r"^(?:warning: )?\S*\[(?P<ip>[^\]]+)\]: SASL [\w-]+ authentication failed: .*?(?:, sasl_username=(?P<user>.*))?$")),
    no("): ", r"^auth(?:-worker)?(?:\(\d+\))?: (?:\w+: )?(?:conn \S+ \([^)]*\): auth-worker<\d+>: )?[\w-]+\((?P<user>.*),(?P<ip>[0-9A-Fa-f.:]+)(?:,<[^>]*>)?\): (?:unknown user|.*(?:[Pp]assword mismatch|[Aa]uthentication failure)).*$"),
    // The name of a user ends where the last such words begin; what follows them is the server's.
    fixed(no("auth failed, ", r"-login: (?:\w+: )?[A-Z].*auth failed, \d+ attempts.*: user=<(?P<user>.*)>, (?:method=\S+, )?rip=(?P<ip>[^,]+), lip=")),
    fixed(yes("-login: ", r"-login: (?:\w+: )?Login: user=<(?P<user>.*)>, (?:method=\S+, )?rip=(?P<ip>[^,]+), lip=")),
    no("535 Incorrect", r"authenticator failed for .*\[(?P<ip>[^\]]+)\](?::\d+)?(?: I=\S+)?: 535 Incorrect authentication data(?: \(set_id=(?P<user>.*)\))?$"),
    no("LOGIN FAILED, ", r"^LOGIN FAILED, (?:user=(?P<user>.*), |method=\S+, )ip=\[(?P<ip>[^\]]+)\]"),
    fixed(no("badlogin: ", r"^badlogin: \S* ?\[(?P<ip>[^\]]+)\] [\w-]+ (?:\[?(?P<user>.*?)\]? )?SASL\(-\d+\)")),
    no("ailed login for ", r"^(?:<\w+> )?Failed login for (?P<user>.*) from (?P<ip>\S+) in session"),
    no("IMAP Error: ", r"IMAP Error: Login failed for (?P<user>.*) from (?P<ip>[0-9A-Fa-f.:]+?)(?:\(X-[^)]*\))?\. "),
    fixed(no("authentication failed for [", r"[\[;]oip=(?P<ip>[^;]+);.*authentication failed for \[(?P<user>.*)\]")),
    // File servers: vsftpd, ProFTPD, Pure-FTPd, Samba.
    fixed(no("] FAIL LOGIN: ", r#"^\[pid \d+\] \[(?P<user>.*)\] FAIL LOGIN: Client "(?P<ip>[^"]+)"$"#)),
    fixed(yes("] OK LOGIN: ", r#"^\[pid \d+\] \[(?P<user>.*)\] OK LOGIN: Client "(?P<ip>[^"]+)""#)),
    fixed(no("USER ", r"\([^()\[\]]*\[(?P<ip>[^\]]+)\]\)(?: -|:) USER (?P<user>.*)(?: \(Login failed\)|: no such user found from )")),
    fixed(yes(": Login successful", r"\([^()\[\]]*\[(?P<ip>[^\]]+)\]\)(?: -|:) USER (?P<user>.*): Login successful")),
    fixed(no("Authentication failed for user [", r"^\([^@)]*@(?P<ip>[^)]+)\) \[WARNING\] Authentication failed for user \[(?P<user>.*)\]$")),
    fixed(yes(" is now logged in", r"^\([^@)]*@(?P<ip>[^)]+)\) \[INFO\] (?P<user>.*) is now logged in$")),
    fixed(no("NT_STATUS_", r"^Auth: \[[^\]]*\] user \[[^\]]*\]\\\[(?P<user>[^\]]*)\] at \[[^\]]*\] with \[[^\]]*\] status \[NT_STATUS_(?:NO_SUCH_USER|WRONG_PASSWORD|LOGON_FAILURE|ACCOUNT_\w+)\] workstation \[[^\]]*\] remote host \[ipv[46]:(?P<ip>[^\]]+):\d+\]")),
    // Databases: MySQL and MariaDB, PostgreSQL, CouchDB.
    no("Access denied for user '", r"Access denied for user '(?P<user>.*)'@'(?P<ip>[^']+)' \(using password: (?:YES|NO)\)"),
    no("no pg_hba.conf entry", r#"no pg_hba\.conf entry for (?:replication connection from )?host "(?P<ip>[^"]+)", user "(?P<user>.*?)""#),
    fixed(no(" 401 ok ", r"^\S+ <\S+> \w+ \S+ (?P<ip>\S+) (?:undefined|(?P<user>\S+)) [A-Z]+ .* 401 ok \d+$")),
    // Clouds and forges: Nextcloud, Gitea and Forgejo, GitLab, Vaultwarden, Odoo, WordPress, Drupal.
    no("Login failed: ", r"Login failed: (?P<user>.*) \(Remote IP: (?P<ip>[^)]+)\)$"),
    no("Failed authentication attempt for ", r"Failed authentication attempt for (?P<user>.*?) from (?P<ip>\S+): "),
    no("Failed Login: ", r"^Failed Login: username=(?P<user>.*) ip=(?P<ip>\S+)$"),
    fixed(no(" is incorrect. Try again. IP: ", r"Username or password is incorrect\. Try again\. IP: (?P<ip>\S+?)\. Username: (?P<user>.*?)\.?$")),
    fixed(no(" IP: ", r"(?:Invalid admin token\.|Invalid TOTP code!.*|Token is invalid!|Invalid recovery code.*) IP: (?P<ip>\S+?)\.?$")),
    fixed(no("Login failed for db:", r"Login failed for db:\S+ login:(?P<user>.*) from (?P<ip>\S+)$")),
    fixed(no("Authentication ", r"^(?:XML-RPC a|Blocked a|A)uthentication (?:failure for|attempt for unknown user|attempt for) (?P<user>.*) from (?P<ip>\S+)$")),
    fixed(no("Login attempt failed", r"^[^|]*\|\d+\|user\|(?P<ip>[^|]+)\|.*\|Login attempt failed (?:for|from) (?P<user>.*?)\.?$")),
    // Doors: Authelia, Guacamole, LemonLDAP::NG, CAS, Proxmox, OPNsense, pfSense, Webmin, cPanel, phpMyAdmin.
    either("authentication attempt", r"^(?:Uns|S)uccessful \w+ authentication attempt (?:made )?by user '(?P<user>.*?)'(?:: .*)?$"),
    fixed(no("Authentication attempt from ", r#"Authentication attempt from \[?(?P<ip>[^,\]\s]+)(?:, [^\]]*)?\]? for user "(?P<user>.*)" failed"#)),
    fixed(no("Bad password for ", r"Bad password for (?P<user>.*) \((?P<ip>[^)]+)\)$")),
    fixed(no(" was not found in LDAP directory", r"(?P<user>\S+) was not found in LDAP directory \((?P<ip>[^)]+)\)$")),
    fixed(no("|AUTHENTICATION_FAILED|", r"\|AUTHENTICATION_FAILED\|(?P<user>[^|]*)\|(?P<ip>[^|]+)\|[^|]*$")),
    fixed(no("authentication failure; rhost=", r"^authentication failure; rhost=(?P<ip>\S+) user=(?P<user>.*) msg=.*$")),
    yes("successful auth for user '", r"successful auth for user '(?P<user>.*)'$"),
    fixed(no("authentication error for ", r"(?:Web GUI|webConfigurator) authentication error for (?:user )?'?(?P<user>.*?)'? from:? (?P<ip>\S+)$")),
    fixed(no(" login as ", r"^(?:Invalid|Failed|Non-existent|Unauthorized) login as (?P<user>.*) from (?P<ip>\S+)$")),
    no(" FAILED LOGIN ", r#"\[\w+\] (?P<ip>\S+) - (?P<user>.*?) "[A-Z]+ .*" FAILED LOGIN \w+: "#),
    fixed(no("user denied: ", r"^user denied: (?P<user>.*) \([\w-]+\) from (?P<ip>\S+)$")),
    // Media and home: Jellyfin, Prowlarr and its kin, Audiobookshelf, AdGuard Home, Paperless, Uptime Kuma.
    no(" has been denied (IP: ", r#"Authentication request for "?(?P<user>.*?)"? has been denied \(IP: "?(?P<ip>[^")]+)"?\)"#),
    yes(" has succeeded", r#"Authentication request for "?(?P<user>.*?)"? has succeeded"#),
    fixed(no("Auth-Failure ip ", r"Auth-Failure ip (?P<ip>\S+) username '?(?P<user>.*?)'?$")),
    fixed(yes("Auth-Success ip ", r"Auth-Success ip (?P<ip>\S+) username '?(?P<user>.*?)'?$")),
    yes("logged in from ", r#"[Uu]ser "(?P<user>.*)" (?:successfully )?logged in from (?:ip )?(?P<ip>\S+)$"#),
    fixed(no("Login failed for user `", r"Login failed for user `(?P<user>.*)` from (?:private )?IP `(?P<ip>[^`]+?)\.?`\.?$")),
    fixed(no(" for user ", r"(?:Incorrect|Invalid) .* for user (?P<user>.*)\. IP=(?P<ip>\S+)$")),
    // Networks and telephones: MikroTik, Cisco ASA, Asterisk, FreeSWITCH, Mosquitto.
    fixed(no("login failure for user ", r"login failure for user (?P<user>.*) from (?P<ip>\S+) via [\w-]+$")),
    fixed(no(" : user IP = ", r"authentication Rejected .* : user = (?P<user>.*) : user IP = (?P<ip>\S+)$")),
    no("SecurityEvent=\"", r#"SecurityEvent="(?:InvalidPassword|InvalidAccountID|ChallengeResponseFailed|FailedACL)",.*AccountID="(?P<user>[^"]*)",.*RemoteAddress="IPV[46]/\w+/(?P<ip>[^/"]+)/\d+""#),
    fixed(no("Registration from '", r#"Registration from '(?:"(?P<user>[^"]*)" )?<?(?P<user2>.*?)>?' failed for '(?P<ip>[^']+)' - "#)),
    fixed(no("SIP auth failure", r"SIP auth failure \(\w+\) on sofia profile '\S+' for \[(?P<user>.*)\] from ip (?P<ip>\S+)$")),
    fixed(no("disconnected: not authori", r"^Client .* \[(?P<ip>[^\]]+)\] disconnected: not authori[sz]ed\.?$")),
    fixed(no(" and returned 401 ", r"(?P<ip>\S+) [A-Z]+ \S+ took \d+ms and returned 401 ")),
    // Whoever says it in these words, and in no others before them: what stands behind signs may be quoted.
    either(" from ", r#"^(?i-u:(?:\[[\w-]+\] )?(?:[a-z-]+ ){0,4}?(?:login|logon|sign[ -]?in|auth|authentication|password|credentials)\b)[^"'`<>|]*? for (?:(?:unknown|invalid) )?(?:user(?:name)? )?(?:"(?P<user>[^"]*)"|'(?P<user2>[^']*)'|`(?P<user3>[^`]*)`|(?P<user4>[^\s"'`]+)) from (?i-u:(?:private )?ip(?: address)?:? )?["'`\[(]?(?P<ip>[0-9A-Fa-f.:]+\b)"#),
];

/// Whether a text holds the mark of a sentence: most do not.
pub fn may_be_sentence(text: &str) -> bool {
    text.len() <= LONGEST && table().is_some_and(|table| table.marks.is_match(text))
}

/// Whether a text begins as sentences do that loggers with fields of their own write.
pub fn begins_like_sentence(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    let beginnings: &[&str] = match first {
        b'A' => &["AH0", "Accepted ", "Access denied", "Authentication "],
        b'B' => &["Bad "],
        b'C' => &["Connection "],
        b'D' => &["Disconnect"],
        b'F' => &["Failed ", "FAILED SU "],
        b'I' => &["Illegal user", "Invalid user"],
        b'L' => &["Login failed"],
        b'P' => &["PAM: "],
        b'S' => &["Successful "],
        b'U' => &["Unsuccessful ", "User "],
        b'[' => &["[Auth] ", "[LocalAuth] "],
        b'a' => &["authentication failure"],
        b'e' => &["error: "],
        b'm' => &["maximum auth", "message repeated"],
        b'p' => &["pam_"],
        b'u' => &["user "],
        _ => return false,
    };
    beginnings.iter().any(|start| text.starts_with(start))
}

/// What a known sentence says.
pub fn sentence(text: &str) -> Option<Sentence<'_>> {
    let text = text.trim_end();
    if let Some((count, inside)) = repeated(text) {
        let mut found = sentence(inside)?;
        found.count = found.count.max(1) * count;
        return Some(found);
    }
    if text.len() > LONGEST {
        return None;
    }
    let table = table()?;
    let mut likely = [false; PATTERNS.len()];
    let mut any = false;
    for found in table.marks.find_overlapping_iter(text) {
        likely[found.pattern().as_usize()] = true;
        any = true;
    }
    if !any {
        return None;
    }
    PATTERNS
        .iter()
        .enumerate()
        .filter(|(position, _)| likely[*position])
        .find_map(|(position, pattern)| Some(said(&table.captures(position, text)?, pattern, text)))
}

fn said<'l>(captures: &Captures<'l>, pattern: &Pattern, text: &str) -> Sentence<'l> {
    let ip = captures.name("ip").and_then(|found| {
        let ip = address(found.as_str())?;
        (pattern.is_fixed || !names_another(text, found.start(), ip)).then_some(ip)
    });
    let user = ["user", "user2", "user3", "user4"]
        .iter()
        .find_map(|name| captures.name(name))
        .map(|found| found.as_str().trim())
        .filter(|user| !user.is_empty());
    Sentence {
        user,
        ip,
        success: pattern.says,
        count: 1,
        is_companion: pattern.is_companion,
    }
}

/// Whether another address stands behind the same mark as the one at `start`.
fn names_another(text: &str, start: usize, ip: IpAddr) -> bool {
    let before = text[..start].trim_end_matches(' ');
    let mark = before
        .rfind([' ', ',', ';', '|', '('])
        .map_or(&text[..start], |at| &text[at..start]);
    text.match_indices(mark)
        .filter(|_| !mark.is_empty())
        .any(|(at, _)| {
            let rest = &text[at + mark.len()..];
            let end = rest
                .find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')))
                .unwrap_or(rest.len());
            let word = rest[..end].trim_end_matches(['.', ':']);
            address(word).is_some_and(|other| other != ip)
        })
}

struct Table {
    marks: AhoCorasick,
    /// Compiled when a mark is met for the first time: most logs need a few.
    compiled: [OnceLock<Option<Regex>>; PATTERNS.len()],
}

impl Table {
    fn captures<'l>(&self, position: usize, text: &'l str) -> Option<Captures<'l>> {
        let regex = self.compiled[position].get_or_init(|| {
            let sentence = format!("(?s){}", PATTERNS[position].sentence);
            Regex::new(&sentence).ok()
        });
        regex.as_ref()?.captures(text)
    }
}

fn table() -> Option<&'static Table> {
    static TABLE: OnceLock<Option<Table>> = OnceLock::new();
    TABLE
        .get_or_init(|| {
            Some(Table {
                marks: AhoCorasick::new(PATTERNS.iter().map(|pattern| pattern.mark)).ok()?,
                compiled: [const { OnceLock::new() }; PATTERNS.len()],
            })
        })
        .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_holds_its_mark() {
        for pattern in PATTERNS {
            assert!(Regex::new(pattern.sentence).is_ok(), "{}", pattern.sentence);
            let plain = pattern.sentence.replace('\\', "");
            let mark = pattern.mark.trim();
            assert!(
                plain.contains(mark)
                    || mark == "):"
                    || plain.contains(&mark[1..])
                    || mark == "NT_STATUS_",
                "{mark} is not in {plain}"
            );
        }
    }

    #[test]
    fn two_addresses_of_the_same_form_blame_nobody() {
        let cases = [
            (
                "Failed authentication attempt for x from 6.6.6.6:1: y from 192.0.2.1:39522: user does not exist [uid: 0, name: x from 6.6.6.6:1: y, keyid: 0]",
                None,
            ),
            (
                "dovecot_login authenticator failed for (x [6.6.6.6]:1: 535 Incorrect) [192.0.2.1]:55379: 535 Incorrect authentication data",
                None,
            ),
            (
                "login failed for user \"x\" from 6.6.6.6 and more\" from 192.0.2.1",
                None,
            ),
            (
                "login failed for user \"x from 6.6.6.6\" from 192.0.2.1",
                None,
            ),
            (
                "login failed for user \"x\" from 192.0.2.1",
                Some("192.0.2.1"),
            ),
            (
                "Bad password attempt for 'x' from 6.6.6.6:1' from 192.0.2.1:49242",
                Some("192.0.2.1"),
            ),
            (
                "[pid 7] [x] FAIL LOGIN: Client \"6.6.6.6\"] FAIL LOGIN: Client \"192.0.2.1\"",
                Some("192.0.2.1"),
            ),
        ];
        for (text, expected) in cases {
            let found = sentence(text).and_then(|found| found.ip);
            assert_eq!(
                found.map(|ip| ip.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
        // Quoted, it is a name and no address.
        assert_eq!(sentence("login failed for user 'a from 6.6.6.6'"), None);
    }
}
