//! The admin listener: health for monitors, and reloads for our own commands.
//!
//! It never shares an address with the endpoints, so nothing that a request describes can reach
//! it. A change needs a header that no web page can send to another site unasked.

use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::guard::{self, Guard};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::{Deserialize, Serialize};

use super::Bound;
/// The header that names the configuration whose service is meant.
pub const CONFIG_HEADER: &str = "x-htgate-config";

/// The header that names the store whose keys were changed.
pub const STORE_HEADER: &str = "x-htgate-store";

/// What a change answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// What was wrong; nothing means that the new state answers.
    pub problem: Option<String>,
    /// What is worth saying besides.
    pub warnings: Vec<String>,
}

/// What the admin listener can do; the application behind it. Nothing here is async.
pub trait Control: Send + Sync + 'static {
    /// Whether this is the service of that configuration, told by its path without links.
    fn serves(&self, config: &[u8]) -> bool;

    /// Whether every question can be answered: users are loaded whenever we run, so it is the key
    /// store that counts.
    ///
    /// # Errors
    /// What is away.
    fn ready(&self) -> Result<(), String>;

    /// Metrics, in the text format of `OpenMetrics`.
    fn metrics(&self) -> String;

    /// Reads everything anew, and says what is worth saying.
    ///
    /// # Errors
    /// What was wrong; nothing has changed then.
    fn reload(&self) -> Result<Vec<String>, String>;

    /// Reads users and groups anew.
    ///
    /// # Errors
    /// What can't be used.
    fn refresh_users(&self) -> Result<(), String>;

    /// Takes up every change of keys in the store of this identity.
    ///
    /// # Errors
    /// That the store is away, or another one than the service's.
    fn refresh_keys(&self, store: &str) -> Result<(), String>;
}

/// Serves the admin listener on one thread of its own.
///
/// # Errors
/// When the listener can't be handed to it.
pub fn serve(control: Arc<dyn Control>, listener: Bound) -> std::io::Result<Server> {
    let control = web::Data::from(control);
    let server = HttpServer::new(move || {
        let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
        App::new()
            .app_data(control.clone())
            .wrap(DefaultHeaders::new().add(no_store))
            .service(
                web::resource("/healthz")
                    .guard(reading())
                    .to(async || "ok\n"),
            )
            .service(web::resource("/readyz").guard(reading()).to(ready))
            .service(web::resource("/metrics").guard(reading()).to(metrics))
            .route("/reload", web::post().to(reload))
            .route("/refresh/users", web::post().to(refresh_users))
            .route("/refresh/keys", web::post().to(refresh_keys))
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

/// What monitors look with.
fn reading() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

async fn ready(control: web::Data<dyn Control>) -> HttpResponse {
    match control.ready() {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("{error}\n")),
    }
}

async fn metrics(control: web::Data<dyn Control>) -> HttpResponse {
    // The store is asked whether it is there.
    let control = control.into_inner();
    match web::block(move || control.metrics()).await {
        Ok(text) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Err(error) => HttpResponse::InternalServerError().body(format!("{error}\n")),
    }
}

async fn reload(control: web::Data<dyn Control>, request: HttpRequest) -> HttpResponse {
    change(control, &request, <dyn Control>::reload).await
}

async fn refresh_users(control: web::Data<dyn Control>, request: HttpRequest) -> HttpResponse {
    let refresh = |control: &dyn Control| control.refresh_users().map(|()| Vec::new());
    change(control, &request, refresh).await
}

async fn refresh_keys(control: web::Data<dyn Control>, request: HttpRequest) -> HttpResponse {
    let store = request.headers().get(STORE_HEADER);
    let store = store.map(|store| String::from_utf8_lossy(store.as_bytes()).into_owned());
    let store = store.unwrap_or_default();
    let refresh = move |control: &dyn Control| control.refresh_keys(&store).map(|()| Vec::new());
    change(control, &request, refresh).await
}

async fn change(
    control: web::Data<dyn Control>,
    request: &HttpRequest,
    change: impl FnOnce(&dyn Control) -> Result<Vec<String>, String> + Send + 'static,
) -> HttpResponse {
    let meant = request.headers().get(CONFIG_HEADER);
    if !meant.is_some_and(|config| control.serves(config.as_bytes())) {
        return HttpResponse::Conflict().body("this is the service of another configuration\n");
    }
    let control = control.into_inner();
    let done = web::block(move || change(control.as_ref())).await;
    let (problem, warnings) = match done {
        Ok(Ok(warnings)) => (None, warnings),
        Ok(Err(problem)) => (Some(problem), Vec::new()),
        Err(error) => (Some(error.to_string()), Vec::new()),
    };
    HttpResponse::Ok().json(Report { problem, warnings })
}
