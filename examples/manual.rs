//! Writes man pages and shell completions, made from the command line itself, into a folder:
//! `cargo run --example manual -- target/manual`. Packages do.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap_complete::{Shell, generate_to};

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("name a folder to write into"))?;
    fs::create_dir_all(&folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut htgate::cli::command(), "htgate", &folder)?;
    }
    clap_mangen::generate_to(htgate::cli::command(), &folder)
}
