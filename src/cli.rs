//! The command line: every command, flag and help text, and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Proves that a self-hosted OpenClaw is as safe as its configuration says.
#[derive(Debug, Parser)]
#[command(
    name = "openclaw-sec",
    version,
    about,
    long_about = "Proves that a self-hosted OpenClaw is as safe as its configuration says.\n\n\
        `check` sends nothing but to the endpoint you name; `rotate` asks the key's provider. What \
        could not be determined is reported as unknown, never as passed.",
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

// Not clap's `global`: it copies every flag into every command, which costs a short run a third of
// its time. Each command flattens this struct instead, and `Global::join` joins the two.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM
    #[arg(long, value_name = "WHEN", value_enum)]
    pub color: Option<ColorChoice>,

    /// Say only what went wrong
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more; repeat it for still more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Read this configuration instead of ./openclaw-sec.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Where salt, journals and ledgers are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<PathBuf>,

    /// Never ask; a missing answer is an error that names the flag for it
    #[arg(long)]
    pub no_input: bool,
}

impl Command {
    /// Takes out the global flags that stand behind the command's name.
    pub fn take_global(&mut self) -> Global {
        std::mem::take(match self {
            Self::Keygen(arguments) => &mut arguments.global,
            Self::Check(arguments) => &mut arguments.global,
            Self::Firewall(arguments) => return arguments.take_global(),
            Self::Rotate(arguments) => return arguments.take_global(),
            Self::AuditTail(arguments) => return arguments.take_global(),
        })
    }
}

impl Global {
    /// Flags may stand before the command's name and behind it; what stands behind counts more.
    pub fn join(self, behind: Self) -> Self {
        Self {
            color: behind.color.or(self.color),
            quiet: self.quiet || behind.quiet,
            verbose: self.verbose.saturating_add(behind.verbose),
            config: behind.config.or(self.config),
            state_dir: behind.state_dir.or(self.state_dir),
            no_input: self.no_input || behind.no_input,
        }
    }
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
    /// Replace a provider's key in four verified steps
    Rotate(Box<RotateArgs>),
    /// Print firewall rules that are safe to pipe into sh
    Firewall(Box<FirewallArgs>),
    /// Follow, explain and seal the audit log
    AuditTail(Box<AuditTailArgs>),
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
    #[command(flatten)]
    pub global: Global,

    /// Random bytes in each key, 16 to 4096
    #[arg(
        long,
        value_parser = whole_number,
        allow_negative_numbers = true,
        value_name = "N",
        default_value_t = 32
    )]
    pub bytes: usize,

    /// How the bytes are written; base64url is without padding, hex in lower case
    #[arg(long, value_name = "ENCODING", value_enum, default_value_t = Encoding::Base64)]
    pub encoding: Encoding,

    /// How many keys, 1 to 100000, one to a line
    #[arg(
        long,
        value_parser = whole_number,
        allow_negative_numbers = true,
        value_name = "N",
        default_value_t = 1
    )]
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
        openclaw-sec check --only code --code . --history         no key in the tree, none in git\n  \
        openclaw-sec check --only code --staged                   in .git/hooks/pre-commit\n  \
        openclaw-sec check --explain rate-limit.lenient           what a check means\n  \
        openclaw-sec check --fix                                  mend file modes and the like\n  \
        openclaw-sec check --targets fleet.toml                   many deployments, one report\n  \
        openclaw-sec check --merge reports --expect names.txt --max-age 36h\n\n\
        A list of deployments for --targets:\n  \
        [[target]]\n  name = \"support\"\n  env = \"bots/support.env\"\n  url = \"https://support.example\"\n\n\
        Accept a finding for a while in openclaw-sec.toml:\n  \
        [[waiver]]\n  id = \"logs.level\"\n  reason = \"tracing an outage\"\n  expires = 2026-12-31 # a date of yours\n\n\
        Accept a key in code, in a comment on its line:\n  \
        openclaw-sec:allow RULE until DATE because it is revoked\n\n\
        Both dates lie at most 180 days ahead."
)]
pub struct CheckArgs {
    #[command(flatten)]
    pub global: Global,

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

