//! The command line: every command, flag and help text, and nothing else.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Proves that a self-hosted OpenClaw is as safe as its configuration says.
#[derive(Debug, Parser)]
#[command(
    name = "openclaw-sec",
    version,
    about,
    long_about = "Proves that a self-hosted OpenClaw is as safe as its configuration says.\n\n\
        Nothing is sent anywhere but to the endpoint you name. What could not be determined is \
        reported as unknown, never as passed.",
    after_help = "Begin with:\n  \
        openclaw-sec check --env .env                          what the file declares, what this host has\n  \
        openclaw-sec check --env .env --url https://bot.example  and what the endpoint really does\n  \
        openclaw-sec keygen --env .env                         a new WEB_API_KEY, written in place\n\n\
        Exit codes: 0 nothing wrong, 1 something found, 2 usage or configuration error,\n\
        3 something could not be determined, 4 output or internal error.",
    disable_help_subcommand = true,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = false,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// When to use colour; the default looks at each stream, NO_COLOR, CLICOLOR_FORCE and TERM
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,

    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more; repeat it for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Read this configuration instead of ./openclaw-sec.toml
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Where salt, journals and ledgers are kept
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<PathBuf>,

    /// Never ask; a missing answer is an error that names the flag for it
    #[arg(long, global = true)]
    pub no_input: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

// Deferred: only the command that runs is built, which is most of what a start costs.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Make a key from the system's random generator
    Keygen(KeygenArgs),
    /// Compare a deployment with the security checklist, by evidence
    Check(Box<CheckArgs>),
    /// Replace a key in four verified steps (not built yet)
    Rotate(NotBuiltArgs),
    /// Print firewall rules that are safe to pipe into sh (not built yet)
    Firewall(NotBuiltArgs),
    /// Follow, explain and seal the audit log
    AuditTail(Box<AuditTailArgs>),
}

/// What a command that is not built yet accepts: anything.
#[derive(Debug, Args)]
pub struct NotBuiltArgs {
    /// Ignored until the command is built
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Make a key from the system's random generator.\n\n\
        With no flags it prints what `openssl rand -base64 32` prints: 44 characters and a newline. \
        No setting and no variable can influence the randomness.",
    after_help = "Examples:\n  \
        openclaw-sec keygen                               print a key\n  \
        openclaw-sec keygen --env .env                    write WEB_API_KEY into .env, print nothing\n  \
        openclaw-sec keygen --env .env --name OPENCLAW_GATEWAY_TOKEN --replace\n  \
        openclaw-sec keygen --prefix claw                 a token that secret scanners recognise\n  \
        openclaw-sec keygen --encoding hex --output key   a new file that only you can read"
)]
pub struct KeygenArgs {
    /// Random bytes in each key, 16 to 4096
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub bytes: usize,

    /// How the bytes are written; base64url is without padding, hex in lower case
    #[arg(long, value_name = "ENCODING", value_enum, default_value_t = Encoding::Base64)]
    pub encoding: Encoding,

    /// How many keys, 1 to 100000, one to a line
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: usize,

    /// Make an identifiable token: TEXT_, a base62 body, six digits of checksum
    #[arg(long, value_name = "TEXT", conflicts_with = "encoding")]
    pub prefix: Option<String>,

    /// Create this file, readable by you alone; never overwrites
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "env")]
    pub output: Option<PathBuf>,

    /// Write the key into this env file; every other byte stays as it is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Option<PathBuf>,

    /// The variable to set in the env file
    #[arg(long, value_name = "NAME", default_value = "WEB_API_KEY")]
    pub name: String,

    /// Replace a value that is already set and no placeholder
    #[arg(long)]
    pub replace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    Base64,
    Base64url,
    Hex,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Compare a deployment with the security checklist, by evidence.\n\n\
        `declared` checks read the env file and openclaw.json, `host` checks look at this machine, \
        `live` checks ask the endpoint named with --url, `code` checks read the source tree. \
        What could not be found out is unknown (exit 3), never passed.",
    after_help = "Examples:\n  \
        openclaw-sec check --env .env                             file and host\n  \
        openclaw-sec check --env .env --url https://bot.example   and the live endpoint\n  \
        openclaw-sec check --only declared --fail-on high         what CI can know\n  \
        openclaw-sec check --format json --output report.json --format human\n  \
        openclaw-sec check --explain rate-limit.lenient           what a check means\n  \
        openclaw-sec check --fix                                  mend file modes and the like\n\n\
        Accept a finding for a while in openclaw-sec.toml:\n  \
        [[waiver]]\n  id = \"logs.level\"\n  reason = \"tracing an outage\"\n  expires = 2026-12-31"
)]
pub struct CheckArgs {
    /// The env file; `-` reads stdin [default: .env]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Option<PathBuf>,

