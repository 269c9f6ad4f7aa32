//! Sockets to listen on: TCP, unix sockets with their mode and group, and those that the service
//! manager holds and hands over (`sd_listen_fds(3)`).

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use nix::errno::Errno;
use nix::sys::socket::{Backlog, listen as set_backlog};
use nix::unistd::{Group, chown};

use crate::config::Listen;

/// A listener that is ready to take connections.
#[derive(Debug)]
pub enum Bound {
    /// On an address and port.
    Tcp(TcpListener),
    /// On a socket file.
    Unix(UnixListener),
}

/// Mode and group of the socket files that are made.
#[derive(Clone, Debug)]
pub struct SocketFile {
    /// As for chmod.
    pub mode: u32,
    /// A group's name; the process's own if none is named.
    pub group: Option<String>,
}

/// What a place to listen is like before anybody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It can be had.
    Free,
    /// Another process has it.
    Taken,
    /// The folder of the socket isn't there.
    NoFolder,
    /// It comes from the service manager, at the start.
    HandedOver,
}

/// Why a listener could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address or path can't be bound.
    #[error("can't listen on {place}: {error}{hint}")]
    Bind {
        /// As in the configuration.
        place: String,
        /// What the system says.
        error: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// `socket_group` names nobody.
    #[error("[server] socket_group: there is no group {0:?} on this system")]
    Group(String),
    /// Another process is listening on the socket file.
    #[error("can't listen on unix:{}: another process is listening there", .0.display())]
    InUse(PathBuf),
    /// The path of a socket is taken by something else.
    #[error("can't listen on unix:{}: there is a file, and it is no socket; move it away", .0.display())]
    NotASocket(PathBuf),
    /// `listen` has "systemd", and there is nothing of systemd's.
    #[error(
        "[server] listen: \"systemd\" has handed over no socket; start htgate by `systemctl start \
         htgate.socket`, or name an address"
    )]
    NothingHandedOver,
    /// There is something of systemd's, and `listen` has no "systemd".
    #[error(
        "systemd has handed over {0} socket(s), where nobody would answer; add \"systemd\" to [server] \
         listen, or `systemctl mask --now htgate.socket`"
    )]
    NotTaken(usize),
    /// What was handed over can't be listened on.
    #[error(
        "the socket no. {number} that systemd has handed over takes no connections: {error}; in the \
         .socket file, use ListenStream= with an address or a path, and Accept=no"
    )]
    Unfit {
        /// In the order of the `.socket` file, from 1.
        number: usize,
        /// What the system says.
        error: io::Error,
    },
}

impl Bound {
    /// Listens in all of these places. What the service manager has handed over is taken once, by
    /// whoever asks first.
    ///
    /// # Errors
    /// [`BindError`], naming the place.
    pub fn all(places: &[Listen], socket: &SocketFile) -> Result<Vec<Self>, BindError> {
        let mut handed = ListenFd::from_env();
        if handed.len() > 0 && !places.contains(&Listen::Systemd) {
            return Err(BindError::NotTaken(handed.len()));
        }
        let mut bound = Vec::new();
        for place in places {
            match place {
                Listen::Systemd => bound.extend(handed_over(&mut handed)?),
                place => bound.push(Self::bind(place, socket)?),
            }
        }
        Ok(bound)
    }

