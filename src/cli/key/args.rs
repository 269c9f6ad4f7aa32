//! The arguments of `htgate key`.

use clap::Subcommand;

use crate::cli::ConfigArg;

/// API keys: create, import, list, show, update, rotate, revoke, delete, migrate
///
/// ID is a key's id or its name. When a command returns, its change is in force in the running
/// service.
#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    Create(Create),
    Import(Import),
    List(List),
    Show(Show),
    Update(Update),
    Rotate(Rotate),
    /// Refuse a key from now on; it stays in the list
    #[command(after_help = "Example:\n  htgate key revoke backup")]
    Revoke(One),
    /// Forget a key altogether; its name is free again
    #[command(after_help = "Example:\n  htgate key delete backup")]
    Delete(One),
    Migrate(Migrate),
}

/// Make a key and print it: alone on standard output, once it is stored for good
///
/// It is shown this once. No scope given means no scope; `--owner` is the user that
/// applications are told, and whose groups the key has.
#[derive(clap::Args)]
#[command(after_help = "Example:
  htgate key create --realm intranet --name backup --scope api:read --expires 90d --ip 10.0.0.0/8")]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    pub(super) new: New,
    /// Print the key and its id as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

/// Take a key that was made elsewhere: the key, of any look, on standard input
#[derive(clap::Args)]
#[command(after_help = "Examples:
  htgate key import --realm intranet --name legacy < key.txt
  printf %s \"$KEY\" | sha256sum | cut -c1-64 |
    htgate key import --sha256 --realm intranet --name legacy")]
pub(in crate::cli) struct Import {
    #[command(flatten)]
    pub(super) new: New,
    /// Standard input is the key's SHA-256 in hexadecimal, not the key
    #[arg(long)]
    pub(super) sha256: bool,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

#[derive(clap::Args)]
pub(in crate::cli) struct New {
    /// The realm that accepts the key
    #[arg(long, value_name = "R")]
    pub(super) realm: String,
    /// A name that no other key has
    #[arg(long, value_name = "N")]
    pub(super) name: String,
    /// The user the key acts for
    #[arg(long, value_name = "O")]
    pub(super) owner: Option<String>,
    /// What the key may be used for; can be repeated
    #[arg(long = "scope", value_name = "S")]
    pub(super) scopes: Vec<String>,
    /// When it ends: 90d, 12h, 2027-01-31 (its first moment, UTC), an RFC 3339 time, or never
    #[arg(long, value_name = "WHEN")]
    pub(super) expires: Option<String>,
    /// Where it may be used from; can be repeated
    #[arg(long = "ip", value_name = "CIDR")]
    pub(super) networks: Vec<String>,
}

/// List keys, oldest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate key list --realm intranet")]
pub(in crate::cli) struct List {
    /// Only keys of this realm
    #[arg(long, value_name = "R")]
    pub(super) realm: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

/// Show what is known of a key
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate key show backup")]
pub(in crate::cli) struct Show {
    /// The key's id or name
    #[arg(value_name = "ID")]
    pub(super) key: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

/// Change what is known of a key: what is given replaces what was
#[derive(clap::Args)]
#[command(after_help = "Example:
  htgate key update backup --scope api:read --scope api:write --expires never")]
pub(in crate::cli) struct Update {
    /// The key's id or name
    #[arg(value_name = "ID")]
    pub(super) key: String,
    /// A new name
    #[arg(long, value_name = "N")]
    pub(super) name: Option<String>,
    /// A new owner; "" for none
    #[arg(long, value_name = "O")]
    pub(super) owner: Option<String>,
    /// The scopes, in place of all it had; "" for none
    #[arg(long = "scope", value_name = "S")]
    pub(super) scopes: Vec<String>,
    /// A new end, or "never"
    #[arg(long, value_name = "WHEN")]
    pub(super) expires: Option<String>,
    /// The networks, in place of all it had; "" for any
    #[arg(long = "ip", value_name = "CIDR")]
    pub(super) networks: Vec<String>,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

/// Give a key a new secret and print the new key; its id, name and scopes stay
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate key rotate backup --grace 24h")]
pub(in crate::cli) struct Rotate {
    /// The key's id or name
    #[arg(value_name = "ID")]
    pub(super) key: String,
    /// How long the old secret still counts
    #[arg(long, value_name = "SPAN", default_value = "0s")]
    pub(super) grace: String,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

#[derive(clap::Args)]
pub(in crate::cli) struct One {
    /// The key's id or name
    #[arg(value_name = "ID")]
    pub(super) key: String,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}

/// Move all keys to another store: from a file to a database for several machines, or back
///
/// Nobody can change keys meanwhile, and the old store takes no changes afterwards, so that no key
/// is lost or revived; running services answer from it until they are told of the new one. The new
/// store must be empty, or one that keys were moved away from. It has the same pepper.
#[derive(clap::Args)]
#[command(after_help = "Example:
  htgate key migrate --to 'postgres://htgate@db.example/htgate?passfile=/etc/htgate/pgpass'")]
pub(in crate::cli) struct Migrate {
    /// The new store, as `store` in `[api_keys]` names it
    #[arg(long, value_name = "URL")]
    pub(super) to: String,
    #[command(flatten)]
    pub(super) config: ConfigArg,
}
