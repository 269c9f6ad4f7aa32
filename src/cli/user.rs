//! `htgate user`: the htpasswd file of a realm.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use super::account::Account;
use super::input::{Ask, secret};
use super::running::{Change, refresh};
use super::{ConfigArg, Exit, Failure};
use crate::authn::KEY_USER;
use crate::config::{RealmSettings, Settings, Source};
use crate::identity::{Password, Shown, Username};
use crate::password_hash::{DEFAULT_BCRYPT_COST, MAX_PASSWORD_LEN, hash_bcrypt};
use crate::store::Htpasswd;
use crate::store::htpasswd::edit;
use crate::telemetry::audit::Event;

/// What bcrypt sees of a password, in bytes.
const BCRYPT_LENGTH: usize = 72;

/// Users of a realm: set, remove, list, verify
///
/// Edits the realm's htpasswd file as Apache's htpasswd would. When a command returns, its change
/// is in force in the running service.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a user, or change a password
    ///
    /// The password is asked for on a terminal, else read from standard input. It is stored as
    /// bcrypt.
    #[command(after_help = "Examples:
  htgate user set --realm intranet alice
  printf %s \"$PASSWORD\" | htgate user set --realm intranet alice")]
    Set(One),
    /// Remove a user
    #[command(after_help = "Example:\n  htgate user remove --realm intranet alice")]
    Remove(One),
    List(List),
    /// Say by the exit status whether a password is the user's: 0 if it is, else 1
    #[command(after_help = "Example:
  printf %s \"$PASSWORD\" | htgate user verify --realm intranet alice")]
    Verify(One),
}

#[derive(clap::Args)]
pub(super) struct One {
    /// The realm whose htpasswd file is meant
    #[arg(long, value_name = "R")]
    realm: String,
    /// The user
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    config: ConfigArg,
}

/// List the users of a realm, in the order of the file, with the kind of their hash
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate user list --realm intranet")]
pub(super) struct List {
    /// The realm whose htpasswd file is meant
    #[arg(long, value_name = "R")]
    realm: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

/// A realm with its file.
struct Users {
    source: Source,
    settings: Settings,
    realm: RealmSettings,
}

impl Users {
    fn of(realm: &str, config: ConfigArg) -> Result<Self, Failure> {
        let (source, settings) = config.load()?;
        let realm = settings
            .realm(realm)
            .map_err(|e| Failure::new(Exit::Usage, e))?
            .clone();
        Ok(Self {
            source,
            settings,
            realm,
        })
    }

    fn file(&self) -> Result<&Path, Failure> {
        self.realm.htpasswd.as_deref().ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format_args!("realm {:?} has no htpasswd file", self.realm.name),
            )
        })
    }

    fn read(&self) -> Result<Htpasswd, Failure> {
        let path = self.file()?;
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::Io, format_args!("{}: {why}", path.display()))
        };
        let bytes = fs::read(path).map_err(|error| failed(&error))?;
        Htpasswd::parse(&bytes, self.realm.allow_weak).map_err(|error| failed(&error))
    }

    /// What became of a user, for the audit log.
    fn event(&self, what: &str, name: &Username) -> Event {
        let event = Event::now(what).with("user", Shown(name.as_bytes()));
        event.with("realm", &self.realm.name)
    }

    fn in_force(&self) -> Result<(), Failure> {
        refresh(Change::Users, &self.source, &self.settings).map(|_| ())
    }
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Set(args) => set(args),
        Command::Remove(args) => remove(args),
        Command::List(args) => list(args),
        Command::Verify(args) => verify(args),
    }
}

fn set(args: One) -> Result<(), Failure> {
    let users = Users::of(&args.realm, args.config)?;
    let name = username(&args.name)?;
    if users.realm.has_keys() && name.as_bytes() == KEY_USER {
        let taken = "\"apikey\" stands for API keys in this realm, and can't be a user of it";
        return Err(Failure::new(Exit::Usage, taken));
    }
    let password = secret("Password", Ask::Twice)?;
    let unfit = |why: &str| Failure::new(Exit::Usage, format_args!("{why}; nothing was changed"));
    if password.len() > MAX_PASSWORD_LEN {
        return Err(unfit("the password is longer than 512 bytes"));
    }
    if password.iter().any(u8::is_ascii_control) {
        return Err(unfit(
            "the password holds a control character, which Basic can't carry",
        ));
    }
    if password.len() > BCRYPT_LENGTH {
        eprintln!(
            "htgate: note: bcrypt looks at the first {BCRYPT_LENGTH} bytes of a password only"
        );
    }
    let password = Password::new(password);
    let hash = hash_bcrypt(&password, DEFAULT_BCRYPT_COST)
        .map_err(|error| Failure::new(Exit::Io, error))?;
    let mut account = Account::open(&users.settings)?;
    edit::set(users.file()?, &name, &hash).map_err(|error| Failure::caused(Exit::Io, &error))?;
    let written = account.changed(users.event("user_set", &name));
    users.in_force()?;
    written
}

fn remove(args: One) -> Result<(), Failure> {
    let users = Users::of(&args.realm, args.config)?;
    let name = username(&args.name)?;
    let path = users.file()?;
    let mut account = Account::open(&users.settings)?;
    let removed = edit::remove(path, &name).map_err(|error| Failure::caused(Exit::Io, &error))?;
    if removed == 0 {
        return Err(unknown(&args.name, path));
    }
    let written = account.changed(users.event("user_removed", &name));
    users.in_force()?;
    written
}

fn verify(args: One) -> Result<(), Failure> {
    let users = Users::of(&args.realm, args.config)?;
    let file = users.read()?;
    let Some(entry) = file.get(args.name.as_bytes()) else {
        return Err(unknown(&args.name, users.file()?));
    };
    let hash = entry.hash().map_err(|why| {
        let place = format!("{}:{}", args.name, entry.line());
        Failure::new(
            Exit::No,
            format_args!("{place}: this user can't log in: {why}"),
        )
    })?;
    let password = Password::new(secret("Password", Ask::Once)?);
    if hash.verify(&password) {
        return Ok(());
    }
    Err(Failure::new(Exit::No, "that is not the password"))
}

fn list(args: List) -> Result<(), Failure> {
    let users = Users::of(&args.realm, args.config)?;
    let file = users.read()?;
    let mut out = io::stdout().lock();
    if args.json {
        let all: Vec<Value> = file
            .entries()
            .map(|entry| {
                let hash = entry.hash();
                json!({
                    "name": Shown(entry.name()).to_string(),
                    "line": entry.line(),
                    "hash": hash.as_ref().ok().map(|hash| hash.kind().to_string()),
                    "locked": hash.as_ref().err().map(ToString::to_string),
                })
            })
            .collect();
        writeln!(out, "{:#}", Value::Array(all))?;
        return Ok(());
    }
    for entry in file.entries() {
        let name = Shown(entry.name());
        match entry.hash() {
            Ok(hash) => writeln!(out, "{name}\t{}", hash.kind())?,
            Err(why) => writeln!(out, "{name}\tlocked: {why}")?,
        }
    }
    Ok(())
}

fn username(raw: &str) -> Result<Username, Failure> {
    Username::parse(raw.as_bytes())
        .map_err(|why| Failure::new(Exit::Usage, format_args!("{raw:?} can't be a user: {why}")))
}

fn unknown(name: &str, path: &Path) -> Failure {
    Failure::new(
        Exit::No,
        format_args!("there is no user {name:?} in {}", path.display()),
    )
}