    /// Search everything that a ref of the repository reaches, too
    #[arg(long)]
    pub history: bool,

    /// Search the history and what nothing points to any more, until git clears it away
    #[arg(long)]
    pub unreachable: bool,

    /// Search what the next commit would bring instead of the tree: for a pre-commit hook
    #[arg(long)]
    pub staged: bool,

    /// More rules, in the form of gitleaks' TOML; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub rules: Vec<PathBuf>,

    /// An env file of another environment, which must not share secrets; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub compare_env: Vec<PathBuf>,

    /// Upstream's openclaw.json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub openclaw_config: Option<PathBuf>,

    /// How to print the report; may be repeated, each with its --output [default: human]
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = ["human", "json", "sarif", "junit", "github", "gitlab", "markdown", "html", "prometheus", "ocsf"],
        help_heading = "Report"
    )]
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

    /// Ask the deployments of this list, each a [[target]] with name, env, url and profile
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Fleet",
        conflicts_with_all = ["merge", "env", "url", "staged", "baseline", "fix"]
    )]
    pub targets: Option<PathBuf>,

    /// How many deployments are asked at the same time, 1 to 256
    #[arg(
        long,
        value_name = "N",
        default_value_t = 16,
        value_parser = clap::value_parser!(u16).range(1..=256),
        help_heading = "Fleet",
        requires = "targets"
    )]
    pub jobs: u16,

    /// Join JSON reports that were written elsewhere: files, or folders of *.json; may be repeated
    #[arg(
        long,
        value_name = "PATH",
        num_args = 1..,
        value_hint = ValueHint::AnyPath,
        help_heading = "Fleet",
        conflicts_with_all = [
            "env", "url", "profile", "code", "history", "unreachable", "staged", "rules", "compare_env",
            "openclaw_config", "baseline", "only", "skip", "fix", "yes", "active", "connect_to",
            "ca_file", "key_name", "auth_path", "auth_scheme", "burst_path", "timeout"
        ]
    )]
    pub merge: Vec<PathBuf>,

    /// The names that --merge must find, one per line; one without a report is unknown
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Fleet", requires = "merge")]
    pub expect: Option<PathBuf>,

    /// For --merge: an older report counts as unknown; such as 36h, 4d or 90m
    #[arg(long, value_name = "AGE", help_heading = "Fleet", requires = "merge")]
    pub max_age: Option<String>,

    /// Show the chosen checks, all by default, and leave
    #[arg(long, help_heading = "Selection")]
    pub list: bool,

    /// Explain one check and leave
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    pub explain: Option<String>,

    /// Mend what is safe to mend: file modes and owner, .gitignore, missing variables (asks first)
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
        value_parser = seconds,
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

// Every flag is global, so that `rotate resume --new-key-file F` and the like work in any order.
#[derive(Debug, Args)]
#[command(
    long_about = "Replace a provider's key in four verified steps.\n\n\
        1 a new key is made in the provider's console (or by its admin API) and proven, \
        2 one value of the env file changes, 3 OpenClaw restarts, 4 the old key is revoked and proven dead. \
        A failed restart brings the old key back. Killed at any point, `rotate resume` finishes and \
        `rotate abort` takes back.",
    after_help = "Examples:\n  \
        openclaw-sec rotate --name ANTHROPIC_API_KEY --restart-unit openclaw   guided, at a terminal\n  \
        openclaw-sec rotate --name OPENAI_API_KEY --new-key-file key.txt \\\n    \
        --restart-compose bot --health http://127.0.0.1:18789/readyz --no-input\n  \
        openclaw-sec rotate --name OPENROUTER_API_KEY --admin-key-env ADMIN --revoke auto\n  \
        openclaw-sec rotate resume                        go on after a wait or a crash\n  \
        openclaw-sec rotate due --max-age 90              which keys have come of age\n\n\
        Exit codes: 0 done, 1 failed or rolled back, 2 refused and nothing changed,\n\
        3 waiting for a person or an answer, 4 a file could not be written."
)]
pub struct RotateArgs {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub action: Option<RotateAction>,

