//! `htgate key`: the life of an API key.

mod args;
mod shown;

use std::io::{self, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) use args::Command;
use args::{Create, Import, List, New, Update};
use shown::{described, shown, state, time};

use super::input::{Ask, secret};
use super::running::{Refreshed, refresh};
use super::{ConfigArg, Exit, Failure};
use crate::app::{LOOK, open_key_store};
use crate::config::{Settings, Source};
use crate::identity::{ApiKey, ApiKeyDigest, Label, Scope, ScopeSet};
use crate::request::network::Network;
use crate::store::SqliteStore;
use crate::store::api_keys::{Change, Changes, Expiry, ImportedKey, KeyError, NewKey, parse_span};

/// A configuration with its key store.
struct Keys {
    source: Source,
    settings: Settings,
    store: SqliteStore,
    shared: bool,
}

impl Keys {
    fn open(config: ConfigArg) -> Result<Self, Failure> {
        let (source, settings) = config.load()?;
        // SQLite keeps this file as long as any process has the store open.
        let mut index = settings.api_keys.store.clone().into_os_string();
        index.push("-shm");
        let shared = Path::new(&index).exists();
        let store = open_key_store(&settings.api_keys)?;
        Ok(Self {
            source,
            settings,
            store,
            shared,
        })
    }

    /// What the command line says of a new key, with every mistake named.
    fn new_key(&self, new: &New, now: Timestamp) -> Result<NewKey, Failure> {
        if !self.settings.realm(&new.realm).map_err(usage)?.has_keys() {
            return Err(usage(format_args!(
                "realm {:?} accepts no keys; it needs api_keys = true in {}",
                new.realm,
                self.source.path().display()
            )));
        }
        Ok(NewKey {
            name: label("--name", &new.name)?,
            realm: new.realm.clone(),
            owner: new
                .owner
                .as_deref()
                .map(|owner| label("--owner", owner))
                .transpose()?,
            scopes: scopes(&new.scopes)?,
            networks: networks(&new.networks)?,
            expires: match &new.expires {
                Some(when) => expiry(when, now)?.into(),
                None => None,
            },
        })
    }

    /// Makes the change answer in the running service. Another one may have the store too, whose
    /// admin listener isn't known here: it looks for changes by itself, and that is waited for.
    fn in_force(&self) -> Result<(), Failure> {
        let answered = refresh(&self.source, &self.settings)?;
        if self.shared && answered == Refreshed::Nobody {
            thread::sleep(LOOK * 4);
        }
        Ok(())
    }

    /// Prints what can be told only once, come what may, and makes the change answer.
    fn tell_and_enforce(&self, line: &str) -> Result<(), Failure> {
        let told = print(&format!("{line}\n"));
        self.in_force()?;
        told
    }
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    let now = Timestamp::now();
    match command {
        Command::Create(args) => create(args, now),
        Command::Import(args) => import(args, now),
        Command::List(args) => list(args, now),
        Command::Show(args) => {
            let keys = Keys::open(args.config)?;
            let record = keys.store.get(&args.key).map_err(failed)?;
            if args.json {
                return print(&format!("{:#}\n", described(&record, now)));
            }
            print(&shown(&record, now))
        }
        Command::Update(args) => update(args, now),
        Command::Rotate(args) => rotate(&args.key, &args.grace, args.config, now),
        Command::Revoke(args) => {
            let mut keys = Keys::open(args.config)?;
            keys.store.revoke(&args.key, now).map_err(failed)?;
            keys.in_force()
        }
        Command::Delete(args) => {
            let mut keys = Keys::open(args.config)?;
            keys.store.delete(&args.key).map_err(failed)?;
            keys.in_force()
        }
    }
}

fn create(args: Create, now: Timestamp) -> Result<(), Failure> {
    let mut keys = Keys::open(args.config)?;
    let new = keys.new_key(&args.new, now)?;
    let prefix = keys.settings.api_keys.prefix.clone();
    let made = keys.store.create(new, &prefix, now);
    let (record, key) = made.map_err(failed)?;
    let told = if args.json {
        format!(
            "{:#}",
            json!({ "id": record.id.as_str(), "key": key.expose_secret() })
        )
    } else {
        key.expose_secret().to_owned()
    };
    keys.tell_and_enforce(&told)
}

