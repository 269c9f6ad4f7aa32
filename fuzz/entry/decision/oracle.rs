//! What the answer must be, by the words of the README: slow, and with nothing of the program.
//!
//! Where the words leave two answers open (a path with several readings may always be refused; a
//! client that nobody needed to know may be missing) all of them are expected.

use std::net::IpAddr;

use super::plan::{
    Configuration, Credentials, Dialect, Host, KEYS, Key, Part, Policy, REALMS, Realm, Request,
    Rule, State, USERS, Way, Word,
};
use super::readers::{self, KNOWN};

/// An answer, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Open,
    Address,
    /// A user or a key, with the groups.
    Passed {
        name: String,
        groups: Vec<String>,
    },
    /// 401.
    Challenge,
    Closed,
    Ambiguous,
    NoPolicy,
    /// The requirement is not met.
    Lacking,
    /// 400.
    Description,
    /// 503, which nothing here may lead to.
    Unavailable,
}

impl Told {
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Open | Self::Address | Self::Passed { .. })
    }
}

/// Every answer that would be right.
pub fn expected(configuration: &Configuration, request: &Request) -> Vec<Told> {
    let mut told = match request.named {
        Some("open") => vec![Told::Open],
        Some("closed") => vec![Told::Closed],
        Some(name) => match configuration
            .policies
            .iter()
            .find(|policy| policy.name == name)
        {
            Some(policy) => under(policy, configuration, request),
            None => vec![Told::NoPolicy],
        },
        None => by_rules(configuration, request),
    };
    told.dedup();
    told
}

fn by_rules(configuration: &Configuration, request: &Request) -> Vec<Told> {
    let parts = [Part::Method, Part::Host, Part::Uri];
    let broken = |part| request.lost == Some(part) || request.doubled == Some(part);
    let Host::Valid { name: host, .. } = request.host else {
        return vec![Told::Description];
    };
    if parts.into_iter().any(broken) || request.uri.is_empty() {
        return vec![Told::Description];
    }
    let url = request.dialect == Dialect::AuthRequestUrl;
    let path = request.uri.split(|b| *b == b'?').next().unwrap_or_default();
    if path.first() != Some(&b'/') {
        // No path. In a URL it is part of the host, or makes none.
        return if url {
            vec![Told::Description, Told::Ambiguous]
        } else {
            vec![Told::Ambiguous]
        };
    }
    if nobody_reads(path) {
        return vec![Told::Ambiguous];
    }
    let fits = |rule: &&Rule| {
        let methods = &rule.methods;
        let hosts = &rule.hosts;
        (methods.is_empty() || methods.contains(&request.method))
            && (hosts.is_empty() || hosts.iter().any(|pattern| host_fits(pattern, host)))
    };
    let rules: Vec<&Rule> = configuration.rules.iter().filter(fits).collect();
    let policy = |reading: &[u8]| {
        let matches = |rule: &&&Rule| {
            rule.paths.is_empty() || rule.paths.iter().any(|pattern| path_fits(pattern, reading))
        };
        rules
            .iter()
            .find(matches)
            .map_or("closed", |rule| rule.policy)
    };
    if let Some(plain) = plain(path) {
        return under_name(policy(&plain), configuration, request);
    }
    // Patterns are written decoded, so whoever never decodes is asked what it would come to.
    let decodes =
        |step: &readers::Step| matches!(step, readers::Step::Decode | readers::Step::DecodeSlash);
    let mut odd_reader = request.odd_reader.clone();
    if !odd_reader.iter().any(decodes) {
        odd_reader.push(readers::Step::Decode);
    }
    let strange = readers::read(path, &odd_reader).into_iter();
    let known: Vec<Option<Vec<u8>>> = KNOWN
        .iter()
        .map(|(_, steps)| readers::read(path, steps))
        .collect();
    // Where segments may vanish, one more `..` may lead above the root.
    let has = |part: &[u8]| path.windows(part.len()).any(|window| window == part);
    let vanishing = has(b";") || has(b"\\") || has(b"...");
    let leads_up = vanishing && has(b"..");
    let mild = !matches!(path, [_, b'/' | b'\\', ..])
        && !path.contains(&b'%')
        && !leads_up
        && known.iter().all(Option::is_some);
    let mut policies: Vec<&str> = known
        .into_iter()
        .flatten()
        .chain(strange)
        .map(|reading| policy(&reading))
        .collect();
    policies.sort_unstable();
    policies.dedup();
    let [one] = policies.as_slice() else {
        return vec![Told::Ambiguous];
    };
    let mut told = under_name(one, configuration, request);
    // A site under one policy never notices.
    if !(mild && under_one_policy(&rules)) {
        told.push(Told::Ambiguous);
    }
    told
}

