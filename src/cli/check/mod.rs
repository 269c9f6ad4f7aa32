//! `htgate check`.

mod hashes;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use hashes::Hashes;

use super::{ConfigArg, Exit, Failure};
use crate::app::{Application, open_key_store};
use crate::authn::Realm;
use crate::config::{RuleSettings, Settings};
use crate::gate::World;
use crate::identity::{ApiKeyDigest, KeyState};
use crate::password_hash::DEFAULT_BCRYPT_COST;
use crate::request::host::HostPattern;
use crate::request::method::Method;
use crate::request::path::PathPattern;
use crate::server::{Bound, Probe, SocketFile};
use crate::store::{Htpasswd, KeyStore, Place};

/// Look over the whole configuration: files, sockets, key store, and what could be better
///
/// The exit status is 0 if the service would start, 64 if the configuration says something wrong,
/// 1 if something it needs is not to be had.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  htgate check && systemctl restart htgate")]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

/// What was found.
#[derive(Default)]
struct Findings {
    /// What would stop the start.
    errors: Vec<String>,
    /// What works, but not as it should.
    warnings: Vec<String>,
    /// What there is.
    notes: Vec<String>,
    /// Kinds of hashes, measured.
    hashes: Vec<Hashes>,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let source = args.config.source();
    let loaded = source.load().and_then(|(settings, advice)| {
        settings.usable()?;
        Ok((settings, advice))
    });
    let mut findings = Findings::default();
    let settings = match loaded {
        Ok((settings, advice)) => {
            findings.warnings = advice;
            settings
        }
        Err(problems) if args.json => {
            findings.errors = problems.to_string().lines().map(str::to_owned).collect();
            findings.print(args.json)?;
            return Err(Failure::new(Exit::Usage, ""));
        }
        Err(problems) => return Err(problems.into()),
    };
    findings.files(&settings);
    findings.sockets(&settings);
    let mut store = findings.keys(&settings);
    findings.rules(&settings);
    let files: BTreeMap<String, PathBuf> = settings
        .realms
        .values()
        .filter_map(|realm| Some((realm.name.clone(), realm.htpasswd.clone()?)))
        .collect();
    if !files.is_empty() {
        findings.limits(&settings);
    }
    match Application::build(source, settings, &Arc::default()) {
        Ok(app) => {
            findings.warnings.extend(app.warnings());
            findings.groups(&app.gate().world());
            for realm in &app.gate().world().realms {
                if let (Some(users), Some(file)) = (&realm.users, files.get(&realm.name)) {
                    findings.hashes(&realm.name, file, users);
                }
                if let (Some(_), Some(store)) = (&realm.keys, &mut store) {
                    findings.owners(realm, store);
                }
            }
        }
        Err(error) => findings.errors.push(error.to_string()),
    }
    findings.errors.dedup();
    findings.print(args.json)?;
    if findings.errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::no())
    }
}

impl Findings {
    /// Who else can get at the files.
    fn files(&mut self, settings: &Settings) {
        let mode = |path: &Path| fs::metadata(path).map_or(0, |found| found.permissions().mode());
        for path in settings
            .realms
            .values()
            .filter_map(|realm| realm.htpasswd.as_ref())
        {
            if mode(path) & 0o004 != 0 {
                let file = path.display();
                self.warnings.push(format!(
                    "{file}: everybody on this machine can read these hashes; chmod o-r it"
                ));
            }
        }
        let config = &settings.file;
        if mode(config) & 0o004 != 0
            && let Place::Postgres(url) = &settings.api_keys.store
            && url.has_password()
        {
            let file = config.display();
            self.warnings.push(format!(
                "{file}: everybody on this machine can read the database's password; chmod o-r it, \
                 or use passfile= in `store`"
            ));
        }
        let realms = settings.realms.values();
        let named = realms.flat_map(|realm| [&realm.htpasswd, &realm.groups]);
        let named = named.flatten().chain([&settings.file]);
        let folders: BTreeSet<&Path> = named.filter_map(|file| file.parent()).collect();
        for folder in folders {
            // Where it is sticky, each file is its owner's alone to replace.
            if mode(folder) & 0o1002 == 0o002 {
                let folder = folder.display();
                self.warnings.push(format!(
                    "{folder}: everybody on this machine can put other files in the place of those \
                     here; chmod o-w it"
                ));
            }
        }
    }