    /// The variable whose key is replaced
    #[arg(long, global = true, value_name = "NAME")]
    pub name: Option<String>,

    /// The provider, where the variable does not tell; see `rotate providers`
    #[arg(long, global = true, value_name = "ID")]
    pub provider: Option<String>,

    /// The env file
    #[arg(long, global = true, value_name = "FILE", default_value = ".env", value_hint = ValueHint::FilePath)]
    pub env: PathBuf,

    /// Read the new key from this file; `-` is stdin
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with = "new_key_env"
    )]
    pub new_key_file: Option<PathBuf>,

    /// Read the new key from this environment variable
    #[arg(long, global = true, value_name = "VAR")]
    pub new_key_env: Option<String>,

    /// Restart OpenClaw by this command; it is run without a shell
    #[arg(
        long,
        global = true,
        value_name = "CMD",
        help_heading = "Restart",
        conflicts_with_all = ["restart_unit", "user", "restart_compose", "compose_file", "no_restart"]
    )]
    pub restart: Option<String>,

    /// Restart this systemd unit
    #[arg(
        long,
        global = true,
        value_name = "UNIT",
        help_heading = "Restart",
        conflicts_with_all = ["restart_compose", "compose_file", "no_restart"]
    )]
    pub restart_unit: Option<String>,

    /// The unit belongs to the user's own systemd
    #[arg(
        long,
        global = true,
        help_heading = "Restart",
        conflicts_with_all = ["restart_compose", "compose_file", "no_restart"]
    )]
    pub user: bool,

    /// Make this docker compose service anew
    #[arg(
        long,
        global = true,
        value_name = "SERVICE",
        help_heading = "Restart",
        conflicts_with = "no_restart"
    )]
    pub restart_compose: Option<String>,

    /// The compose file of that service
    #[arg(long, global = true, value_name = "F", value_hint = ValueHint::FilePath, help_heading = "Restart", conflicts_with = "no_restart")]
    pub compose_file: Option<PathBuf>,

    /// Somebody else restarts OpenClaw
    #[arg(long, global = true, help_heading = "Restart")]
    pub no_restart: bool,

    /// With resume: OpenClaw was restarted by hand since the env file was changed
    #[arg(long, global = true, help_heading = "Restart")]
    pub restarted: bool,

    /// Wait until this address answers with 2xx
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Restart")]
    pub health: Option<String>,

    /// Seconds to wait for --health [default: 120]
    #[arg(
        long,
        allow_negative_numbers = true,
        global = true,
        value_name = "S",
        value_parser = seconds,
        help_heading = "Restart"
    )]
    pub health_timeout: Option<f64>,

    /// Who revokes the old key: the provider's API, or you in its console [default: manual]
    #[arg(
        long,
        global = true,
        value_name = "WHO",
        value_enum,
        help_heading = "Provider"
    )]
    pub revoke: Option<RevokeChoice>,

    /// The environment variable with the provider's admin key
    #[arg(long, global = true, value_name = "VAR", help_heading = "Provider")]
    pub admin_key_env: Option<String>,

    /// Send the provider's requests here: https, or http to this machine
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Provider")]
    pub provider_url: Option<String>,

    /// Check everything that can be checked, change nothing
    #[arg(long, global = true)]
    pub dry_run: bool,

    /// Agree to what is asked; what you do by hand is still waited for. With resume it also says that an
    /// old key is revoked about which nobody can be asked
    #[arg(long, global = true)]
    pub yes: bool,

    /// How the final state is printed
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = RotateFormat::Human)]
    pub format: RotateFormat,
}

impl RotateArgs {
    /// Global flags may stand before the action's name and behind it.
    fn take_global(&mut self) -> Global {
        let behind = self.action.as_mut().map(|action| {
            std::mem::take(match action {
                RotateAction::Status(arguments)
                | RotateAction::Resume(arguments)
                | RotateAction::Abort(arguments)
                | RotateAction::Providers(arguments) => &mut arguments.global,
                RotateAction::Due(arguments) => &mut arguments.global,
                RotateAction::Schedule(arguments) => &mut arguments.global,
            })
        });
        std::mem::take(&mut self.global).join(behind.unwrap_or_default())
    }
}