/// Whether the path makes no difference to these rules.
fn under_one_policy(rules: &[&Rule]) -> bool {
    let end = rules.iter().position(|rule| rule.paths.is_empty());
    let last = end.map_or("closed", |end| rules[end].policy);
    let before = &rules[..end.unwrap_or(rules.len())];
    before.iter().all(|rule| rule.policy == last)
}

/// A bad escape, a control byte or a blank, `#`, not UTF-8, above the root.
fn nobody_reads(path: &[u8]) -> bool {
    let bad_escape = path.iter().enumerate().any(|(at, byte)| {
        *byte == b'%' && path.get(at + 1..at + 3).and_then(readers::hex).is_none()
    });
    let foul = path.iter().any(|b| *b <= b' ' || *b == 0x7f || *b == b'#');
    let undecodable = readers::read(path, &[readers::Step::Decode]).is_none();
    let above = readers::read(path, &[readers::Step::Merge, readers::Step::Dots]).is_none();
    bad_escape || foul || undecodable || above
}

/// The one reading of a path that has but one: decoded, with nothing in it that any server takes
/// for more than a part of a name.
fn plain(path: &[u8]) -> Option<Vec<u8>> {
    let decoded = readers::read(path, &[readers::Step::Decode])?;
    let odd_byte = |b: &u8| b"%\\;#?".contains(b) || *b <= 1;
    let names = decoded.split(|b| *b == b'/').skip(1);
    let odd_name = |name: &[u8]| name.ends_with(b".") || name.ends_with(b" ");
    let count = names.clone().count();
    let odd = names.enumerate().any(|(place, name)| {
        odd_name(name) || (name.is_empty() && place + 1 < count) || name.starts_with(b" ")
    });
    (!odd && !decoded.iter().any(odd_byte)).then_some(decoded)
}

fn host_fits(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    match pattern.strip_prefix('*') {
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => pattern == host,
    }
}

fn path_fits(pattern: &str, reading: &[u8]) -> bool {
    let pattern: Vec<&[u8]> = pattern.as_bytes().split(|b| *b == b'/').collect();
    let reading: Vec<&[u8]> = reading.split(|b| *b == b'/').collect();
    segments_fit(&pattern, &reading)
}

/// `**` is any segments: at the end at least one, since `/public/**` is not `/public`; before
/// others perhaps none.
fn segments_fit(pattern: &[&[u8]], path: &[&[u8]]) -> bool {
    match (pattern, path) {
        ([], []) | ([b"**"], [_, ..]) => true,
        ([], _) | (_, []) => false,
        ([b"**", rest @ ..], all) => {
            (0..=all.len()).any(|skipped| segments_fit(rest, &all[skipped..]))
        }
        ([first, rest @ ..], [name, after @ ..]) => {
            name_fits(first, name) && segments_fit(rest, after)
        }
    }
}

fn name_fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skipped| name_fits(rest, &name[skipped..])),
        ([byte, rest @ ..], [first, after @ ..]) => byte == first && name_fits(rest, after),
        _ => false,
    }
}

fn under_name(name: &str, configuration: &Configuration, request: &Request) -> Vec<Told> {
    match name {
        "open" => vec![Told::Open],
        "closed" => vec![Told::Closed],
        name => {
            let policy = configuration
                .policies
                .iter()
                .find(|policy| policy.name == name);
            under(
                policy.expect("rules name policies that are there"),
                configuration,
                request,
            )
        }
    }
}

/// The answer of a policy.
fn under(policy: &Policy, configuration: &Configuration, request: &Request) -> Vec<Told> {
    let client = client(configuration, request);
    if !policy.allow_from.is_empty() {
        match client {
            None => return vec![Told::Description],
            Some(client) if in_any(&policy.allow_from, client) => return vec![Told::Address],
            Some(_) => {}
        }
    }
    let realm = &REALMS[policy.realm];
    let who = match proven(realm, request, client) {
        Proof::Of(who) => who,
        Proof::Nothing(told) => return told,
    };
    let mut told = Vec::new();
    let met = |words: &[Word]| {
        words
            .iter()
            .map(|word| who.meets(word, client))
            .collect::<Vec<_>>()
    };
    let any = met(&policy.require);
    let all = met(&policy.require_all);
    let any = any.into_iter().max().unwrap_or(Met::Yes);
    match all.into_iter().chain([any]).min().unwrap_or(Met::Yes) {
        Met::Yes => told.push(Told::Passed {
            name: who.name.to_owned(),
            groups: who.groups(),
        }),
        Met::No => told.push(Told::Lacking),
        Met::Unknown => return vec![Told::Description],
    }
    // Whether the client is looked for although something else decides is left open.
    let words = policy.require.iter().chain(&policy.require_all);
    if client.is_none() && words.clone().any(|word| word.starts_with("ip ")) {
        told.push(Told::Description);
    }
    told
}

/// How far a requirement is met; in between, where only the client's address could tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    No,
    Unknown,
    Yes,
}

struct Who {
    name: &'static str,
    /// Whose rights count: a key has its owner's.
    user: Option<&'static str>,
    key: Option<&'static Key>,
}

