//! The audit log: a file with a line for each refusal and each change of keys and users. Its form is
//! described in docs/logs.md, and programs read it: what is there stays as it is.

use std::fmt::{Display, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use jiff::{Timestamp, Unit};
use tracing::{error, info};

use super::Decided;

/// How many lines wait for the disk. What comes when it is full is counted, and told by a line.
const WAITING: usize = 4096;

/// How long the end of the service waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line of the log.
pub(crate) struct Event(String);

impl Event {
    /// Something that happened just now; its name is a word.
    pub(crate) fn now(name: &str) -> Self {
        let now = Timestamp::now();
        let now = now.round(Unit::Millisecond).unwrap_or(now);
        Self(format!("{now:.3} htgate {name}"))
    }

    /// With something known of it.
    pub(crate) fn with(mut self, name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        // Writing to a string doesn't fail.
        let _ = if is_plain(&value) {
            write!(self.0, " {name}={value}")
        } else {
            write!(self.0, " {name}=\"{}\"", escaped(&value))
        };
        self
    }

    /// A question was refused. What the client had a hand in stands behind all that it hadn't.
    pub(crate) fn refused(decided: &Decided<'_>) -> Self {
        let answer = &decided.answered.answer;
        let endpoint = decided.route.endpoint.path();
        Self::now("refused")
            .with("status", answer.status())
            .with("code", answer.code())
            .with("client", decided.client())
            .with("endpoint", endpoint)
            .with("policy", decided.answered.policy)
            .with("rule", decided.rule())
            .with("realm", decided.realm())
            .with("means", decided.answered.means.as_str())
            .with("key", decided.key())
            .with("host", decided.host())
            .with("method", decided.method())
            .with("path", decided.path())
    }
}

/// Whether a value needs no quotes.
fn is_plain(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/,+@[]".contains(&b);
    !value.is_empty() && value.bytes().all(plain)
}

/// SECURITY: no line and no quotation can be ended by what a value holds. What was escaped before
/// stays as it is.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\x22"),
            ' '..='~' => text.push(c),
            c => text.extend(c.escape_default()),
        }
    }
    text
}

/// The file, opened to write at its end.
pub(crate) struct Trail {
    path: PathBuf,
    file: File,
}

impl Trail {
    /// Opens it; where root makes it, it is the owner's of its folder.
    ///
    /// # Errors
    /// What the system says, with the file's name.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| {
            let text = format!("[audit] file: can't write {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        };
        let new = !path.exists();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o640)
            .open(path)
            .map_err(named)?;
        if new
            && nix::unistd::geteuid().is_root()
            && let Some(folder) = path.parent()
        {
            let owner = fs::metadata(folder).map_err(named)?;
            fchown(&file, Some(owner.uid()), Some(owner.gid())).map_err(named)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Writes a line, whole, at the end.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&mut self, event: &Event) -> io::Result<()> {
        self.file.write_all(format!("{}\n", event.0).as_bytes())
    }

    /// Goes over to the file that has the name by now, if another one does (logrotate(8)).
    fn follow(&mut self) -> io::Result<()> {
        let (here, there) = (self.file.metadata()?, fs::metadata(&self.path));
        let same = there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino()));
        if !same {
            *self = Self::open(&self.path)?;
        }
        Ok(())
    }
}

/// Writes the service's lines, on a thread of its own: no decision waits for a disk.
pub(super) struct Writer {
    messages: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

enum Message {
    Line(Event),
    /// To be answered when all that came before is written.
    Written(SyncSender<()>),
}

impl Writer {
    /// Opens the file, and begins.
    ///
    /// # Errors
    /// When the file can't be written, or there can be no thread.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let trail = Trail::open(path)?;
        let (messages, received) = sync_channel(WAITING);
        let lost = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&lost);
        let thread = thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || write_all(trail, &received, &counted))?;
        Ok(Self { messages, lost })
    }

    pub(super) fn write(&self, event: Event) {
        if self.messages.try_send(Message::Line(event)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all that came so far is written, for a while.
    pub(super) fn flush(&self) {
        let (done, written) = sync_channel(1);
        let asked = self.messages.send(Message::Written(done));
        if asked.is_err() || written.recv_timeout(PATIENCE).is_err() {
            error!("the audit log was not written to its end");
        }
    }
}

/// Writes each line that comes, until none can come any more.
fn write_all(mut trail: Trail, messages: &Receiver<Message>, lost: &AtomicU64) {
    let mut failing = false;
    for message in messages {
        let event = match message {
            Message::Line(event) => event,
            Message::Written(done) => {
                // Who asked may have gone by now.
                let _ = done.send(());
                continue;
            }
        };
        let missed = lost.swap(0, Ordering::Relaxed);
        let told = (missed > 0).then(|| Event::now("lost").with("lines", missed));
        let mut events = told.iter().chain([&event]);
        let written = trail
            .follow()
            .and_then(|()| events.try_for_each(|event| trail.write(event)));
        match written {
            Err(error) => {
                lost.fetch_add(missed + 1, Ordering::Relaxed);
                if !failing {
                    error!(%error, "the audit log can't be written; decisions go on");
                }
                failing = true;
            }
            Ok(()) if failing => {
                info!("the audit log is written again");
                failing = false;
            }
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_ends_its_line_or_makes_another_field(value in ".*", other in ".*") {
            let Event(line) = Event::now("x").with("a", &value).with("client", &other);
            prop_assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line}");
            // Read again by the rule of the form: a value is bare, or quoted to the next quote.
            let rest = line.split_once(" htgate x a=").unwrap().1;
            let end = match rest.strip_prefix('"') {
                Some(quoted) => quoted.find('"').unwrap() + 2,
                None => rest.find(' ').unwrap(),
            };
            prop_assert!(rest[end..].starts_with(" client="), "{line}");
        }
    }

    #[test]
    fn lines_go_to_the_file_that_has_the_name_by_now() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (
            folder.path().join("audit.log"),
            folder.path().join("audit.log.1"),
        );
        let writer = Writer::start(&path).unwrap();
        writer.write(Event::now("first"));
        writer.flush();
        fs::rename(&path, &old).unwrap();
        writer.write(Event::now("second"));
        writer.flush();
        // As logrotate's copytruncate does.
        File::create(&path).unwrap();
        writer.write(Event::now("third"));
        writer.flush();
        for (file, name) in [(&old, "first"), (&path, "third")] {
            let text = fs::read_to_string(file).unwrap();
            assert!(text.ends_with(&format!(" htgate {name}\n")), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }
}
