//! `htgate serve`.

use std::sync::Arc;

use actix_rt::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use super::{ConfigArg, Failure};
use crate::app::{Application, one_line};
use crate::config::{Settings, Source};
use crate::server::admin::Control;
use crate::server::{self, Bound, SocketFile};
use crate::supervisor;
use crate::telemetry::audit::Event;
use crate::telemetry::{self, Observer};

/// Run the service
///
/// SIGTERM lets requests finish, SIGHUP reads everything anew.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate serve --config /etc/htgate/htgate.toml")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let source = args.config.source();
    let (settings, advice) = source.load()?;
    settings.usable()?;
    telemetry::start(settings.log)?;
    for advice in advice {
        warn!("{advice}");
    }
    service(source, settings, |_| Ok(()))
}

/// Runs the service; `started` is told where it listens.
pub(super) fn service(
    source: Source,
    settings: Settings,
    started: impl FnOnce(&[String]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let socket = SocketFile {
        mode: settings.server.socket_mode,
        group: settings.server.socket_group.clone(),
    };
    let listeners = Bound::all(&settings.server.listen, &socket)?;
    // Whoever may ask may not therefore reload.
    let admin_socket = SocketFile {
        mode: 0o600,
        group: None,
    };
    let admin = Bound::bind(&settings.admin.listen, &admin_socket)?;
    let places: Vec<String> = listeners.iter().map(Bound::place).collect();
    let admin_place = admin.place();
    let workers = match settings.server.workers {
        0 => std::thread::available_parallelism()?.get(),
        workers => workers,
    };
    let observer = Arc::new(Observer::of(&settings)?);
    let app = Application::build(source, settings, &observer)?;
    app.watch()?;
    actix_rt::System::new().block_on(async {
        let gate = server::serve(app.gate(), &observer, listeners, workers)?;
        let admin = server::admin::serve(Arc::clone(&app) as Arc<dyn Control>, admin)?;
        let admin_handle = admin.handle();
        actix_rt::spawn(admin);
        reload_on_hangup(&app)?;
        info!(
            listen = places.join(", "),
            admin = admin_place,
            workers,
            "htgate answers"
        );
        observer.happened(Event::now("started").with("version", env!("CARGO_PKG_VERSION")));
        started(&places)?;
        supervisor::ready();
        actix_rt::spawn(supervisor::watch(Arc::clone(app.gate())));
        gate.await?;
        admin_handle.stop(true).await;
        actix_rt::task::spawn_blocking(move || app.flush())
            .await
            .map_err(std::io::Error::from)?;
        info!("htgate has stopped");
        observer.happened(Event::now("stopped"));
        observer.end();
        Ok(())
    })
}

/// Reads everything anew on SIGHUP, without making any request wait for it.
fn reload_on_hangup(app: &Arc<Application>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let app = Arc::clone(app);
    actix_rt::spawn(async move {
        while hangup.recv().await.is_some() {
            let app = Arc::clone(&app);
            let done = actix_rt::task::spawn_blocking(move || app.reload()).await;
            match done {
                Ok(Ok(_)) => {}
                Ok(Err(problem)) => error!("nothing was reloaded: {}", one_line(&problem)),
                Err(panic) => error!("the reload failed: {panic}"),
            }
        }
    });
    Ok(())
}
