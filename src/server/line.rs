//! A connection that can be cut from our side.
//!
//! actix-http goes on reading a chunked body for as long as it isn't complete, and answers requests
//! that it has already read behind one that was to be the last. A [`Line`] knows that its last
//! request has come, so that nothing behind it is decided, and ends the reading after a moment.

use std::cell::{Cell, RefCell};
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long what the peer still sends is taken and thrown away: who is cut off while writing may
/// lose the answer.
const LINGER: Duration = Duration::from_secs(1);

/// The state of one connection.
#[derive(Default)]
pub(super) struct Line {
    closing: Cell<bool>,
    cut: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl Line {
    /// Whether the last request has come.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// This request was the last.
    pub(super) fn close(&self) {
        self.closing.set(true);
    }

    /// This request was the last, and what it announces is not waited for.
    pub(super) fn hang_up(self: &Rc<Self>) {
        self.close();
        let line = Rc::clone(self);
        actix_rt::spawn(async move {
            actix_rt::time::sleep(LINGER).await;
            line.cut.set(true);
            if let Some(reader) = line.reader.take() {
                reader.wake();
            }
        });
    }
}

/// A stream with its line; reads its end once the line is cut.
pub(super) struct Cuttable<S> {
    stream: S,
    pub(super) line: Rc<Line>,
}

impl<S> Cuttable<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            line: Rc::default(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.line.cut.get() {
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            let mut reader = self.line.reader.borrow_mut();
            if !reader
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()))
            {
                *reader = Some(context.waker().clone());
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
