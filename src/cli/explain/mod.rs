//! `htgate explain`: the decision on one request, by the code that decides, and why.

mod advice;
mod told;
mod why;

use std::io::{self, Write as _};
use std::sync::Arc;

use clap::ValueEnum;
use jiff::Timestamp;

use super::key::failed;
use super::{ConfigArg, Failure};
use crate::app::{Application, open_key_store};
use crate::authn::{Realm, judge_key};
use crate::decision::{Outcome, Rejection};
use crate::endpoint::{Endpoint, Route, Trouble};
use crate::gate::{Answered, Interaction, Opening, World};
use crate::identity::{ApiKeyRecord, Identity, Username};
use crate::request::{Description, RequestLine};

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
    /// The client's address [default: 192.0.2.1]
    #[arg(long, value_name = "ADDRESS")]
    client: Option<String>,
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
    ExtAuthz,
}

impl From<Dialect> for Endpoint {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::AuthRequest => Self::AuthRequest,
            Dialect::ForwardAuth => Self::ForwardAuth,
            Dialect::ExtAuthz => Self::ExtAuthz,
        }
    }
}

/// A request as the administrator describes it.
struct Asked {
    endpoint: Endpoint,
    named: Option<String>,
    method: String,
    host: Option<String>,
    uri: Option<String>,
    client: String,
    /// Nobody said where it comes from.
    assumed: bool,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let (source, settings) = args.config.load()?;
    settings.usable()?;
    let supposed = match (args.user, args.key) {
        (None, None) => Supposed::Nobody,
        (Some(name), _) => Supposed::User(name),
        (None, Some(id)) => {
            let mut store = open_key_store(&settings.api_keys)?;
            let record = store.get(&id).map_err(failed)?;
            Supposed::Key(Arc::new(record))
        }
    };
    let asked = Asked {
        endpoint: args.endpoint.into(),
        named: args.policy,
        method: args.method,
        host: args.host,
        uri: args.uri,
        assumed: args.client.is_none(),
        client: args.client.unwrap_or_else(|| "192.0.2.1".to_owned()),
    };
    let app = Application::build(source, settings.clone(), &Arc::default())?;
    let world = app.gate().world();

    let headers = asked.headers();
    let headers = headers.as_slice();
    let route = asked.route();
    let description = route.describe(&headers);
    let answered = answer(&world, route.policy, &description, &supposed);
    let why = why::Why {
        asked: &asked,
        supposed: &supposed,
        settings: &settings,
        world: &world,
        description,
        answered: &answered,
    };
    let told = why.explanation();
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{:#}", told.json())?;
    } else {
        write!(out, "{}", told.text())?;
    }
    if told.reply.status == 200 {
        Ok(())
    } else {
        Err(Failure::no())
    }
}

impl Asked {
    fn route(&self) -> Route<'_> {
        let route = Route::new(self.endpoint, self.named.as_deref());
        if self.endpoint != Endpoint::ExtAuthz {
            return route;
        }
        let line = RequestLine {
            method: self.method.as_bytes(),
            uri: self.uri.as_deref().unwrap_or_default().as_bytes(),
        };
        Route { line, ..route }
    }

    /// The headers in which this endpoint's proxy would describe the request.
    fn headers(&self) -> Vec<(&'static str, &str)> {
        let (method, uri) = (Some(self.method.as_str()), self.uri.as_deref());
        let (host, client) = (self.host.as_deref(), Some(self.client.as_str()));
        let all = match self.endpoint {
            Endpoint::AuthRequest => vec![
                ("x-original-method", method),
                ("x-original-host", host),
                ("x-original-uri", uri),
                ("x-real-ip", client),
            ],
            Endpoint::ForwardAuth => vec![
                ("x-forwarded-method", method),
                ("x-forwarded-host", host),
                ("x-forwarded-uri", uri),
                ("x-forwarded-for", client),
            ],
            Endpoint::ExtAuthz => vec![("host", host), ("x-forwarded-for", client)],
        };
        let said = |(name, value): (_, Option<_>)| Some((name, value?));
        all.into_iter().filter_map(said).collect()
    }
}

/// Who is supposed to have proven themselves.
enum Supposed {
    Nobody,
    User(String),
    Key(Arc<ApiKeyRecord>),
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
