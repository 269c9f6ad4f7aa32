//! Passwords in a file of their own: libpq's password file (PostgreSQL's manual, section 34.16).
//!
//! One line each: `host:port:database:user:password`. A field may be `*`; the first line that fits
//! counts. `\:` and `\\` stand for `:` and `\`. Read at every connect, so that a password can be
//! changed without a restart.

use std::fs;
use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::Host;
use zeroize::Zeroizing;

/// The password for this connection, if a line fits.
pub(super) fn password(file: &Path, to: &Config) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let told = |fault| format!("passfile {}: {fault}", file.display());
    let content = Zeroizing::new(fs::read(file).map_err(told)?);
    let host = to.get_hosts().first().map_or_else(
        || {
            to.get_hostaddrs()
                .first()
                .map(ToString::to_string)
                .unwrap_or_default()
        },
        |host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(_) => "localhost".to_owned(),
        },
    );
    let port = to.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = to.get_user().unwrap_or_default();
    let database = to.get_dbname().unwrap_or(user);
    let wanted = [host.as_str(), &port, database, user];
    let lines = content.split(|byte| *byte == b'\n');
    let found = lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.starts_with(b"#"))
        .find_map(|line| fitting(line, &wanted));
    found.map(Some).ok_or_else(|| {
        format!(
            "passfile {}: no line fits {}; lines are host:port:database:user:password",
            file.display(),
            wanted.join(":")
        )
    })
}

/// The password of a line that fits.
fn fitting(line: &[u8], wanted: &[&str; 4]) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = line;
    for wanted in wanted {
        let (field, after) = field(rest);
        if field.as_slice() != b"*" && field.as_slice() != wanted.as_bytes() {
            return None;
        }
        rest = after?;
    }
    Some(field(rest).0)
}

/// The first field, unescaped, and what follows its colon.
fn field(line: &[u8]) -> (Zeroizing<Vec<u8>>, Option<&[u8]>) {
    let mut field = Zeroizing::new(Vec::with_capacity(line.len()));
    let mut bytes = line.iter().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b':' => return (field, Some(&line[place + 1..])),
            b'\\' => field.push(bytes.next().map_or(b'\\', |(_, escaped)| *escaped)),
            _ => field.push(*byte),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        fs::write(
            &file,
            "# db:5432:keys:node:commented\n\
             db:5433:keys:node:other port\n\
             db:5432:keys:node:s\\:e\\\\cret\r\n\
             *:*:*:node:any\n\
             localhost:5432:*:*:socket\n\
             db:5432:keys\n",
        )
        .unwrap();
        for (url, expected) in [
            ("postgres://node@db/keys", Some("s:e\\cret")),
            ("postgres://node@db:5433/keys", Some("other port")),
            ("postgres://node@other/keys", Some("any")),
            ("postgres://app@/keys?host=/run/postgresql", Some("socket")),
            ("postgres://app@db/keys", None),
        ] {
            let found = password(&file, &url.parse().unwrap());
            let found = found.ok().flatten();
            let found = found.map(|password| String::from_utf8(password.to_vec()).unwrap());
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn who_has_no_line_or_no_file_is_told_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        let to = "postgres://node@db/keys".parse().unwrap();
        let fault = password(&file, &to).unwrap_err();
        assert!(fault.contains("pgpass: No such file"), "{fault}");
        fs::write(&file, "db:5432:keys:app:s3cret\n").unwrap();
        let fault = password(&file, &to).unwrap_err();
        assert!(fault.contains("no line fits db:5432:keys:node"), "{fault}");
        assert!(!fault.contains("s3cret"), "{fault}");
    }
}
