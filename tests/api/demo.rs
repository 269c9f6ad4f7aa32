//! `htgate demo`: what it prints is true, and nothing of it stays.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::helpers::{htgate, signal, wait};

/// A running demo, in a folder for temporary files of its own.
struct Demo {
    process: Child,
    lines: mpsc::Receiver<String>,
    folder: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = htgate()
            .arg("demo")
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .all(|line| send.send(line).is_ok())
        });
        Self {
            process,
            lines,
            folder,
        }
    }

    /// The curl lines that it prints before it waits.
    fn commands(&self) -> Vec<String> {
        let mut commands = Vec::new();
        let mut patience = Duration::from_secs(30);
        while let Ok(line) = self.lines.recv_timeout(patience) {
            if line.starts_with("curl ") {
                commands.push(line);
                // The rest comes in one go.
                patience = Duration::from_secs(1);
            }
        }
        commands
    }

    fn files(&self) -> Vec<PathBuf> {
        let found = fs::read_dir(self.folder.path()).unwrap();
        found.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn every_line_gives_the_status_that_it_promises_and_all_is_gone_afterwards() {
    for name in ["INT", "TERM"] {
        let mut demo = Demo::start();
        let commands = demo.commands();
        assert!(commands.len() >= 6, "{commands:?}");
        let mut seen = Vec::new();
        for command in &commands {
            let (_, promised) = command.rsplit_once("# ").unwrap();
            let output = Command::new("sh").args(["-c", command]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let status = said.split(' ').nth(1).unwrap_or_default();
            assert_eq!(status, promised, "{command}\n{said}");
            seen.push(promised);
        }
        for status in ["200", "401", "403"] {
            assert!(seen.contains(&status), "nothing shows a {status}");
        }
        assert_eq!(demo.files().len(), 1);
        signal(&demo.process, name);
        assert_eq!(wait(&mut demo.process), Some(0), "SIG{name}");
        assert!(demo.files().is_empty(), "SIG{name}: {:?}", demo.files());
    }
}
