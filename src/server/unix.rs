//! A unix stream that wakes its reader for what there is to read, and for nothing else.
//!
//! The kernel says that a unix stream can be written to each time the peer has read from it
//! (`unix_write_space`), whether anybody waited for that or not. tokio's stream asks to be told, so
//! every answer that a proxy takes wakes the worker once more, and where both share a core
//! that is a change of process for nothing. This one asks once a write had to
//! wait, which an answer's few hundred bytes never have to.

use std::io::{ErrorKind, Read as _, Result, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// What is read at once: a usual question, and then some.
const CHUNK: usize = 4096;

/// See the module.
pub(super) struct QuietStream {
    stream: AsyncFd<UnixStream>,
    /// Made when a write has to wait for the first time.
    writable: Option<AsyncFd<UnixStream>>,
    /// Where reads go first: what a [`ReadBuf`] lends may not be initialized.
    chunk: Box<[u8; CHUNK]>,
}

impl QuietStream {
    /// Takes over a stream of tokio's.
    ///
    /// # Errors
    /// When it can't be registered anew.
    pub(super) fn new(stream: tokio::net::UnixStream) -> Result<Self> {
        Ok(Self {
            stream: register(stream.into_std()?, Interest::READABLE)?,
            writable: None,
            chunk: Box::new([0; CHUNK]),
        })
    }
}

#[expect(
    deprecated,
    reason = "unsound for types whose descriptor can change; a stream of the standard library keeps its own"
)]
fn register(stream: UnixStream, interest: Interest) -> Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(stream, interest)
}

impl AsyncRead for QuietStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let room = buffer.remaining().min(CHUNK);
        let chunk = this.chunk.split_at_mut(room).0;
        loop {
            let mut ready = ready!(this.stream.poll_read_ready(context))?;
            // Not ready after all: asks again, and is called when it is.
            let Ok(read) = ready.try_io(|stream| stream.get_ref().read(chunk)) else {
                continue;
            };
            let read = read?;
            // Less than there was room for is all there is: epoll will tell of more, and the end
            // of the stream is never forgotten.
            if cfg!(target_os = "linux") && (1..room).contains(&read) {
                ready.clear_ready();
            }
            let came = chunk.split_at_mut(read).0;
            buffer.put_slice(came);
            // SECURITY: it may be somebody's password.
            came.fill(0);
            return Poll::Ready(Ok(()));
        }
    }
}

impl AsyncWrite for QuietStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let mut stream = this.stream.get_ref();
        match stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
        let writable = match &this.writable {
            Some(writable) => writable,
            None => {
                let other = register(stream.try_clone()?, Interest::WRITABLE)?;
                this.writable.insert(other)
            }
        };
        loop {
            let mut ready = ready!(writable.poll_write_ready(context))?;
            if let Ok(written) = ready.try_io(|stream| stream.get_ref().write(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(self.stream.get_ref().shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[actix_rt::test]
    async fn all_that_is_written_arrives_however_slow_the_reader() {
        let (ours, mut theirs) = tokio::net::UnixStream::pair().unwrap();
        let mut ours = QuietStream::new(ours).unwrap();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let write = async {
            ours.write_all(&sent).await.unwrap();
            ours.shutdown().await.unwrap();
        };
        let read = async {
            let mut received = Vec::new();
            let mut part = [0; 5000];
            loop {
                actix_rt::time::sleep(std::time::Duration::from_micros(50)).await;
                match theirs.read(&mut part).await.unwrap() {
                    0 => return received,
                    length => received.extend_from_slice(&part[..length]),
                }
            }
        };
        let ((), received) = join(write, read).await;
        assert!(received == sent);
    }

    #[actix_rt::test]
    async fn all_that_comes_is_read_and_the_end_is_seen() {
        for pause in [false, true] {
            let (ours, mut theirs) = tokio::net::UnixStream::pair().unwrap();
            let mut ours = QuietStream::new(ours).unwrap();
            let write = async {
                for length in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 7] {
                    theirs.write_all(&vec![b'x'; length]).await.unwrap();
                    if pause {
                        actix_rt::time::sleep(std::time::Duration::from_millis(2)).await;
                    }
                }
                theirs.shutdown().await.unwrap();
            };
            let mut received = Vec::new();
            let ((), read) = join(write, ours.read_to_end(&mut received)).await;
            assert_eq!(read.unwrap(), 6 * CHUNK + 8);
        }
    }
}