#[derive(Debug, Subcommand)]
pub enum RotateAction {
    /// Say what is unfinished
    Status(RotateActionArgs),
    /// Finish what a wait or a crash left
    Resume(RotateActionArgs),
    /// Put the old key back
    Abort(RotateActionArgs),
    /// Say which keys have come of age
    Due(RotateDueArgs),
    /// List the providers and what is known about them
    Providers(RotateActionArgs),
    /// Print a systemd timer and a cron line that remind
    Schedule(RotateScheduleArgs),
}

#[derive(Debug, Args)]
pub struct RotateActionArgs {
    #[command(flatten)]
    pub global: Global,
}

#[derive(Debug, Args)]
pub struct RotateDueArgs {
    #[command(flatten)]
    pub global: Global,

    /// Days after which a key must be replaced
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "DAYS",
        default_value_t = 90
    )]
    pub max_age: u32,

    /// Days before that to be warned
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "DAYS",
        default_value_t = 14
    )]
    pub warn: u32,
}

#[derive(Debug, Args)]
pub struct RotateScheduleArgs {
    #[command(flatten)]
    pub global: Global,

    /// Days after which a key must be replaced
    #[arg(long, allow_negative_numbers = true, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..))]
    pub every: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RevokeChoice {
    Auto,
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RotateFormat {
    Human,
    Json,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Print firewall rules that are safe to pipe into sh.\n\n\
        The script works for IPv4 and IPv6, on nftables and iptables, is applied whole or not at all, \
        never shuts out the ssh session it comes from, guards published container ports, leaves the \
        rules of others alone, and takes itself back unless somebody at the terminal types yes.",
    after_help = "Examples:\n  \
        openclaw-sec firewall | sh                               ssh and https, nothing else\n  \
        openclaw-sec firewall --profile cloudflare-tunnel --persist | sh\n  \
        openclaw-sec firewall --ssh-port 2222 --allow tcp/8443,from=203.0.113.0/24 | sh\n  \
        openclaw-sec firewall verify                             do the live rules still match?\n  \
        openclaw-sec firewall explain --proto tcp --port 3000 --from 203.0.113.9\n  \
        openclaw-sec firewall off | sh                           take our rules away\n\n\
        `verify` and `explain` take the same options."
)]
pub struct FirewallArgs {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub action: Option<FirewallAction>,
    #[command(flatten)]
    pub options: FirewallOptions,
}

impl FirewallArgs {
    /// Global flags may stand before the action's name and behind it.
    fn take_global(&mut self) -> Global {
        let behind = self.action.as_mut().map(|action| {
            std::mem::take(match action {
                FirewallAction::Verify(arguments) | FirewallAction::Off(arguments) => {
                    &mut arguments.global
                }
                FirewallAction::Explain(arguments) => &mut arguments.global,
            })
        });
        std::mem::take(&mut self.global).join(behind.unwrap_or_default())
    }
}

// They are checked in the core, before anything is printed.
#[derive(Debug, Args)]
pub struct FirewallOptions {
    /// How the machine is reached: vps, cloudflare-origin, cloudflare-tunnel, tailscale or telegram
    #[arg(long, global = true, value_name = "PROFILE", default_value = "vps")]
    pub profile: String,

    /// sh, iptables, ip6tables, nft, json or plain; human or json for verify and explain
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<String>,

    /// The port of ssh; repeatable [default: 22]
    #[arg(long, allow_negative_numbers = true, global = true, value_name = "N")]
    pub ssh_port: Vec<String>,

    /// Let ssh in from this network only; repeatable
    #[arg(long, global = true, value_name = "CIDR")]
    pub ssh_from: Vec<String>,

    /// Let no ssh in at all
    #[arg(long, global = true)]
    pub no_ssh: bool,

    /// Open one more port; repeatable
    #[arg(long, global = true, value_name = "PROTO/PORT[,from=CIDR][,iface=IF]")]
    pub allow: Vec<String>,