    /// Whether the sockets can be had. A service that runs already has them; that is no error.
    fn sockets(&mut self, settings: &Settings) {
        let socket = SocketFile {
            mode: settings.server.socket_mode,
            group: settings.server.socket_group.clone(),
        };
        let places = settings
            .server
            .listen
            .iter()
            .chain([&settings.admin.listen]);
        for listen in places {
            match Bound::probe(listen, &socket) {
                Ok(Probe::Free) => {}
                Ok(Probe::Taken) => {
                    self.notes
                        .push(format!("{listen}: taken, by a running htgate perhaps"));
                }
                Ok(Probe::NoFolder) => {
                    let note = "its folder is not there yet; systemd makes it at the start";
                    self.notes.push(format!("{listen}: {note}"));
                }
                Ok(Probe::HandedOver) => {
                    let note = "sockets come from htgate.socket, at the start";
                    self.notes.push(format!("{listen}: {note}"));
                }
                Err(error) => self.errors.push(error.to_string()),
            }
        }
    }

    /// The key store, if there is to be one and it can be used.
    fn keys(&mut self, settings: &Settings) -> Option<KeyStore> {
        if !settings
            .realms
            .values()
            .any(crate::config::RealmSettings::has_keys)
        {
            return None;
        }
        let looked = open_key_store(&settings.api_keys).and_then(|mut store| {
            store.find(&ApiKeyDigest::NOBODYS)?; // a look-up, as for a request
            Ok((store.count()?, store))
        });
        match looked {
            Ok((count, store)) => {
                let keys = if count == 1 { "key" } else { "keys" };
                self.notes
                    .push(format!("{}: {count} {keys}", store.place()));
                Some(store)
            }
            Err(error) => {
                self.errors.push(error.to_string());
                None
            }
        }
    }

    /// Rules that an earlier one leaves nothing for.
    fn rules(&mut self, settings: &Settings) {
        for (index, rule) in settings.rules.iter().enumerate() {
            let earlier = settings
                .rules
                .iter()
                .take(index)
                .position(|first| covers(first, rule));
            if let Some(first) = earlier {
                self.warnings.push(format!(
                    "[[rules]] no. {} can never match: no. {} takes all of its requests",
                    index + 1,
                    first + 1
                ));
            }
        }
        if settings.rules.is_empty() {
            self.notes
                .push("there are no rules: only endpoints that name a policy pass".to_owned());
        }
    }

    /// What each kind of hash costs here, and whose are weak or slow.
    fn hashes(&mut self, realm: &str, file: &Path, users: &Htpasswd) {
        let found = Hashes::of(realm, file, users);
        if found.is_empty() {
            self.warnings.push(format!(
                "realm {realm}: no password lets anybody in; there is no user who isn't locked"
            ));
        }
        self.notes.extend(found.iter().map(Hashes::note));
        self.warnings
            .extend(found.iter().filter_map(Hashes::warning));
        self.hashes.extend(found);
    }

    /// What limits guesses, and what is remembered.
    fn limits(&mut self, settings: &Settings) {
        self.notes.push(match settings.throttle {
            None => "[throttle] is off: only the cost of a hash slows guesses down".to_owned(),
            Some(allowed) => format!(
                "[throttle] lets {} wrong passwords of a user from a network through in {:?}",
                allowed.failures, allowed.window
            ),
        });
        let ttl = settings.cache.ttl;
        self.notes.push(format!(
            "[cache] a right password skips its hash for {ttl:?}"
        ));
        let cost = hashes::fitting_bcrypt_cost();
        self.notes.push(format!(
            "bcrypt cost {cost} takes a quarter of a second or less here; `user set` uses {DEFAULT_BCRYPT_COST}"
        ));
    }

