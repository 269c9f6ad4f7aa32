//! htgate on several machines, sharing keys: services that differ in nothing but their place.

use std::{collections::BTreeMap, io, net::SocketAddr, process::Command};

use htgate::identity::{
    ApiKey,
    api_key::{ApiKeyId, Prefix},
};

use super::{
    http::{Connection, Response, request},
    program::{Htgate, PROGRAM, ask_admin},
    site::{ALICE, basic, htgate_prepared_for},
};

/// One of them.
pub(crate) struct Node {
    pub(crate) htgate: Htgate,
}

/// A connection to a node, kept open.
pub(crate) struct Client(Connection);

impl Node {
    /// Running, with its keys in this store.
    pub(crate) fn start(store: &str) -> Self {
        Self::start_with(store, "")
    }

    /// The same with more configuration.
    pub(crate) fn start_with(store: &str, more: &str) -> Self {
        let mut node = Self::prepare(store, more);
        node.htgate.serve();
        node
    }

    /// The same, not running yet. Its commands do without a service.
    pub(crate) fn prepare(store: &str, more: &str) -> Self {
        let htgate = htgate_prepared_for(store, more);
        Self { htgate }
    }

    pub(crate) fn client(&self) -> Client {
        Client(Connection::open(self.htgate.address))
    }

    /// The status that this key gets.
    pub(crate) fn status(&self, key: &str) -> u16 {
        self.client().key(key).status
    }

    /// The status that a user gets, who is in a file.
    pub(crate) fn user_status(&self) -> u16 {
        self.client().try_user().unwrap()
    }

    /// Whether it is running.
    pub(crate) fn is_up(&self) -> bool {
        ask_admin(self.htgate.admin, "/healthz").is_ok_and(|answer| answer.status == 200)
    }

    /// What `/readyz` says.
    pub(crate) fn ready(&self) -> (u16, String) {
        let answer = ask_admin(self.htgate.admin, "/readyz").unwrap();
        (answer.status, answer.text())
    }

    /// Runs `htgate key` with these words, which has to succeed.
    pub(crate) fn key(&self, words: &str) -> String {
        let words: Vec<_> = ["key"].into_iter().chain(words.split(' ')).collect();
        self.htgate.run(&words, "")
    }

    /// Makes a key of the realm with these further options.
    pub(crate) fn create(&self, name: &str, more: &str) -> String {
        let create = format!("create --realm intranet --name {name} {more}");
        self.key(create.trim_end())
    }

    /// What `htgate key show` says, by field, as JSON.
    pub(crate) fn show(&self, name: &str) -> BTreeMap<String, serde_json::Value> {
        serde_json::from_str(&self.key(&format!("show {name} --json"))).unwrap()
    }

    /// How the service ends that can't start, and what it says.
    pub(crate) fn refuses_to_start(&self) -> (Option<i32>, String) {
        let mut command = Command::new("timeout");
        command.args(["20", PROGRAM, "serve", "--config"]);
        let ended = command.arg(self.htgate.path("htgate.toml")).output();
        let ended = ended.unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.code(), String::from_utf8(said).unwrap())
    }
}

impl Client {
    pub(crate) fn try_open(node: SocketAddr) -> io::Result<Self> {
        Connection::try_open(node).map(Self)
    }

    /// What a key gets where any key of the realm may pass.
    pub(crate) fn key(&mut self, key: &str) -> Response {
        self.ask("/forward-auth/members", ("X-API-Key", key))
    }

    /// The status of that, unless the service is gone.
    pub(crate) fn try_key(&mut self, key: &str) -> io::Result<u16> {
        let answer = self.try_ask("/forward-auth/members", ("X-API-Key", key))?;
        Ok(answer.status)
    }

    /// The status that a user gets there, unless the service is gone.
    pub(crate) fn try_user(&mut self) -> io::Result<u16> {
        let authorization = basic(ALICE);
        let answer = self.try_ask("/forward-auth/members", ("Authorization", &authorization))?;
        Ok(answer.status)
    }

    /// What `endpoint` answers to this header.
    pub(crate) fn ask(&mut self, endpoint: &str, header: (&str, &str)) -> Response {
        self.try_ask(endpoint, header).unwrap()
    }

    fn try_ask(&mut self, endpoint: &str, header: (&str, &str)) -> io::Result<Response> {
        let headers = [("Host", "htgate"), ("X-Forwarded-For", "192.0.2.7"), header];
        self.0.ask(&request("GET", endpoint, &headers, b""))
    }
}

/// So many nodes, running.
pub(crate) fn nodes(count: usize, store: &str) -> Vec<Node> {
    (0..count).map(|_| Node::start(store)).collect()
}

/// A key that looks as ours do, its check right, and that nobody ever made.
pub(crate) fn unknown_key() -> String {
    let (prefix, id) = (Prefix::parse("htg").unwrap(), ApiKeyId::random().unwrap());
    let key = ApiKey::generate_for(&prefix, &id).unwrap();
    key.expose_secret().to_owned()
}
