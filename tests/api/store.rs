//! A key store that goes away or is replaced while the service runs: nobody is let in by what it
//! no longer says, but for what is remembered, as long as the configuration says.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::helpers::{ALICE, CONFIG, SOON, Site, eventually, refused};
use crate::keys::create;

const OFFLINE_TTL: Duration = Duration::from_secs(2);
const SIDES: [&str; 3] = ["keys.db", "keys.db-wal", "keys.db-shm"];

fn site() -> Site {
    let seconds = OFFLINE_TTL.as_secs();
    Site::start_with(&format!(
        "{CONFIG}\n[cache]\noffline_ttl = \"{seconds}s\"\n"
    ))
}

#[test]
fn a_store_that_goes_away_is_trusted_for_a_while_and_waited_for() {
    let site = site();
    let (known, unknown) = (create(&site, "known", &[]), create(&site, "unknown", &[]));
    let status = |key: &str| site.status_for_key("members", key);
    assert_eq!(status(&known), 200);
    // By another name: SQLite's files beside it still belong to it.
    fs::rename(site.path("keys.db"), site.path("aside")).unwrap();
    assert_eq!((status(&known), status(&unknown)), (200, 503));
    assert!(eventually(SOON, || site
        .log()
        .contains("the key store is away")));
    refused(&site.run(&["reload"], ""), 1, &["keys.db"]);
    thread::sleep(OFFLINE_TTL);
    assert_eq!((status(&known), status(&unknown)), (503, 503));
    assert_eq!(site.status_for(ALICE), 200, "users aren't affected");
    fs::rename(site.path("aside"), site.path("keys.db")).unwrap();
    assert!(eventually(SOON, || status(&known) == 200));
    assert_eq!(status(&unknown), 200);
    assert!(site.log().contains("the key store is back"));
}

#[test]
fn a_store_in_the_place_of_another_counts_alone() {
    let (site, other) = (site(), Site::prepare(CONFIG));
    let ours = create(&site, "ours", &[]);
    let theirs = create(&other, "theirs", &[]);
    let statuses = || [&ours, &theirs].map(|key| site.status_for_key("members", key));
    assert_eq!(statuses(), [200, 401]);
    fs::copy(other.path("keys.db"), site.path("new")).unwrap();
    for name in SIDES {
        fs::remove_file(site.path(name)).unwrap();
    }
    fs::rename(site.path("new"), site.path("keys.db")).unwrap();
    assert!(eventually(SOON, || statuses() == [401, 200]));
    site.done(&["key", "revoke", "theirs"]);
    assert_eq!(statuses(), [401, 401]);
}
