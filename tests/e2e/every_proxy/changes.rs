//! What an administrator takes away is gone.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::assert_refused;
use crate::harness::{
    eventually,
    site::{ALICE, every_site},
};

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_changed_password_is_refused_in_its_old_form_within_a_second_and_never_again_accepted() {
    for site in every_site() {
        for _ in 0..3 {
            assert_eq!(site.status_for(ALICE), 200);
        }
        site.set_password(("alice", "a new one"));
        let limit = Duration::from_secs(1);
        assert!(
            eventually(limit, || site.status_for(ALICE) == 401),
            "the old password is refused"
        );
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            assert_eq!(site.status_for(("alice", "a new one")), 200);
            // Few enough not to be taken for guessing.
            thread::sleep(Duration::from_millis(300));
            assert_ne!(site.status_for(ALICE), 200);
        }
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_revoked_key_is_refused_on_the_very_next_request() {
    for site in every_site() {
        for name in ["one", "two", "three"] {
            let key = site.htgate.create_key(name, "staff");
            for _ in 0..3 {
                assert_eq!(
                    site.proxy.get("/staff/x", &[("X-API-Key", &key)]).status,
                    200
                );
            }
            site.htgate.run(&["key", "revoke", name], "");
            site.application.take();
            assert_refused(
                &site,
                401,
                &site.proxy.get("/staff/x", &[("X-API-Key", &key)]),
            );
        }
    }
}
