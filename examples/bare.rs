//! The limit: an actix-web handler that decides nothing and always says 200, with the headers that
//! htgate sends. Usage: `bare ADDRESS [WORKERS]`. What htgate is measured against.

use actix_web::{App, HttpResponse, HttpServer, web};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9190".to_owned());
    let workers = args.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    actix_web::rt::System::new().block_on(
        HttpServer::new(|| App::new().default_service(web::to(allow)))
            .workers(workers)
            .bind(address)?
            .run(),
    )
}

async fn allow() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-auth-user", "alice"))
        .insert_header(("x-auth-groups", "staff"))
        .insert_header(("x-auth-scopes", "-"))
        .insert_header(("x-auth-method", "basic"))
        .insert_header(("x-auth-realm", "bench"))
        .insert_header(("x-auth-key", "-"))
        .finish()
}