fn import(args: Import, now: Timestamp) -> Result<(), Failure> {
    let mut keys = Keys::open(args.config)?;
    let new = keys.new_key(&args.new, now)?;
    let value = secret("Key", Ask::Once)?;
    let imported = if args.sha256 {
        let text = String::from_utf8_lossy(&value);
        ImportedKey::Digest(ApiKeyDigest::from_hex(text.trim()).map_err(usage)?)
    } else {
        ImportedKey::Plaintext(ApiKey::parse(&value).map_err(usage)?)
    };
    let prefix = keys.settings.api_keys.prefix.clone();
    let record = keys.store.import(new, &imported, &prefix, now);
    let record = record.map_err(failed)?;
    keys.tell_and_enforce(record.id.as_str())
}

fn list(args: List, now: Timestamp) -> Result<(), Failure> {
    let keys = Keys::open(args.config)?;
    let records = keys.store.list(args.realm.as_deref())?;
    if args.json {
        let all: Vec<Value> = records
            .iter()
            .map(|record| described(record, now))
            .collect();
        return print(&format!("{:#}\n", Value::Array(all)));
    }
    let mut text = format!(
        "{:<13}{:<9}{:<21}{:<14}NAME\n",
        "ID", "STATE", "EXPIRES", "REALM"
    );
    for record in &records {
        let end = record
            .expires
            .map_or_else(|| "never".to_owned(), |at| time(Some(at)));
        let state = state(record, now);
        let row = format!(
            "{:<13}{state:<9}{end:<21}{:<14}{}\n",
            record.id, record.realm, record.name
        );
        text.push_str(&row);
    }
    print(&text)
}

fn update(args: Update, now: Timestamp) -> Result<(), Failure> {
    let mut keys = Keys::open(args.config)?;
    let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let bare = |list: Vec<String>| -> Vec<String> {
        list.into_iter().filter(|item| !item.is_empty()).collect()
    };
    let changes = Changes {
        name: args
            .name
            .as_deref()
            .map(|name| label("--name", name))
            .transpose()?,
        owner: match args.owner.as_deref() {
            None => Change::Keep,
            Some("") => Change::Remove,
            Some(owner) => Change::Set(label("--owner", owner)?),
        },
        scopes: given(args.scopes)
            .map(|list| scopes(&bare(list)))
            .transpose()?,
        networks: given(args.networks)
            .map(|list| networks(&bare(list)))
            .transpose()?,
        expires: match args.expires {
            None => Change::Keep,
            Some(when) => match expiry(&when, now)? {
                Expiry::Never => Change::Remove,
                Expiry::At(at) => Change::Set(at),
            },
        },
    };
    keys.store.update(&args.key, changes).map_err(failed)?;
    keys.in_force()
}

fn rotate(key: &str, grace: &str, config: ConfigArg, now: Timestamp) -> Result<(), Failure> {
    let grace: Duration = parse_span(grace).map_err(|e| usage(format_args!("--grace: {e}")))?;
    let mut keys = Keys::open(config)?;
    let prefix = keys.settings.api_keys.prefix.clone();
    let rotated = keys.store.rotate(key, &prefix, grace, now);
    let (_, new) = rotated.map_err(failed)?;
    keys.tell_and_enforce(new.expose_secret())
}

fn usage(message: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// A mistake in the request is the caller's; anything else is the store's. What was given as an id
/// is not repeated: it may be a key.
pub(super) fn failed(error: KeyError) -> Failure {
    match error {
        KeyError::Store(error) => error.into(),
        error => Failure::new(Exit::No, error),
    }
}

fn label(option: &str, raw: &str) -> Result<Label, Failure> {
    Label::parse(raw).map_err(|e| usage(format_args!("{option} {raw:?}: {e}")))
}

fn expiry(raw: &str, now: Timestamp) -> Result<Expiry, Failure> {
    Expiry::parse(raw, now).map_err(|e| usage(format_args!("--expires: {e}")))
}

fn scopes(raw: &[String]) -> Result<ScopeSet, Failure> {
    raw.iter()
        .map(|text| Scope::parse(text).map_err(|e| usage(format_args!("--scope {text:?}: {e}"))))
        .collect()
}

fn networks(raw: &[String]) -> Result<Vec<IpNet>, Failure> {
    raw.iter()
        .map(|text| Network::parse(text).map(IpNet::from))
        .map(|network| network.map_err(|e| usage(format_args!("--ip: {e}"))))
        .collect()
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
