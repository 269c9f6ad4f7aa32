//! Who runs on which core, where that is not left to the kernel.

use std::{fs, process::Command, thread};

/// One core for the server and one for its clients. With one server this is steadier, and
/// neither waits for the other; behind a proxy there are more programs than cores, and the
/// kernel places them.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) client: usize,
}

impl Cores {
    /// The first two, where there are two.
    pub(crate) fn two() -> Option<Self> {
        let cores = thread::available_parallelism().unwrap().get();
        (cores >= 2).then_some(Self {
            server: 0,
            client: 1,
        })
    }
}

/// A program that keeps to a core, if one is given.
pub(crate) fn command(core: Option<usize>, program: &str) -> Command {
    let Some(core) = core else {
        return Command::new(program);
    };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string(), program]);
    command
}

/// Does `work` in a thread that keeps to a core, as do the threads that it starts.
pub(crate) fn on<T: Send>(core: Option<usize>, work: impl FnOnce() -> T + Send) -> T {
    let pinned = || {
        if let Some(core) = core {
            // PID/task/TID
            let thread = fs::read_link("/proc/thread-self").unwrap();
            let thread = thread.file_name().unwrap();
            let output = Command::new("taskset")
                .args(["--cpu-list", "--pid", &core.to_string()])
                .arg(thread)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        work()
    };
    thread::scope(|scope| scope.spawn(pinned).join().unwrap())
}