impl Who {
    fn groups(&self) -> Vec<String> {
        let known = USERS.iter().find(|(name, ..)| Some(*name) == self.user);
        known
            .map_or(&[][..], |(.., groups)| groups)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn meets(&self, word: Word, client: Option<IpAddr>) -> Met {
        let mut words = word.split(' ');
        let kind = words.next().unwrap_or_default();
        let names: Vec<&str> = words.collect();
        let yes = match kind {
            "valid-user" => true,
            "user" => self.user.is_some_and(|user| names.contains(&user)),
            "group" => self
                .groups()
                .iter()
                .any(|group| names.contains(&group.as_str())),
            "scope" => self
                .key
                .is_some_and(|key| key.scopes.iter().any(|scope| names.contains(scope))),
            "key" => self.key.is_some_and(|key| names.contains(&key.name)),
            "ip" => match client {
                Some(client) => in_any(&names, client),
                None => return Met::Unknown,
            },
            other => panic!("{other} is no word"),
        };
        if yes { Met::Yes } else { Met::No }
    }
}

enum Proof {
    Of(Who),
    Nothing(Vec<Told>),
}

fn proven(realm: &Realm, request: &Request, client: Option<IpAddr>) -> Proof {
    // Guesses count by the client's network: where it is told badly, no password is looked at.
    let unlimited = client.is_none()
        && request.lost != Some(Part::Client)
        && realm.users
        && request.credentials.is_pair();
    let refused = || {
        let mut told = vec![Told::Challenge];
        told.extend(unlimited.then_some(Told::Description));
        Proof::Nothing(told)
    };
    if realm.query_param.is_some() && request.doubled == Some(Part::Uri) {
        return Proof::Nothing(vec![Told::Description]);
    }
    match &request.credentials {
        Credentials::Nothing
        | Credentials::Malformed(_)
        | Credentials::Several(_)
        | Credentials::UnknownKey { .. } => refused(),
        Credentials::Password { user, password, .. } => {
            let known = USERS.iter().find(|(name, ..)| name == user);
            match known {
                // In a realm that takes keys, this user's password is one.
                Some(("apikey", ..)) if realm.keys => refused(),
                Some((_, Some(right), _)) if unlimited && right == password => {
                    Proof::Nothing(vec![Told::Description])
                }
                Some((name, Some(right), _)) if realm.users && right == password => {
                    Proof::Of(Who {
                        name,
                        user: Some(name),
                        key: None,
                    })
                }
                _ => refused(),
            }
        }
        Credentials::Key { key, way } => {
            let key = &KEYS[*key];
            let asked = *way != Way::Query || realm.query_param.is_some();
            let lost = *way == Way::Query && request.lost == Some(Part::Uri);
            if !realm.keys || !asked || lost || key.realm != realm.name {
                return refused();
            }
            if key.state != State::Active {
                return refused();
            }
            match client {
                _ if key.networks.is_empty() => {}
                Some(client) if in_any(key.networks, client) => {}
                Some(_) => return refused(),
                None => return Proof::Nothing(vec![Told::Description]),
            }
            let name = key.owner.unwrap_or(key.name);
            Proof::Of(Who {
                name,
                user: key.owner,
                key: Some(key),
            })
        }
    }
}

/// The right-most address that is no trusted proxy; the left-most if all are.
fn client(configuration: &Configuration, request: &Request) -> Option<IpAddr> {
    if request.lost == Some(Part::Client) || request.doubled == Some(Part::Client) {
        return None;
    }
    let hops: Vec<Option<IpAddr>> = request
        .client
        .split(',')
        .map(|hop| hop_address(hop.trim()))
        .collect();
    let trusted = |hop: &Option<IpAddr>| hop.is_some_and(|hop| in_any(&configuration.trusted, hop));
    match hops.iter().rposition(|hop| !trusted(hop)) {
        Some(place) => hops[place],
        None => hops[0],
    }
}

fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if hop.matches(':').count() == 1 => hop.split(':').next()?,
        None => hop,
    };
    let address: IpAddr = bare.parse().ok()?;
    match address {
        IpAddr::V6(v6) => Some(v6.to_ipv4_mapped().map_or(address, IpAddr::V4)),
        IpAddr::V4(_) => Some(address),
    }
}

fn in_any(networks: &[&str], address: IpAddr) -> bool {
    networks.iter().any(|network| in_network(network, address))
}

fn in_network(network: &str, address: IpAddr) -> bool {
    let (base, length) = network.split_once('/').unwrap_or((network, ""));
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (32, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (128, v6.to_bits()),
    };
    let (family, base) = bits(base.parse().expect("a network of the plan"));
    let (other, address) = bits(address);
    let length: u32 = length.parse().unwrap_or(family);
    family == other && (0..length).all(|bit| (base ^ address) >> (family - 1 - bit) & 1 == 0)
}
