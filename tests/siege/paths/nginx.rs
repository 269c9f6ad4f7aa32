//! Hostile targets, and what the real nginx makes of each.

use fastrand::Rng;
use tempfile::TempDir;

use super::{
    hostile,
    models::{self, Slashes},
    pipeline::Pipeline,
    sites,
    tally::{Tally, applications},
};
use crate::{
    harness::{process::free_address, proxy::Proxy},
    trial::Trial,
};

/// Targets asked for at once.
const BATCH: usize = 64;

/// nginx, saying what it was asked for, as the shipped files tell htgate, and its own reading.
fn mirror(slashes: Slashes) -> (Proxy, Pipeline) {
    let address = free_address();
    let merge = match slashes {
        Slashes::Merged => "on",
        Slashes::Kept => "off",
    };
    let server = format!(
        "keepalive_requests 1000000000; server {{ listen {address}; merge_slashes {merge};
         location / {{ return 200 \"$request_uri\\n$uri\"; }} }}"
    );
    let proxy = Proxy::start_nginx(address, "app.example", TempDir::new().unwrap(), &server);
    (proxy, Pipeline::new(address, "app.example"))
}

#[test]
#[ignore = "needs nginx; tests/run installs it"]
fn no_rule_is_more_permissive_than_nginx_reads_the_path() {
    let mut trial = Trial::begin("paths: hostile URIs against nginx");
    let all = trial.times(5_000, 1_000_000);
    let mut random = Rng::with_seed(4);
    let (sites, mut tally) = (sites::all(), Tally::default());
    let mut mirrors = [Slashes::Merged, Slashes::Kept].map(|s| (s, mirror(s)));
    let mut done = 0;
    while done < all {
        for (slashes, (_nginx, pipeline)) in &mut mirrors {
            let targets: Vec<Vec<u8>> = (0..BATCH).map(|_| hostile::target(&mut random)).collect();
            for (target, answer) in targets.iter().zip(pipeline.ask(&targets)) {
                done += 1;
                if answer.status != 200 {
                    assert_eq!(answer.status, 400, "{}", target.escape_ascii());
                    tally.refused();
                    hold(&mut tally, target, *slashes, None);
                    continue;
                }
                let mut lines = answer.body.splitn(2, |b| *b == b'\n');
                let (told, uri) = (lines.next().unwrap(), lines.next().unwrap());
                hold(&mut tally, told, *slashes, Some(uri));
                let mut readings = vec![("nginx", Some(uri.to_vec()))];
                readings.extend(applications(told));
                tally.judge(&sites, told, &readings);
            }
            trial.progress(done, all);
        }
    }
    trial.end(
        &format!("{done} URIs, {} rule sets each", sites.len()),
        &tally.outcome("nginx"),
    );
}

/// The model of nginx, which stands for it behind the other proxies, says the same.
fn hold(tally: &mut Tally, target: &[u8], slashes: Slashes, uri: Option<&[u8]>) {
    let model = models::nginx(target, slashes);
    if model.as_deref() != uri {
        tally.broken(&format!(
            "{}: nginx reads {:?}, its model {:?}",
            target.escape_ascii(),
            uri.map(|uri| uri.escape_ascii().to_string()),
            model.map(|uri| uri.escape_ascii().to_string()),
        ));
    }
}
