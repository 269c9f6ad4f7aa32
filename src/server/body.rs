//! What a refusal says to whom: `application/problem+json` (RFC 9457), a small HTML page or plain
//! text, by `Accept`. At most about a kilobyte: proxies cut long ones.

use actix_http::body::BoxBody;
use actix_http::header::{self, HeaderValue};
use actix_http::{Request, Response, StatusCode};
use actix_web::http::header::{Accept, Header as _, Quality};
use serde_json::json;

use crate::endpoint::{Endpoint, Problem};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Html,
    Text,
}

/// A response with a body about the problem.
pub(super) fn problem(
    status: StatusCode,
    problem: &Problem,
    request: &Request,
) -> Response<BoxBody> {
    let format = format(request);
    let (content_type, body) = match format {
        Format::Json => ("application/problem+json", json(status, problem)),
        Format::Html => ("text/html; charset=utf-8", html(status, problem)),
        Format::Text => ("text/plain; charset=utf-8", text(problem)),
    };
    let mut response = Response::with_body(status, BoxBody::new(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The response on a path that is no endpoint's: a mistake in the proxy's configuration.
pub(super) fn no_endpoint(request: &Request) -> Response<BoxBody> {
    let paths: Vec<&str> = Endpoint::ALL
        .iter()
        .map(|endpoint| endpoint.path())
        .collect();
    let about = Problem {
        code: "no_endpoint",
        title: "There is no such endpoint",
        detail: format!(
            "the endpoints are {}, with /POLICY or, but for the last, without.",
            paths.join(", ")
        ),
    };
    let mut response = problem(StatusCode::NOT_FOUND, &about, request);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The best of our formats that the client takes (RFC 9110 §12.5.1); JSON where it doesn't say, or
/// takes none.
fn format(request: &Request) -> Format {
    let Ok(accept) = Accept::parse(request) else {
        return Format::Json;
    };
    // Of equals the first, which is the one for programs.
    let formats = [Format::Json, Format::Text, Format::Html];
    let mut best = (Quality::ZERO, Format::Json);
    for format in formats {
        let quality = quality(&accept, format);
        if quality > best.0 {
            best = (quality, format);
        }
    }
    best.1
}

/// What the most exact range that covers a format says of it.
fn quality(accept: &Accept, format: Format) -> Quality {
    let (kind, names): (&str, &[&str]) = match format {
        Format::Json => ("application", &["problem+json", "json"]),
        Format::Html => ("text", &["html"]),
        Format::Text => ("text", &["plain"]),
    };
    let exactness = |range: &mime::Mime| match (range.type_().as_str(), range.subtype().as_str()) {
        (a, _)
            if a == kind
                && names
                    .iter()
                    .any(|name| range.essence_str().ends_with(&format!("/{name}"))) =>
        {
            3
        }
        (a, "*") if a == kind => 2,
        ("*", "*") => 1,
        _ => 0,
    };
    let covering = accept
        .0
        .iter()
        .map(|item| (exactness(&item.item), item.quality));
    let best = covering.filter(|(exactness, _)| *exactness > 0).max();
    best.map_or(Quality::ZERO, |(_, quality)| quality)
}

fn json(status: StatusCode, problem: &Problem) -> String {
    json!({
        "type": "about:blank",
        "title": problem.title,
        "status": status.as_u16(),
        "detail": problem.detail,
        "code": problem.code,
    })
    .to_string()
}

fn text(problem: &Problem) -> String {
    format!("{}: {}\n", problem.title, problem.detail)
}

fn html(status: StatusCode, problem: &Problem) -> String {
    let detail = problem
        .detail
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{status} {title}</title>\n\
         <style>body{{font:1.1em/1.5 sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;\
         overflow-wrap:anywhere}}</style>\n\
         <main>\n<h1>{title}</h1>\n<p>{detail}</p>\n<p>Status {status}.</p>\n</main>\n</html>\n",
        status = status.as_u16(),
        title = problem.title,
    )
}
