//! The limit: an actix-web handler that decides nothing and always says 200, with the headers that
//! htgate sends. Usage: `bare [ADDRESS [WORKERS [basic|api-key]]]`, the address as `host:port` or
//! `unix:/path`. What htgate is measured against; see `docs/performance.md`.

use actix_web::{App, HttpResponse, HttpServer, web};

/// What htgate says of a user, and of a key.
const BASIC: [(&str, &str); 7] = [
    ("x-auth-realm", "intranet"),
    ("x-auth-groups", "staff"),
    ("x-auth-user", "alice"),
    ("x-auth-scopes", "-"),
    ("x-auth-method", "basic"),
    ("x-auth-key", "-"),
    ("cache-control", "no-store"),
];
const API_KEY: [(&str, &str); 7] = [
    ("x-auth-realm", "intranet"),
    ("x-auth-groups", "-"),
    ("x-auth-user", "robot"),
    ("x-auth-scopes", "staff"),
    ("x-auth-method", "api-key"),
    ("x-auth-key", "0123456789ab"),
    ("cache-control", "no-store"),
];

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9190".to_owned());
    let workers = args.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let headers = match args.next().as_deref() {
        Some("api-key") => &API_KEY,
        _ => &BASIC,
    };
    let server = move || {
        HttpServer::new(move || {
            App::new().default_service(web::to(move || async { allow(headers) }))
        })
        .workers(workers)
    };
    actix_web::rt::System::new().block_on(async {
        match address.strip_prefix("unix:") {
            Some(path) => server().bind_uds(path)?.run().await,
            None => server().bind(address)?.run().await,
        }
    })
}

fn allow(headers: &[(&'static str, &'static str)]) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    for header in headers {
        answer.insert_header(*header);
    }
    answer.finish()
}