    /// The live endpoint, such as https://bot.example
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub url: Option<String>,

    /// How the bot is meant to be reached: vps, cloudflare-tunnel, cloudflare-origin, tailscale, telegram
    #[arg(long, value_name = "PROFILE", default_value = "vps")]
    pub profile: String,

    /// The source tree to search for keys [default: the git work tree that holds the env file]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub code: Option<PathBuf>,

    /// Search the git history too
    #[arg(long)]
    pub history: bool,

    /// An env file of another environment, which must not share secrets; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub compare_env: Vec<PathBuf>,

    /// Upstream's openclaw.json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub openclaw_config: Option<PathBuf>,

    /// How to print the report: human, json or markdown; may be repeated, each with its --output [default: human]
    #[arg(long, value_name = "FORMAT", help_heading = "Report")]
    pub format: Vec<String>,

    /// Where the report of the --format before it goes; `-` is stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Report")]
    pub output: Vec<PathBuf>,

    /// The mildest failure that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Medium, help_heading = "Report")]
    pub fail_on: FailOn,

    /// Accept what this earlier JSON report already shows as failed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Report")]
    pub baseline: Option<PathBuf>,

    /// Only this check, item (secrets, auth, …) or kind (declared, live, host, code); may be repeated
    #[arg(long, value_name = "ID|ITEM|KIND", help_heading = "Selection")]
    pub only: Vec<String>,

    /// Everything but this check, item or kind; may be repeated
    #[arg(long, value_name = "ID|ITEM|KIND", help_heading = "Selection")]
    pub skip: Vec<String>,

    /// Show all checks and leave
    #[arg(long, help_heading = "Selection")]
    pub list: bool,

    /// Explain one check and leave
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    pub explain: Option<String>,

    /// Mend what is safe to mend: file modes, .gitignore, missing variables (asks first)
    #[arg(long, help_heading = "Fixing")]
    pub fix: bool,

    /// Answer yes to what --fix asks
    #[arg(long, help_heading = "Fixing")]
    pub yes: bool,

    /// Allow probes that a limiter or a lock-out may notice
    #[arg(long, help_heading = "Endpoint")]
    pub active: bool,

    /// Connect here instead of to the URL's host
    #[arg(long, value_name = "HOST:PORT", help_heading = "Endpoint")]
    pub connect_to: Option<String>,

    /// Trust this root certificate as well
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath, help_heading = "Endpoint")]
    pub ca_file: Option<PathBuf>,

    /// The variable whose value the endpoint should accept [default: WEB_API_KEY, OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD]
    #[arg(long, value_name = "NAME", help_heading = "Endpoint")]
    pub key_name: Option<String>,

    /// A path that needs a key; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Endpoint")]
    pub auth_path: Vec<String>,

    /// How the key is sent: bearer, x-api-key or header=NAME
    #[arg(
        long,
        value_name = "SCHEME",
        default_value = "bearer",
        help_heading = "Endpoint"
    )]
    pub auth_scheme: String,

    /// The path for the burst of --active [default: the first protected path]
    #[arg(long, value_name = "PATH", help_heading = "Endpoint")]
    pub burst_path: Option<String>,

    /// Seconds the whole live half may take
    #[arg(
        long,
        value_name = "S",
        default_value_t = 10.0,
        help_heading = "Endpoint"
    )]
    pub timeout: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Low,
    Medium,
    High,
    Critical,
    Never,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    long_about = "Follow the audit log, explain it, find attacks in it, and prove that it was not changed.\n\n\
        JSON Lines (pino, winston, bunyan, OpenClaw's own), logfmt, syslog (RFC 5424 and 3164), CEF, web \
        access logs and plain text are recognised line by line; what is none of these is shown as it is. \
        On a terminal the last 10 events are shown and the log is followed by name; elsewhere it is read \
        to its end. OpenClaw itself does not log HTTP 401 at its info level: for those, read the access log \
        of the proxy in front of it.",
    after_help = "Examples:\n  \
        openclaw-sec audit-tail --env .env                         the log that AUDIT_LOG_PATH names\n  \
        openclaw-sec audit-tail audit.log --since 2h --kind auth --outcome failure\n  \
        openclaw-sec audit-tail audit.log --stats --since 1w\n  \
        openclaw-sec audit-tail audit.log --detect --alerts-only --fail-on-alert --no-follow\n  \
        openclaw-sec audit-tail seal audit.log                     sign what is there now\n  \
        openclaw-sec audit-tail verify audit.log                   name the first line that was changed\n\n\
        Times: RFC 3339, 2026-11-20, \"2026-11-20 10:00\", 90m, 2h, 4d, 1w, now, today, yesterday, @1794650000.\n\
        Thresholds stand in openclaw-sec.toml:\n  \
        [detectors]\n  ignore = [\"192.0.2.0/24\"]\n  [detectors.brute-force]\n  count = 8"
)]
pub struct AuditTailArgs {
    #[command(subcommand)]
    pub action: Option<AuditTailAction>,

