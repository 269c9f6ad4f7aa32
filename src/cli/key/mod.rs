//! `htgate key`: the life of an API key.

mod args;
mod shown;

use std::io::{self, BufWriter, Write as _};
use std::path::absolute;
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::json;

pub(super) use args::Command;
use args::{Create, Import, List, Migrate, New, Update};
use shown::{described, shown, state, time};

use super::account::{self, Account};
use super::input::{Ask, secret};
use super::running::{self, Refreshed, refresh};
use super::{ConfigArg, Exit, Failure};
use crate::app::{LOOK, open_key_store};
use crate::config::{ApiKeySettings, Settings, Source};
use crate::identity::{ApiKey, ApiKeyDigest, ApiKeyRecord, Label, Scope, ScopeSet};
use crate::request::network::Network;
use crate::store::api_keys::{Change, Changes, Expiry, ImportedKey, KeyError, NewKey, parse_span};
use crate::store::{KeyStore, Place};
use crate::telemetry::audit::Event;

/// A configuration with its key store.
struct Keys {
    source: Source,
    settings: Settings,
    store: KeyStore,
}

/// What a command changes there, to be accounted for.
struct Edited {
    keys: Keys,
    account: Account,
}

impl Edited {
    /// Opens both before anything is changed.
    fn open(config: ConfigArg) -> Result<Self, Failure> {
        let keys = Keys::open(config)?;
        let account = Account::open(&keys.settings)?;
        Ok(Self { keys, account })
    }

    /// Makes the change answer, and writes down what it was.
    fn done(mut self, event: &str, record: &ApiKeyRecord) -> Result<(), Failure> {
        let written = self.account.changed(account::key(event, record));
        self.keys.in_force()?;
        written
    }

    /// The same, and first prints what can be told only once, come what may.
    fn told(self, event: &str, record: &ApiKeyRecord, line: &str) -> Result<(), Failure> {
        let told = print(&format!("{line}\n"));
        self.done(event, record)?;
        told
    }
}

impl Keys {
    fn open(config: ConfigArg) -> Result<Self, Failure> {
        let (source, settings) = config.load()?;
        let store = open_key_store(&settings.api_keys)?;
        Ok(Self {
            source,
            settings,
            store,
        })
    }

