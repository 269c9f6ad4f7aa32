//! What can be seen of a process from outside: its memory, its time, what /proc says of it.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    process::Command,
    time::Duration,
};

use crate::harness::process::Process;

/// Clock ticks of `/proc/PID/stat`, which are a hundredth of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Resident memory in bytes.
pub(crate) fn resident(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.unwrap().parse::<u64>().unwrap() * 1024
}

/// The time that its threads of that name have run; all of them for an empty one.
pub(crate) fn time_of(process: &Process, thread: &str) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let ticks: u32 = tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
        .filter_map(|stat| {
            let (front, fields) = stat.rsplit_once(") ")?;
            let named = front.split_once('(')?.1.starts_with(thread);
            let mut fields = fields.split(' ').skip(11); // utime and stime, proc(5)
            let both = [fields.next()?, fields.next()?].map(|field| field.parse::<u32>().unwrap());
            named.then_some(both[0] + both[1])
        })
        .sum();
    TICK * ticks
}

/// All memory that it can write to, by the name of its region.
///
/// Root may read that, whatever the process thinks of it; others by `sudo`.
pub(crate) fn writable_memory(process: &Process) -> Vec<(String, Vec<u8>)> {
    let id = process.id();
    let maps = as_root(&format!("/proc/{id}/maps"), 0, None).unwrap();
    let regions = String::from_utf8(maps).unwrap();
    let regions = regions.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (range, mode) = (words.next()?, words.next()?);
        let name = words.nth(3).unwrap_or("anonymous");
        let (start, end) = range.split_once('-')?;
        let [start, end] = [start, end].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        let length = usize::try_from(end - start).unwrap();
        // What can't be read is the kernel's own.
        let bytes = || as_root(&format!("/proc/{id}/mem"), start, Some(length)).ok();
        let named = |bytes| (format!("{name} at {start:x}"), bytes);
        mode.contains('w').then(bytes).flatten().map(named)
    });
    regions.collect()
}

/// A part of a file, or all of it, read as root.
fn as_root(path: &str, start: u64, length: Option<usize>) -> io::Result<Vec<u8>> {
    match (File::open(path), length) {
        (Ok(file), Some(length)) => {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, start)?;
            Ok(bytes)
        }
        (Ok(file), None) => io::read_to_string(file).map(String::into_bytes),
        (Err(error), _) if error.kind() != ErrorKind::PermissionDenied => Err(error),
        (Err(_), length) => {
            let mut dd = Command::new("sudo");
            dd.args([
                "-n",
                "dd",
                "bs=64K",
                "iflag=skip_bytes,count_bytes,fullblock",
            ]);
            dd.arg(format!("if={path}")).arg(format!("skip={start}"));
            dd.args(length.map(|length| format!("count={length}")));
            let read = dd.output()?;
            let error = String::from_utf8_lossy(&read.stderr).into_owned();
            let allowed = !error.contains("sudo:");
            assert!(allowed, "memory is read as root or by sudo: {error}");
            read.status
                .success()
                .then_some(read.stdout)
                .ok_or_else(|| io::Error::other(error))
        }
    }
}
