//! `htgate explain`.

use std::io::{self, Write as _};
use std::sync::Arc;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::key::failed;
use super::{ConfigArg, Failure};
use crate::app::{Application, open_key_store};
use crate::authn::{Realm, judge_key};
use crate::decision::{Outcome, Rejection};
use crate::endpoint::{Endpoint, Reply, Trouble};
use crate::gate::{Answered, Interaction, Opening, World};
use crate::identity::{ApiKeyRecord, Identity, Username};
use crate::request::Description;
use crate::request::path::Uri;

/// Say how one request would be decided, and why: rule, policy, answer, header by header
///
/// Nothing is asked of the running service; the files are read as they are now. The exit status
/// is 0 where the answer is 200, else 1.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  htgate explain --host app.example --uri /admin --user alice
  htgate explain --endpoint auth-request --policy staff --key backup
  htgate explain --host app.example --uri /api/items --method POST --key backup --json")]
pub(super) struct Args {
    /// Which way the proxy asks
    #[arg(long, value_enum, default_value = "forward-auth")]
    endpoint: Dialect,
    /// The policy that the endpoint's path names, instead of the rules
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// The original host
    #[arg(long)]
    host: Option<String>,
    /// The original path, as the proxy sends it
    #[arg(long)]
    uri: Option<String>,
    /// The original method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The client's address
    #[arg(long, value_name = "ADDRESS", default_value = "192.0.2.1")]
    client: String,
    /// Suppose this user gave the right password
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    user: Option<String>,
    /// Suppose this key, by id or name, was presented
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dialect {
    AuthRequest,
    ForwardAuth,
}

impl From<Dialect> for Endpoint {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::AuthRequest => Self::AuthRequest,
            Dialect::ForwardAuth => Self::ForwardAuth,
        }
    }
}

/// What is to be said.
struct Explanation {
    readings: Vec<String>,
    rule: Option<usize>,
    policy: String,
    realm: Option<String>,
    why: String,
    reply: Reply,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let Args {
        endpoint,
        policy,
        host,
        uri,
        method,
        client,
        user,
        key,
        json,
        config,
    } = args;
    let (source, settings) = config.load()?;
    settings.usable()?;
    let identity = match (&user, &key) {
        (None, None) => Supposed::Nobody,
        (Some(name), _) => Supposed::User(name.clone()),
        (None, Some(id)) => {
            let mut store = open_key_store(&settings.api_keys)?;
            let record = store.get(id).map_err(failed)?;
            Supposed::Key(Arc::new(record))
        }
    };
    let app = Application::build(source, settings, &Arc::default())?;
    let world = app.gate().world();

    let endpoint = Endpoint::from(endpoint);
    let headers = headers(endpoint, &method, host.as_deref(), uri.as_deref(), &client);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, *v)).collect();
    let headers = headers.as_slice();
    let description = endpoint.describe(&headers);
    let answered = answer(&world, policy.as_deref(), &description, &identity);
    let explained = Explanation {
        readings: Vec::new(),
        rule: answered.rule,
        policy: answered.policy.to_owned(),
        realm: answered.realm.map(str::to_owned),
        why: answered.answer.reason(),
        reply: endpoint.reply(&answered.answer, &world.identity_headers),
    }
    .with_readings(uri.as_deref());
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{:#}", explained.json())?;
    } else {
        write!(out, "{}", explained.text())?;
    }
    if explained.reply.status == 200 {
        Ok(())
    } else {
        Err(Failure::no())
    }
}

/// Who is supposed to have proven themselves.
enum Supposed {
    Nobody,
    User(String),
    Key(Arc<ApiKeyRecord>),
}

/// The headers in which this endpoint's proxy would describe the request.
fn headers<'a>(
    endpoint: Endpoint,
    method: &'a str,
    host: Option<&'a str>,
    uri: Option<&'a str>,
    client: &'a str,
) -> Vec<(&'static str, &'a str)> {
    let names = match endpoint {
        Endpoint::AuthRequest => [
            "x-original-method",
            "x-original-host",
            "x-original-uri",
            "x-real-ip",
        ],
        Endpoint::ForwardAuth => [
            "x-forwarded-method",
            "x-forwarded-host",
            "x-forwarded-uri",
            "x-forwarded-for",
        ],
    };
    let values = [Some(method), host, uri, Some(client)];
    names
        .into_iter()
        .zip(values)
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The answer of the gate, with the proof supposed.
fn answer<'w>(
    world: &'w World,
    named: Option<&str>,
    description: &Description<'_>,
    supposed: &Supposed,
) -> Answered<'w> {
    let case = match world.open(named, description) {
        Opening::Answered(answered) => return answered,
        Opening::Asks(case) => case,
    };
    let client = world.client(description);
    let outcome = match supposed {
        Supposed::Nobody => Ok(Outcome::Rejected(Rejection::Absent)),
        Supposed::User(name) => Ok(user(name, case.realm)),
        Supposed::Key(_) if case.realm.keys.is_none() => {
            Ok(Outcome::Rejected(Rejection::NotAccepted))
        }
        Supposed::Key(key) => {
            judge_key(key, case.realm, Timestamp::now(), &client).map_err(Trouble::from)
        }
    };
    case.conclude(outcome, &client, || Interaction::Possible)
}

/// The outcome of that user's right password.
fn user(name: &str, realm: &Realm) -> Outcome {
    let known = realm
        .users
        .as_ref()
        .and_then(|users| users.get(name.as_bytes()));
    match (Username::parse(name.as_bytes()), known) {
        (Ok(name), Some(entry)) if entry.is_live() => {
            let groups = realm.groups.groups_of(name.as_bytes());
            Outcome::Verified(Identity::User { name, groups })
        }
        _ => Outcome::Rejected(Rejection::Password),
    }
}

impl Explanation {
    /// The same, with what the path can be read as, or why it can't.
    fn with_readings(mut self, uri: Option<&str>) -> Self {
        match uri.map(|uri| Uri::parse(uri.as_bytes()).and_then(|uri| uri.readings())) {
            Some(Ok(readings)) => self.readings = readings,
            Some(Err(no_reading)) => self.why = format!("{} ({no_reading})", self.why),
            None => {}
        }
        self
    }

    fn json(&self) -> Value {
        let headers = self.reply.headers.iter();
        let headers: Vec<Value> = headers
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect();
        json!({
            "readings": self.readings,
            "rule": self.rule,
            "policy": self.policy,
            "realm": self.realm,
            "status": self.reply.status,
            "reason": self.why,
            "headers": headers,
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let line = format!("{name:<9} {value}\n");
            text.push_str(&line);
        };
        for reading in &self.readings {
            line("reading", reading);
        }
        let rule = self
            .rule
            .map_or_else(|| "none".to_owned(), |rule| format!("no. {rule}"));
        line("rule", &rule);
        line("policy", &self.policy);
        line("realm", self.realm.as_deref().unwrap_or("-"));
        line("reason", &self.why);
        line("status", &self.reply.status.to_string());
        for (name, value) in &self.reply.headers {
            line(
                "header",
                &format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())),
            );
        }
        text
    }
}