    /// Open a TCP port on tailscale0 only; repeatable
    #[arg(long, allow_negative_numbers = true, global = true, value_name = "N")]
    pub private_port: Vec<String>,

    /// Let everything in on this interface; repeatable
    #[arg(long, global = true, value_name = "IF")]
    pub trust_interface: Vec<String>,

    /// Drop every connection from the networks in this file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub block_list: Option<String>,

    /// Cloudflare's networks, one a line or as its API prints them, instead of the built-in ones
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cloudflare_ips: Option<String>,

    /// Take the change back after S seconds without a confirmation, 0 for never
    /// [default: 60 where a terminal is, else never]
    #[arg(long, allow_negative_numbers = true, global = true, value_name = "S")]
    pub rollback: Option<String>,

    /// Bring the rules back after every reboot
    #[arg(long, global = true)]
    pub persist: bool,

    /// prerouting, which guards container ports too, or input
    #[arg(long, global = true, value_name = "HOOK")]
    pub hook: Option<String>,

    /// Warn about what does not fit this env file; adds no rule
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum FirewallAction {
    /// Compare the live rules with what the options would print
    Verify(FirewallActionArgs),
    /// Say what happens to a packet and which rule decides, without looking at this host
    Explain(FirewallExplainArgs),
    /// Print a script that takes away our rules and nothing else
    Off(FirewallActionArgs),
}

#[derive(Debug, Args)]
pub struct FirewallActionArgs {
    #[command(flatten)]
    pub global: Global,
}

#[derive(Debug, Args)]
pub struct FirewallExplainArgs {
    #[command(flatten)]
    pub global: Global,

    /// tcp, udp, icmp, icmpv6 or a protocol number
    #[arg(long, value_name = "P")]
    pub proto: String,

    /// The port it goes to; for ICMP the type
    #[arg(long, allow_negative_numbers = true, value_name = "N")]
    pub port: Option<String>,

    /// The address it comes from
    #[arg(long, value_name = "ADDR")]
    pub from: String,

    /// The interface it comes in on [default: a public one]
    #[arg(long, value_name = "IF")]
    pub iface: Option<String>,
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
        [detectors]\n  ignore = [\"192.0.2.0/24\"]\n  [detectors.brute-force]\n  count = 8\n  high_count = 30\n  slow_count = 30"
)]
pub struct AuditTailArgs {
    #[command(flatten)]
    pub global: Global,

    #[command(subcommand)]
    pub action: Option<AuditTailAction>,

    /// The logs; `-` is stdin [default: AUDIT_LOG_PATH of the env file, else /var/log/openclaw/audit.log, else OpenClaw's own log]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// The env file: its secrets are replaced by fingerprints, its proxies are trusted
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Option<PathBuf>,

    /// Show the last N events that pass the filters; with --since, of rotated files too
    #[arg(
        short = 'n',
        allow_negative_numbers = true,
        value_parser = whole_number,
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
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "T",
        help_heading = "Range"
    )]
    pub since: Option<String>,

    /// Up to this time
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "T",
        help_heading = "Range"
    )]
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
    #[arg(
        long,
        value_parser = whole_number,
        allow_negative_numbers = true,
        value_name = "N",
        default_value_t = 10,
        help_heading = "Output"
    )]
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

impl AuditTailArgs {
    /// Global flags may stand before the action's name and behind it.
    fn take_global(&mut self) -> Global {
        let behind = self.action.as_mut().map(|action| {
            std::mem::take(match action {
                AuditTailAction::Seal(arguments) => &mut arguments.global,
                AuditTailAction::Verify(arguments) => &mut arguments.global,
            })
        });
        std::mem::take(&mut self.global).join(behind.unwrap_or_default())
    }
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
    #[command(flatten)]
    pub global: Global,

    /// The log
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub global: Global,

    /// The log
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// How the verdict is printed: human or json
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: String,
}

/// A time; which ones make sense is for the command to say.
fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .map_err(|_| "write seconds as a number such as 2.5".to_owned())
}

/// A number of things.
fn whole_number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "write a whole number such as 10".to_owned())
}
