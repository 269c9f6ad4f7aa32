//! A connection that can be cut from our side.
//!
//! actix-http goes on reading a chunked body for as long as it isn't complete, and answers requests
//! that it has already read behind one that was to be the last. A [`Line`] knows that its last
//! request has come, so that nothing behind it is decided, and ends the reading after a moment.
//!
//! It also waits without end for the rest of any head but a connection's first, and for a peer that
//! takes no answers, of which it makes ever more meanwhile. A [`Cuttable`] stream does neither.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_rt::time::{Instant, Sleep, sleep};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::passing;

/// How long what the peer still sends is taken and thrown away: who is cut off while writing may
/// lose the answer.
const LINGER: Duration = Duration::from_secs(1);
/// How long a peer may leave a head or the taking of answers half done: at least so long, and less
/// than twice that.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of a peer is read before answers go out and others have their turn, in bytes. A usual
/// head is all of it; actix-http would take 128 kB, which can be three thousand requests.
const TURN: usize = 4 << 10;

/// The state of one connection.
#[derive(Default)]
pub(super) struct Line {
    closing: Cell<bool>,
    cut: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    /// Bytes have come since the last request: a head, or part of one.
    begun: Cell<bool>,
    /// A request is being decided.
    busy: Cell<bool>,
    /// A request has come, or part of an answer has gone, since somebody last looked.
    moved: Cell<bool>,
}

impl Line {
    /// A request has come whole, and is being decided for as long as what this gives is kept. What
    /// follows is the next one's.
    pub(super) fn arrived(&self) -> Busy<'_> {
        self.begun.set(false);
        self.busy.set(true);
        self.moved.set(true);
        Busy(self)
    }

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

/// A line whose peer is waiting for us, and not we for it.
pub(super) struct Busy<'l>(&'l Line);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.set(false);
    }
}

/// A stream with its line; reads its end once the line is cut.
pub(super) struct Cuttable<S> {
    stream: S,
    pub(super) line: Rc<Line>,
    /// The peer takes no more for now.
    blocked: bool,
    /// Read in this turn.
    taken: usize,
    /// Runs while something is half done.
    watch: Option<Pin<Box<Sleep>>>,
}

impl<S> Cuttable<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            line: Rc::default(),
            blocked: false,
            taken: 0,
            watch: None,
        }
    }

    /// Whether something has been half done for too long. Wakes the task when that may be so.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let half_done = self.blocked || self.line.begun.get();
        if self.watch.is_none() {
            if !half_done {
                return false;
            }
            self.line.moved.set(false);
        }
        let watch = self.watch.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        while watch.as_mut().poll(context).is_ready() {
            if !half_done {
                self.watch = None;
                return false;
            }
            if !self.line.moved.replace(false) && !self.line.busy.get() {
                return true;
            }
            watch.as_mut().reset(Instant::now() + PATIENCE);
        }
        false
    }

    /// What comes of a write that was tried.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        tried: Poll<Result<usize>>,
    ) -> Poll<Result<usize>> {
        if tried.is_pending() {
            self.blocked = true;
            if self.is_overdue(context) {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
        } else if self.blocked {
            self.blocked = false;
            self.line.moved.set(true);
            // Reading goes on.
            context.waker().wake_by_ref();
        }
        tried
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
        if self.taken >= TURN {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        // Who takes no answers gets no more of them; a write that is taken calls for the next read.
        let read = if self.blocked {
            Poll::Pending
        } else {
            Pin::new(&mut self.stream).poll_read(context, buffer)
        };
        let came = buffer.filled().len() - before;
        if came > 0 {
            self.taken += came;
            self.line.begun.set(true);
        }
        if read.is_pending() {
            if self.is_overdue(context) {
                self.line.cut.set(true);
                return Poll::Ready(Ok(()));
            }
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
        let tried = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, tried)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The end of a turn.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.taken = 0;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// SECURITY: what was read as no request, such as a head that is malformed, is among the heads that
/// actix-http keeps.
impl<S> Drop for Cuttable<S> {
    fn drop(&mut self) {
        if self.line.begun.get() {
            passing::sweep();
        }
    }
}