    /// Says so if what is read here is out of date.
    fn tell_if_moved(&mut self) -> Result<(), Failure> {
        if let Some(place) = self.store.moved_to()? {
            eprintln!("htgate: these keys were moved to {place}; this is what was left here");
        }
        Ok(())
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
    fn in_force(&mut self) -> Result<(), Failure> {
        let answered = refresh(
            running::Change::Keys(self.store.place()),
            &self.source,
            &self.settings,
        )?;
        if answered == Refreshed::Nobody && self.store.is_shared() {
            thread::sleep(LOOK * 4);
        }
        Ok(())
    }
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    let now = Timestamp::now();
    match command {
        Command::Create(args) => create(args, now),
        Command::Import(args) => import(args, now),
        Command::List(args) => list(args, now),
        Command::Show(args) => {
            let mut keys = Keys::open(args.config)?;
            keys.tell_if_moved()?;
            let record = keys.store.get(&args.key).map_err(failed)?;
            if args.json {
                return print(&format!("{:#}\n", described(&record, now)));
            }
            print(&shown(&record, now))
        }
        Command::Update(args) => update(args, now),
        Command::Rotate(args) => rotate(&args.key, &args.grace, args.config, now),
        Command::Revoke(args) => {
            let mut edited = Edited::open(args.config)?;
            let record = edited.keys.store.get(&args.key).map_err(failed)?;
            edited.keys.store.revoke(&args.key, now).map_err(failed)?;
            edited.done("key_revoked", &record)
        }
        Command::Migrate(args) => migrate(args),
        Command::Delete(args) => {
            let mut edited = Edited::open(args.config)?;
            let record = edited.keys.store.get(&args.key).map_err(failed)?;
            edited.keys.store.delete(&args.key).map_err(failed)?;
            edited.done("key_deleted", &record)
        }
    }
}

fn create(args: Create, now: Timestamp) -> Result<(), Failure> {
    let mut edited = Edited::open(args.config)?;
    let keys = &mut edited.keys;
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
    edited.told("key_created", &record, &told)
}

fn import(args: Import, now: Timestamp) -> Result<(), Failure> {
    let mut edited = Edited::open(args.config)?;
    let keys = &mut edited.keys;
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
    edited.told("key_imported", &record, record.id.as_str())
}

fn list(args: List, now: Timestamp) -> Result<(), Failure> {
    let mut keys = Keys::open(args.config)?;
    keys.tell_if_moved()?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        let mut before = "[\n";
        keys.store
            .each(args.realm.as_deref(), |record| {
                write!(out, "{before}{}", described(&record, now))?;
                before = ",\n";
                Ok(())
            })
            .map_err(failed)?;
        out.write_all(if before == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    } else {
        let head = ["ID", "STATE", "EXPIRES", "REALM", "NAME"];
        row(&mut out, head)?;
        keys.store
            .each(args.realm.as_deref(), |record| {
                let end = record
                    .expires
                    .map_or_else(|| "never".to_owned(), |at| time(Some(at)));
                let (id, name) = (record.id.as_str(), record.name.as_str());
                let state = state(&record, now);
                Ok(row(&mut out, [id, state, &end, &record.realm, name])?)
            })
            .map_err(failed)?;
    }
    Ok(out.flush()?)
}

fn row(out: &mut impl io::Write, [id, state, end, realm, name]: [&str; 5]) -> io::Result<()> {
    writeln!(out, "{id:<13}{state:<9}{end:<21}{realm:<14}{name}")
}

fn migrate(args: Migrate) -> Result<(), Failure> {
    let mut edited = Edited::open(args.config)?;
    let keys = &mut edited.keys;
    let here = |path: &str| absolute(path).unwrap_or_else(|_| path.into());
    let place = Place::parse(&args.to, here).map_err(|e| usage(format_args!("--to {e}")))?;
    if place == *keys.store.place() {
        return Err(usage("--to: the keys are there already"));
    }
    let settings = ApiKeySettings {
        store: place,
        ..keys.settings.api_keys.clone()
    };
    let mut other = open_key_store(&settings)?;
    let moved = keys.store.move_to(&mut other).map_err(failed)?;
    let place = settings.store.setting();
    let event = Event::now("keys_moved")
        .with("keys", moved)
        .with("to", &place);
    edited.account.changed(event)?;
    let file = edited.keys.source.path().display();
    let keys = if moved == 1 { "key was" } else { "keys were" };
    print(&format!(
        "{moved} {keys} moved to {place}. The old store takes no changes any more.\nNow make `store` in \
         [api_keys] of {file} that one, for each machine with the role that its service is to have, \
         and run `htgate reload`: until then a service answers from the old one.\n"
    ))
}

fn update(args: Update, now: Timestamp) -> Result<(), Failure> {
    let mut edited = Edited::open(args.config)?;
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
    let store = &mut edited.keys.store;
    let id = store.get(&args.key).map_err(failed)?.id;
    store.update(&args.key, changes).map_err(failed)?;
    let record = store.get(id.as_str()).map_err(failed)?;
    edited.done("key_updated", &record)
}

fn rotate(key: &str, grace: &str, config: ConfigArg, now: Timestamp) -> Result<(), Failure> {
    let grace: Duration = parse_span(grace).map_err(|e| usage(format_args!("--grace: {e}")))?;
    let mut edited = Edited::open(config)?;
    let prefix = edited.keys.settings.api_keys.prefix.clone();
    let rotated = edited.keys.store.rotate(key, &prefix, grace, now);
    let (record, new) = rotated.map_err(failed)?;
    edited.told("key_rotated", &record, new.expose_secret())
}

fn usage(message: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// A mistake in the request is the caller's; anything else is the store's. What was given as an id
/// is not repeated: it may be a key.
pub(super) fn failed(error: KeyError) -> Failure {
    match error {
        KeyError::Store(error) => error.into(),
        KeyError::Output(error) => error.into(),
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
