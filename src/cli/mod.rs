//! The command line: one file a command, and what they share.

mod account;
mod check;
mod demo;
mod doctor;
mod explain;
mod input;
mod key;
mod reload;
mod running;
mod serve;
mod snippet;
mod user;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::app::BuildError;
use crate::config::{Problems, Settings, Source};
use crate::server::BindError;
use crate::store::StoreError;

/// Answers a reverse proxy's question "may this request pass?" from htpasswd files and API keys.
#[derive(Parser)]
#[command(version, about, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  htgate demo                          a gate with a user and a key made up, to try at once
  htgate check                         is the configuration sound?
  htgate user set --realm intranet alice
  htgate key create --realm intranet --name backup --scope api:read --expires 90d

Exit status: 0 done, 1 no (a refused decision, a failed check), 64 usage or configuration,
69 a service away, 74 input or output.";

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Check(check::Args),
    Explain(explain::Args),
    Snippet(snippet::Args),
    Doctor(doctor::Args),

    Reload(reload::Args),
    #[command(subcommand)]
    User(user::Command),
    #[command(subcommand)]
    Key(key::Command),
}

/// Which configuration a command is about.
#[derive(clap::Args)]
struct ConfigArg {
    /// The configuration file [default: `$HTGATE_CONFIG`, else /etc/htgate/htgate.toml]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl ConfigArg {
    fn source(self) -> Source {
        Source::locate(self.config)
    }

    /// The settings; files they name need not be there.
    fn load(self) -> Result<(Source, Settings), Failure> {
        let source = self.source();
        let (settings, _advice) = source.load()?;
        Ok((source, settings))
    }
}

/// How a command ends when it isn't done: what to say, and the exit status.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

/// Exit statuses besides 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// The answer is no.
    No = 1,
    /// A wrong command line or configuration (`EX_USAGE`).
    Usage = 64,
    /// A service that is needed is away (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// Files and sockets (`EX_IOERR`).
    Io = 74,
}

impl Failure {
    fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
        }
    }

    /// An error with what caused it.
    fn caused(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self::new(exit, message)
    }

    /// No, and all has been said.
    fn no() -> Self {
        Self::new(Exit::No, "")
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::new(Exit::Usage, problems)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Io, error)
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        let exit = match error {
            BindError::NothingHandedOver | BindError::NotTaken(_) | BindError::Unfit { .. } => {
                Exit::Usage
            }
            _ => Exit::Io,
        };
        Self::new(exit, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Away { .. } | StoreError::Unsure { .. } => Exit::Unavailable,
            StoreError::Refused { .. } => Exit::Usage,
            _ => Exit::Io,
        };
        Self::new(exit, error)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Config(_) | BuildError::File(_) => Self::new(Exit::Usage, error),
            BuildError::Store(error) => error.into(),
            BuildError::Verifier(_) | BuildError::OtherStore(_) => Self::new(Exit::Io, error),
        }
    }
}

/// The command line as it is, for man pages and completions (`examples/manual.rs`).
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line and gives the exit status.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    keep_to_itself();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no mistake.
            let status = if error.use_stderr() {
                Exit::Usage as u8
            } else {
                0
            };
            drop(error.print());
            return ExitCode::from(status);
        }
    };
    let done = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Snippet(args) => snippet::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Reload(args) => reload::run(args),
        Command::User(command) => user::run(command),
        Command::Key(command) => key::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("htgate: {}", failure.message.trim_end());
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// SECURITY: passwords and keys pass through the memory of every command. Nobody else's debugger
/// reads it (`/proc/PID` is root's from here on), and no crash leaves it in a core file.
fn keep_to_itself() {
    // Either is enough against a core. Where a system call filter forbids one, the other does.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
}
