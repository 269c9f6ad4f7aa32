//! The end of the service, in an order that loses no question.
//!
//! actix-server alone closes what was accepted and not yet looked at, and connections whose first
//! request is on its way. So nothing is accepted any more at first; what was is answered, and told
//! that it was the last; only then does the server stop, and ends connections that are idle. Where
//! the service manager holds the sockets, new connections wait for the next process meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_rt::signal::unix::{SignalKind, signal};
use actix_rt::time::sleep;
use actix_server::ServerHandle;
use futures_util::future::{Either, select};

/// How long what was accepted has to ask. A proxy asks as soon as it is connected.
const LAST_CALL: Duration = Duration::from_millis(200);

/// Whether the service is about to end; shared by all connections.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Whether each answer is its connection's last.
    pub(super) fn is_near(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Stops the server at SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When signals can't be listened to.
    pub(super) fn at_signal(self, server: ServerHandle) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        actix_rt::spawn(async move {
            let first = select(Box::pin(terminate.recv()), Box::pin(interrupt.recv())).await;
            if matches!(first, Either::Left((None, _)) | Either::Right((None, _))) {
                return;
            }
            server.pause().await;
            self.0.store(true, Ordering::Relaxed);
            sleep(LAST_CALL).await;
            server.stop(true).await;
        });
        Ok(())
    }
}
