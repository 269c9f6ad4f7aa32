//! The htgate program: see `htgate --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    htgate::cli::run(std::env::args_os())
}
