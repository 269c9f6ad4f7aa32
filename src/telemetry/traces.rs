//! Traces: a span for each decision, told to a collector by OTLP over HTTP. It continues the proxy's
//! trace (`traceparent`, W3C Trace Context); what the proxy doesn't sample isn't told.
//!
//! Spans wait for a thread of their own: no decision waits for a collector, and one that is away
//! costs what doesn't fit into the queue.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::net::ToSocketAddrs as _;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::HeaderName;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::Decided;
use crate::endpoint::{Answer, Trouble};
use crate::request::{Field, Headers};

/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(2);

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Tells a collector of decisions.
pub(super) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Traces {
    /// To the collector at this `http://host:port`.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub(super) fn to(collector: &str) -> io::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Poster)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{collector}/v1/traces"))
            .with_timeout(PATIENCE)
            .build()
            .map_err(io::Error::other)?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("htgate").build())
            .build();
        Ok(Self {
            tracer: provider.tracer("htgate"),
            provider,
            propagator: TraceContextPropagator::new(),
        })
    }

    pub(super) fn decided(&self, decided: &Decided<'_>) {
        let parent = self
            .propagator
            .extract(&Carrier(decided.description.headers));
        let answer = &decided.answered.answer;
        let ended = SystemTime::now();
        let attributes = [
            KeyValue::new("htgate.endpoint", decided.route.endpoint.path()),
            KeyValue::new("htgate.policy", decided.answered.policy.to_owned()),
            KeyValue::new("htgate.realm", decided.realm().to_owned()),
            KeyValue::new("htgate.code", answer.code()),
            KeyValue::new("htgate.means", decided.answered.means.as_str()),
            KeyValue::new("http.response.status_code", i64::from(answer.status())),
        ];
        let span = self
            .tracer
            .span_builder("decision")
            .with_kind(SpanKind::Server);
        let span = span.with_start_time(ended.checked_sub(decided.took).unwrap_or(ended));
        let span = span.with_attributes(attributes);
        let mut span = span.start_with_context(&self.tracer, &parent);
        if matches!(answer, Answer::Trouble(trouble) if !matches!(trouble, Trouble::Throttled(_))) {
            span.set_status(Status::error(answer.reason()));
        }
        span.end_with_timestamp(ended);
    }

    /// Tells what is left.
    pub(super) fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "some traces were not told");
        }
    }
}

/// The proxy's word on the trace; doubled or unreadable is none.
struct Carrier<'a>(&'a dyn Headers);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let name = [&TRACEPARENT, &TRACESTATE]
            .into_iter()
            .find(|name| *name == key)?;
        match self.0.field(name) {
            Field::Once(value) => std::str::from_utf8(value).ok(),
            Field::Absent | Field::Repeated => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT.as_str(), TRACESTATE.as_str()]
    }
}

/// Posts to a collector on this machine or network; each on a connection of its own.
#[derive(Debug)]
struct Poster;

#[async_trait]
impl HttpClient for Poster {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // On a thread that does nothing else.
        Ok(post(&request)?)
    }
}

fn post(request: &Request<Bytes>) -> io::Result<Response<Bytes>> {
    let uri = request.uri();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut addresses = authority.to_socket_addrs()?;
    let address = addresses
        .next()
        .ok_or_else(|| io::Error::other("no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let body = request.body();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        uri.path(),
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let head = parsed.parse(answer.get(..read).unwrap_or_default());
    head.map_err(io::Error::other)?;
    let status = parsed.code.unwrap_or(502);
    let response = Response::builder().status(status).body(Bytes::new());
    response.map_err(io::Error::other)
}
