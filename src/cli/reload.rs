//! `htgate reload`.

use super::running::{Change, ask};
use super::{ConfigArg, Exit, Failure};

/// Make the running service read everything anew, and wait until the new state answers
///
/// Where something is wrong, it is said, the old state still answers, and the exit status is 1.
/// SIGHUP does the same without waiting.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate reload && echo in force")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let source = args.config.source();
    // A configuration that can't be used is the service's to report, as long as it tells where
    // the service is.
    let settings = match source.load() {
        Ok((settings, _)) => settings,
        Err(problems) => {
            return Err(Failure::new(
                Exit::No,
                format_args!("{problems}\nnothing was reloaded; the old state still answers"),
            ));
        }
    };
    let Some(report) = ask(Change::Reload, &source, &settings)? else {
        return Err(Failure::new(
            Exit::Unavailable,
            format_args!(
                "no service of {} answers at {}",
                source.path().display(),
                settings.admin.listen
            ),
        ));
    };
    for warning in report.warnings {
        eprintln!("htgate: warning: {warning}");
    }
    match report.problem {
        None => Ok(()),
        Some(problem) => Err(Failure::new(
            Exit::No,
            format_args!("{problem}\nnothing was reloaded; the old state still answers"),
        )),
    }
}
