//! Secrets from stdin: a line of a pipe, or a prompt on a terminal.

use std::io::{self, IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use super::{Exit, Failure};

/// How often a secret is asked for on a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Once.
    Once,
    /// Twice, since nobody sees what they type.
    Twice,
}

/// Reads a secret. From a pipe, all of it, less one line end.
///
/// # Errors
/// When there is nothing to read, or the two entries differ.
pub(super) fn secret(what: &str, ask: Ask) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if io::stdin().is_terminal() {
        let prompt = |text: String| rpassword::prompt_password(text).map(Zeroizing::new);
        let first = prompt(format!("{what}: "))?;
        if ask == Ask::Twice && prompt(format!("{what}, again: "))? != first {
            return Err(Failure::new(
                Exit::Usage,
                "the two entries differ; nothing was changed",
            ));
        }
        return Ok(Zeroizing::new(first.as_bytes().to_vec()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    io::stdin().lock().take(4096).read_to_end(&mut bytes)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format_args!("there is no {} on standard input", what.to_lowercase()),
        ));
    }
    Ok(bytes)
}
