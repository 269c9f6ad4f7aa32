//! The limit: `examples/bare.rs`, on one worker.

use std::{
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    cores::{self, Cores},
    harness::{
        process::{Process, free_address},
        program::PROGRAM,
    },
};

/// Whose headers it sends.
#[derive(Clone, Copy)]
pub(crate) enum Says {
    Basic,
    ApiKey,
}

/// The running handler.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    _folder: TempDir,
}

impl Bare {
    /// On a free port, by a command that gets the arguments.
    pub(crate) fn start_by(mut command: Command, says: Says) -> Self {
        let folder = TempDir::new().unwrap();
        let address = free_address();
        command.args([&address.to_string(), "1", says.argument()]);
        let process = Process::start(&mut command, folder.path(), || {
            TcpStream::connect(address).is_ok()
        });
        Self {
            address,
            process,
            _folder: folder,
        }
    }

    pub(crate) fn start(says: Says, cores: Option<Cores>) -> Self {
        let program = program();
        let core = cores.map(|cores| cores.server);
        Self::start_by(cores::command(core, program.to_str().unwrap()), says)
    }

    /// The same on a unix socket in `folder`.
    pub(crate) fn start_on_socket(folder: &Path) -> (Process, PathBuf) {
        let socket = folder.join("bare.sock");
        let mut command = Command::new(program());
        command.arg(format!("unix:{}", socket.display()));
        let process = Process::start(&mut command, folder, || {
            UnixStream::connect(&socket).is_ok()
        });
        (process, socket)
    }
}

impl Says {
    fn argument(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ApiKey => "api-key",
        }
    }
}

/// Where `cargo build --release --example bare` leaves it: beside the program.
pub(crate) fn program() -> PathBuf {
    let program = Path::new(PROGRAM).with_file_name("examples").join("bare");
    assert!(
        program.exists(),
        "{} is not there; benches/compare builds it",
        program.display()
    );
    program
}
