//! One nginx, two nodes: whoever may enter does by either, and the loss of one is not noticed.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use super::stack::Stack;
use crate::harness::{eventually, program::Htgate, site::basic};

const ALICE: (&str, &str) = ("alice", "correct horse");

/// Longer than nginx leaves a node alone that failed: a second, which with its clock of whole
/// seconds can be two.
const REST: Duration = Duration::from_secs(3);

impl Stack {
    /// With the user alice, known to both nodes, and a key.
    fn with_accounts() -> (Self, String) {
        let stack = Self::start();
        let [one, two] = &stack.nodes;
        one.run(&["user", "set", "--realm", "intranet", ALICE.0], ALICE.1);
        two.run(&["reload"], "");
        let key = one.run(
            &["key", "create", "--realm", "intranet", "--name", "backup"],
            "",
        );
        (stack, key)
    }

    fn status(&self, header: (&str, &str)) -> u16 {
        self.proxy.get("/reports", &[header]).status
    }
}

/// How often a node refused somebody who showed nothing.
fn refusals(node: &Htgate) -> usize {
    node.log().matches("no credentials were sent").count()
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn both_nodes_know_the_same_users_and_keys() {
    let (stack, key) = Stack::with_accounts();
    let password = basic(ALICE);
    for (header, told) in [
        (("Authorization", &*password), "user alice\ngroups -\n"),
        (("X-API-Key", &*key), "user backup\ngroups -\n"),
    ] {
        for _ in 0..8 {
            let answer = stack.proxy.get("/reports", &[header]);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.text().starts_with(told), "{answer:?}");
        }
    }
    for (target, status) in [("/reports", 401), ("/public/x", 200), ("/health", 200)] {
        for _ in 0..8 {
            let answer = stack.proxy.get(target, &[("X-Auth-User", "mallory")]);
            assert_eq!(answer.status, status, "{target}: {answer:?}");
            assert!(!answer.text().contains("mallory"), "{target}: {answer:?}");
        }
    }
    // Each was asked, or this test shows nothing.
    assert_eq!(stack.nodes.each_ref().map(refusals), [4, 4]);
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_key_that_one_node_revoked_is_soon_refused_by_both() {
    let (stack, key) = Stack::with_accounts();
    let header = ("X-API-Key", &*key);
    assert!((0..8).all(|_| stack.status(header) == 200));
    stack.nodes[0].run(&["key", "revoke", "backup"], "");
    let gone = || (0..4).all(|_| stack.status(header) == 401);
    assert!(eventually(Duration::from_secs(1), gone), "it is refused");
    assert!((0..50).all(|_| stack.status(header) == 401), "for good");
}

/// Restarted in turn, killed or asked to end, while clients go on.
#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn no_request_notices_that_one_node_is_gone() {
    let (mut stack, key) = Stack::with_accounts();
    let password = basic(ALICE);
    let headers = [("Authorization", &*password), ("X-API-Key", &*key)];
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let Stack { proxy, nodes, .. } = &mut stack;
    let proxy = &*proxy;
    thread::scope(|scope| {
        let clients = headers.map(|header| {
            let (over, asked) = (&over, &asked);
            scope.spawn(move || {
                let mut refused = Vec::new();
                while !over.load(Ordering::SeqCst) {
                    let answer = proxy.get("/reports", &[header]);
                    asked.fetch_add(1, Ordering::SeqCst);
                    if answer.status != 200 {
                        refused.push(answer);
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                refused
            })
        });
        for round in 0..2 {
            for node in &mut *nodes {
                if round == 0 {
                    node.process().terminate();
                }
                node.stop();
                thread::sleep(Duration::from_millis(300));
                node.serve();
                thread::sleep(REST);
            }
        }
        over.store(true, Ordering::SeqCst);
        let refused = clients.map(|client| client.join().unwrap());
        assert!(refused.iter().all(Vec::is_empty), "{refused:?}");
    });
    assert!(asked.into_inner() > 500, "there were too few requests");
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn nobody_enters_without_any_node_and_the_first_that_returns_is_asked() {
    let (mut stack, key) = Stack::with_accounts();
    for node in &mut stack.nodes {
        node.stop();
    }
    let header = ("X-API-Key", &*key);
    assert!((0..8).all(|_| stack.status(header) == 503));
    assert_eq!(stack.proxy.get("/public/x", &[]).status, 503);
    stack.nodes[1].serve();
    let back = || stack.status(header) == 200;
    assert!(eventually(REST, back), "the node that is back is asked");
}
