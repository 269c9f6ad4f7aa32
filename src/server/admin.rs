//! The admin listener: health for monitors, and reloads for our own commands.
//!
//! It never shares an address with the endpoints, so nothing that a request describes can reach
//! it. A change needs a header that no web page can send to another site unasked.

use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::{Deserialize, Serialize};

use super::Bound;
use crate::app::{Application, BuildError};

/// The header that names the configuration whose service is meant.
pub const CONFIG_HEADER: &str = "x-htgate-config";

/// What a change answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// What was wrong; nothing means that the new state answers.
    pub problem: Option<String>,
    /// What is worth saying besides.
    pub warnings: Vec<String>,
}

/// Serves the admin listener on one thread of its own.
///
/// # Errors
/// When the listener can't be handed to it.
pub fn serve(app: &Arc<Application>, listener: Bound) -> std::io::Result<Server> {
    let app = web::Data::from(Arc::clone(app));
    let server = HttpServer::new(move || {
        let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
        App::new()
            .app_data(app.clone())
            .wrap(DefaultHeaders::new().add(no_store))
            .route("/healthz", web::get().to(async || "ok\n"))
            .route("/readyz", web::get().to(ready))
            .route("/reload", web::post().to(reload))
            .route("/refresh", web::post().to(refresh))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1);
    let server = match listener {
        Bound::Tcp(listener) => server.listen(listener)?,
        Bound::Unix(listener) => server.listen_uds(listener)?,
    };
    Ok(server.run())
}

/// Ready means that every question can be answered: users are loaded whenever we run, so it is
/// the key store that counts.
async fn ready(app: web::Data<Application>) -> HttpResponse {
    match app.ready() {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("{error}\n")),
    }
}

async fn reload(app: web::Data<Application>, request: HttpRequest) -> HttpResponse {
    change(app, &request, Application::reload).await
}

async fn refresh(app: web::Data<Application>, request: HttpRequest) -> HttpResponse {
    change(app, &request, |app| app.refresh().map(|()| Vec::new())).await
}

async fn change(
    app: web::Data<Application>,
    request: &HttpRequest,
    change: fn(&Application) -> Result<Vec<String>, BuildError>,
) -> HttpResponse {
    let meant = request
        .headers()
        .get(CONFIG_HEADER)
        .map(HeaderValue::as_bytes);
    if meant != Some(app.source().identity().as_os_str().as_encoded_bytes()) {
        return HttpResponse::Conflict().body("this is the service of another configuration\n");
    }
    let done = web::block(move || change(&app)).await;
    let report = match done {
        Ok(Ok(warnings)) => Report {
            problem: None,
            warnings,
        },
        Ok(Err(error)) => Report {
            problem: Some(error.to_string()),
            warnings: Vec::new(),
        },
        Err(error) => Report {
            problem: Some(error.to_string()),
            warnings: Vec::new(),
        },
    };
    HttpResponse::Ok().json(report)
}
