//! Each command is one small function: arguments in, a call into the core, output, an exit code.

mod arguments;
mod audit_tail;
mod check;
mod firewall;
mod interrupt;
mod keygen;
mod rotate;

use std::ffi::OsString;

use clap::FromArgMatches as _;
use openclaw_sec::settings::Settings;
use openclaw_sec::state::{Fingerprints, StateDir};
use openclaw_sec::world::World;

use crate::cli::{Cli, Command, Global};
use crate::terminal::{OutputError, Terminal};

/// Exit codes, the same for every command and format.
pub mod exit {
    /// Done, nothing wrong.
    pub const DONE: u8 = 0;
    /// The job ran and found something.
    pub const FOUND: u8 = 1;
    /// Usage or configuration error; nothing was changed.
    pub const USAGE: u8 = 2;
    /// Something asked for could not be determined.
    pub const INCOMPLETE: u8 = 3;
    /// Internal or output error.
    pub const OUTPUT: u8 = 4;
    /// Ended by SIGINT or SIGTERM.
    pub const INTERRUPTED: u8 = 130;
}

/// Why a command ended without doing its job.
pub struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// The person asked for something that cannot be done; nothing was changed.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: exit::USAGE,
            error: error.into(),
        }
    }

    /// The job could not be finished for reasons of the machine.
    pub fn output(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: exit::OUTPUT,
            error: error.into(),
        }
    }

    /// What went wrong, in words.
    pub fn reason(&self) -> String {
        self.error.to_string()
    }

    /// SIGINT came.
    pub fn interrupted() -> Self {
        Self {
            code: exit::INTERRUPTED,
            error: anyhow::anyhow!("interrupted"),
        }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::output(error)
    }
}

/// What a command has at hand.
pub struct Context<'a> {
    /// The outside world.
    pub world: &'a World,
    /// The streams.
    pub terminal: &'a mut Terminal,
    /// What the configuration files say.
    pub settings: &'a Settings,
    /// Flags that every command has.
    pub global: &'a Global,
}

impl Context<'_> {
    /// The state folder of this run.
    pub fn state(&self) -> Result<StateDir, Failure> {
        StateDir::locate(self.global.state_dir.as_deref(), self.world).map_err(Failure::usage)
    }

    /// This installation's fingerprints, or none where its state cannot be kept.
    pub fn fingerprints(&self) -> Option<Fingerprints> {
        self.state().ok()?.fingerprints().ok()
    }
}

/// Runs the program for `arguments` and returns its exit code.
pub fn run(arguments: Vec<OsString>, world: &World) -> u8 {
    let arguments = arguments::help_as_a_flag(arguments);
    let (settings, matches) = match arguments::parse(&arguments, world) {
        Ok(parsed) => parsed,
        Err(problem) => {
            firewall::refuse_words(&arguments, &problem, world);
            return problem.show(&arguments, world);
        }
    };
    let mut cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let problem = arguments::Problem::Usage(error);
            firewall::refuse_words(&arguments, &problem, world);
            return problem.show(&arguments, world);
        }
    };
    let global = cli.global.join(cli.command.take_global());
    if global.quiet && global.verbose > 0 {
        let problem = arguments::Problem::QuietAndVerbose;
        firewall::refuse_words(&arguments, &problem, world);
        return problem.show(&arguments, world);
    }
    let words = arguments::words_to_judge(&arguments, world);
    let mut terminal = Terminal::new(&global, world, words);
    let mut context = Context {
        world,
        terminal: &mut terminal,
        settings: &settings,
        global: &global,
    };
    let ended = match cli.command {
        Command::Keygen(arguments) => keygen::run(&arguments, &matches, &mut context),
        Command::Check(arguments) => check::run(&arguments, &matches, &mut context),
        Command::Rotate(arguments) => rotate::run(&arguments, &mut context),
        Command::Firewall(arguments) => firewall::run(&arguments, &mut context),
        Command::AuditTail(arguments) => audit_tail::run(&arguments, &mut context),
    };
    match ended {
        Ok(code) => code,
        Err(failure) => {
            if failure.code != exit::INTERRUPTED {
                // Each message names its source already.
                terminal.error(&failure.error.to_string());
            }
            failure.code
        }
    }
}