    /// Keys whose owner is no user: those of a removed user count until they are revoked.
    fn owners(&mut self, realm: &Realm, store: &mut KeyStore) {
        let Some(users) = &realm.users else {
            return;
        };
        let name = &realm.name;
        let looked = store.each(Some(name), |key| {
            if let (KeyState::Active, Some(owner)) = (key.state, &key.owner)
                && users.get(owner.as_str().as_bytes()).is_none()
            {
                let id = key.id;
                let text = format!("key {id}: its owner {owner} is no user of realm {name}");
                self.warnings.push(text);
            }
            Ok(())
        });
        if let Err(error) = looked {
            self.errors.push(error.to_string());
        }
    }

    /// Groups that a policy asks for, and nobody is in.
    fn groups(&mut self, world: &World) {
        for policy in world.policies.iter() {
            let realm = &world.realms[policy.realm];
            let known: BTreeSet<_> = realm.groups.names().collect();
            for group in policy
                .requirement
                .groups()
                .filter(|group| !known.contains(group))
            {
                self.warnings.push(format!(
                    "policy {}: nobody is in group {group:?} in realm {}",
                    policy.name, realm.name
                ));
            }
        }
    }

    fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            let all = json!({
                "errors": self.errors,
                "warnings": self.warnings,
                "notes": self.notes,
                "hashes": self.hashes.iter().map(Hashes::json).collect::<Vec<_>>(),
            });
            return writeln!(out, "{all:#}");
        }
        for (word, lines) in [
            ("error", &self.errors),
            ("warning", &self.warnings),
            ("note", &self.notes),
        ] {
            for line in lines {
                writeln!(out, "{word}: {line}")?;
            }
        }
        let verdict = if self.errors.is_empty() {
            "sound"
        } else {
            "not sound"
        };
        writeln!(out, "the configuration is {verdict}")
    }
}

/// Whether the first rule takes every request that the second could.
fn covers(first: &RuleSettings, second: &RuleSettings) -> bool {
    fn all<T>(wide: &[T], narrow: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
        let covered = |item| wide.iter().any(|wide| covers(wide, item));
        wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(covered))
    }
    all(&first.hosts, &second.hosts, HostPattern::covers)
        && all(&first.paths, &second.paths, PathPattern::covers)
        && all(&first.methods, &second.methods, Method::eq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str, path: &str, methods: &[&str]) -> RuleSettings {
        let hosts = [host].into_iter().filter(|host| !host.is_empty());
        let paths = [path].into_iter().filter(|path| !path.is_empty());
        let methods = methods.iter().map(|m| Method::parse(m.as_bytes()).unwrap());
        RuleSettings {
            hosts: hosts
                .map(|host| HostPattern::parse(host).unwrap())
                .collect(),
            paths: paths
                .map(|path| PathPattern::parse(path).unwrap())
                .collect(),
            methods: methods.collect(),
            policy: "open".to_owned(),
        }
    }

    #[test]
    fn a_rule_that_an_earlier_one_leaves_nothing_for_is_found() {
        for (first, second, covered) in [
            (rule("", "", &[]), rule("a.example", "/x", &["GET"]), true),
            (
                rule("*.example", "/**", &[]),
                rule("a.example", "/x", &[]),
                true,
            ),
            (
                rule("*.example", "", &[]),
                rule("*.b.example", "", &[]),
                true,
            ),
            (rule("", "/a/**", &[]), rule("", "/a/b/**", &[]), true),
            (rule("", "/a/**", &[]), rule("", "/a", &[]), false),
            (rule("", "/a/*", &[]), rule("", "/a/**", &[]), false),
            (rule("", "/a", &[]), rule("", "", &[]), false),
            (rule("*.example", "", &[]), rule("example", "", &[]), false),
            (rule("", "", &["GET"]), rule("", "", &[]), false),
        ] {
            assert_eq!(covers(&first, &second), covered, "{first:?} {second:?}");
        }
    }
}