    /// The logs; `-` is stdin [default: AUDIT_LOG_PATH of the env file, else /var/log/openclaw/audit.log, else OpenClaw's own log]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// The env file: its secrets are replaced by fingerprints, its proxies are trusted
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Option<PathBuf>,

    /// Show the last N events that pass the filters
    #[arg(
        short = 'n',
        value_name = "N",
        conflicts_with = "all",
        help_heading = "Range"
    )]
    pub lines: Option<usize>,

    /// Read the whole current file
    #[arg(long, help_heading = "Range")]
    pub all: bool,

    /// Go on with what is written from now on
    #[arg(long, conflicts_with = "no_follow", help_heading = "Range")]
    pub follow: bool,

    /// Read to the end and stop
    #[arg(long, help_heading = "Range")]
    pub no_follow: bool,

    /// From this time on, rotated files included
    #[arg(long, value_name = "T", help_heading = "Range")]
    pub since: Option<String>,

    /// Up to this time
    #[arg(long, value_name = "T", help_heading = "Range")]
    pub until: Option<String>,

    /// Only this kind: auth, rate-limit, access, error or other; may be repeated
    #[arg(long, value_name = "KIND", help_heading = "Filters")]
    pub kind: Vec<String>,

    /// Only this outcome: success or failure
    #[arg(long, value_name = "OUTCOME", help_heading = "Filters")]
    pub outcome: Vec<String>,

    /// Only this user, exactly; may be repeated
    #[arg(long, value_name = "U", help_heading = "Filters")]
    pub user: Vec<String>,

    /// Only this address or network; may be repeated
    #[arg(long, value_name = "CIDR", help_heading = "Filters")]
    pub ip: Vec<String>,

    /// This level or worse: trace, debug, info, warn, error, fatal
    #[arg(long, value_name = "L", help_heading = "Filters")]
    pub level: Option<String>,

    /// Only lines that match this regular expression
    #[arg(long, value_name = "REGEX", help_heading = "Filters")]
    pub grep: Option<String>,

    /// How events are printed: human, json, ocsf or raw
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        help_heading = "Output"
    )]
    pub format: String,

    /// Count instead of showing events
    #[arg(long, help_heading = "Output")]
    pub stats: bool,

    /// Rows in each table of --stats
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output")]
    pub top: usize,

    /// Show times in UTC
    #[arg(long, conflicts_with = "timezone", help_heading = "Output")]
    pub utc: bool,

    /// Show times in this zone, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "TZ", help_heading = "Output")]
    pub timezone: Option<String>,

    /// Look for attacks
    #[arg(long, help_heading = "Alerts")]
    pub detect: bool,

    /// Show alerts and no events (implies --detect)
    #[arg(long, help_heading = "Alerts")]
    pub alerts_only: bool,

    /// End with 1 when there was an alert (implies --detect)
    #[arg(long, help_heading = "Alerts")]
    pub fail_on_alert: bool,

    /// Run this for each alert, with its JSON on stdin; no shell is used (implies --detect)
    #[arg(long, value_name = "CMD", help_heading = "Alerts")]
    pub alert_exec: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum AuditTailAction {
    /// Sign what the log holds now, in FILE.seal
    #[command(long_about = "Sign what the log holds now, in FILE.seal.\n\n\
            The key lies in the state folder: root can rewrite log and seal alike. What protects is the printed \
            head, kept elsewhere: mail it, or write it to another machine.")]
    Seal(SealArgs),
    /// Prove that the sealed part of the log is unchanged, or name the first changed line
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub struct SealArgs {
    /// The log
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The log
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// How the verdict is printed: human or json
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: String,
}