    /// Binds a listener.
    ///
    /// # Errors
    /// [`BindError`], naming the place.
    pub fn bind(listen: &Listen, socket: &SocketFile) -> Result<Self, BindError> {
        let failed = |error: io::Error| BindError::Bind {
            place: listen.to_string(),
            hint: match error.kind() {
                io::ErrorKind::AddrInUse => "; another program, or another htgate, has the port",
                io::ErrorKind::PermissionDenied => "; the user that runs htgate may not do that",
                io::ErrorKind::NotFound => "; does the folder exist?",
                _ if error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32) => {
                    "; its unit has no network: add htgate.service.d/network.conf, or listen on \
                     \"systemd\""
                }
                _ => "",
            },
            error,
        };
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).map_err(failed)?;
                prepare(&listener, listener.set_nonblocking(true)).map_err(failed)?;
                Ok(Self::Tcp(listener))
            }
            Listen::Unix(path) => {
                make_way(path)?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                prepare(&listener, listener.set_nonblocking(true)).map_err(failed)?;
                if let Some(name) = &socket.group {
                    let group = Group::from_name(name).ok().flatten();
                    let group = group.ok_or_else(|| BindError::Group(name.clone()))?;
                    chown(path, None, Some(group.gid)).map_err(|e| failed(e.into()))?;
                }
                let mode = fs::Permissions::from_mode(socket.mode);
                fs::set_permissions(path, mode).map_err(failed)?;
                Ok(Self::Unix(listener))
            }
            Listen::Systemd => Err(BindError::NothingHandedOver),
        }
    }

    /// Whether a listener could be had. Leaves nothing behind.
    ///
    /// # Errors
    /// [`BindError`], where it isn't a matter of time.
    pub fn probe(listen: &Listen, socket: &SocketFile) -> Result<Probe, BindError> {
        if *listen == Listen::Systemd {
            return Ok(Probe::HandedOver);
        }
        if let Listen::Unix(path) = listen
            && path.parent().is_some_and(|folder| !folder.exists())
        {
            return Ok(Probe::NoFolder);
        }
        if let Listen::Unix(path) = listen
            && path.exists()
        {
            // Somebody's socket is none of ours to remove.
            return match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Probe::Free),
                _ => Ok(Probe::Taken),
            };
        }
        match Self::bind(listen, socket) {
            Ok(bound) => {
                drop(bound);
                if let Listen::Unix(path) = listen {
                    drop(fs::remove_file(path));
                }
                Ok(Probe::Free)
            }
            Err(BindError::InUse(_)) => Ok(Probe::Taken),
            Err(BindError::Bind { error, .. }) if error.kind() == io::ErrorKind::AddrInUse => {
                Ok(Probe::Taken)
            }
            Err(error) => Err(error),
        }
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "tcp".to_owned(), |address| address.to_string()),
            Self::Unix(listener) => listener
                .local_addr()
                .ok()
                .and_then(|address| Some(format!("unix:{}", address.as_pathname()?.display())))
                .unwrap_or_else(|| "unix".to_owned()),
        }
    }
}

/// The sockets of the service manager's that nobody has taken yet; their backlog is its matter.
fn handed_over(handed: &mut ListenFd) -> Result<Vec<Bound>, BindError> {
    let all = handed.len();
    if all == 0 {
        return Err(BindError::NothingHandedOver);
    }
    let take = |index| -> io::Result<_> {
        // What is no TCP listener stays where it is, and may be a unix one.
        if let Ok(Some(listener)) = handed.take_tcp_listener(index) {
            listener.set_nonblocking(true)?;
            return Ok(Some(Bound::Tcp(listener)));
        }
        let Some(listener) = handed.take_unix_listener(index)? else {
            return Ok(None);
        };
        listener.set_nonblocking(true)?;
        Ok(Some(Bound::Unix(listener)))
    };
    let unfit = |(index, taken): (usize, io::Result<_>)| {
        let number = index + 1;
        taken
            .map_err(|error| BindError::Unfit { number, error })
            .transpose()
    };
    let taken = (0..all).map(take).enumerate();
    taken.filter_map(unfit).collect()
}

/// Makes room for the bursts of new connections that Traefik comes with.
fn prepare(listener: &impl AsFd, nonblocking: io::Result<()>) -> io::Result<()> {
    nonblocking?;
    Ok(set_backlog(listener, Backlog::MAXALLOWABLE)?)
}

/// Removes the socket file of a process that is no more.
fn make_way(path: &Path) -> Result<(), BindError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(BindError::NotASocket(path.to_owned()));
    }
    let failed = |error, hint| BindError::Bind {
        place: format!("unix:{}", path.display()),
        error,
        hint,
    };
    match UnixStream::connect(path) {
        Ok(_) => Err(BindError::InUse(path.to_owned())),
        // Nobody listens any more; any other error says nothing about that.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| failed(error, "; the socket of an earlier process can't be removed")),
        Err(error) => Err(failed(
            error,
            "; there is a socket, and it can't be looked at",
        )),
    }
}
