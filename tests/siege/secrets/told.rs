//! What is said, and to whom.

use std::{fs, process::Output};

use super::world::World;
use crate::{
    canary::{Canary, Search},
    harness::{Failures, eventually, http::PATIENCE},
    trial::Trial,
};

const ENDPOINTS: [&str; 3] = ["/auth-request", "/forward-auth", "/auth-request/staff"];
const ACCEPTED: [&str; 3] = ["application/json", "text/html", "text/plain"];

#[test]
fn no_answer_and_no_line_of_the_log_tells_a_secret() {
    let mut trial = Trial::begin("secrets in answers and the log");
    let mut world = World::start();
    let search = Search::new(world.all());
    let mut failures = Failures::default();
    let presentations = world.presentations();
    let rounds = trial.times(1, 400);
    let (mut asked, mut seen) = (0, [0; 3]);
    for round in 0..rounds {
        for (lines, query) in &presentations {
            for endpoint in ENDPOINTS {
                let accept = ACCEPTED[asked % ACCEPTED.len()];
                let answer = world.ask(endpoint, accept, lines, query);
                let place = format!("the answer to {}{query}", lines.escape_debug());
                search.look(&place, &answer, &mut failures);
                for (count, status) in seen.iter_mut().zip([" 200 ", " 401 ", " 400 "]) {
                    *count += usize::from(String::from_utf8_lossy(&answer).contains(status));
                }
                asked += 1;
            }
        }
        trial.progress(round, rounds);
    }
    assert!(
        seen.iter().all(|count| *count > 0),
        "every outcome: {seen:?}"
    );
    for (lines, _) in &presentations {
        for path in ["/healthz", "/readyz", "/metrics", "/reload"] {
            let answer = world.ask_admin(path, lines);
            search.look(
                &format!("the admin's answer on {path}"),
                &answer,
                &mut failures,
            );
            asked += 1;
        }
    }
    let log = world.htgate.log();
    assert!(log.contains("allowed") && log.contains("401"), "{log}");
    search.look("the log", log.as_bytes(), &mut failures);
    let id = world.htgate.process().id();
    for file in ["cmdline", "environ"] {
        let bytes = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        search.look(file, &bytes, &mut failures);
    }
    failures.report();
    let secrets = world.all().count();
    let tried = format!("{asked} requests with {secrets} secrets, well and badly presented");
    trial.end(&tried, "none in an answer, in the log (debug), in /proc");
}

#[test]
fn no_command_tells_a_secret() {
    let trial = Trial::begin("secrets in what commands print");
    let world = World::start();
    let search = Search::new(world.all());
    let mut failures = Failures::default();
    let wrong = &*world.wrong.value;
    let (_, right) = &world.right[0];
    let (right, lines) = (&*right.value, format!("{wrong}\n{wrong}\n"));
    let [long, listed] = [wrong.repeat(30), format!("{wrong},{wrong}")];
    let key = &*world.keys[0].value;
    let on = ["--realm", "intranet"];
    let named = ["--realm", "intranet", "--name", "another"];
    let explained = ["--host", "app.example", "--uri", "/reports"];
    let table: Vec<(Vec<&str>, &str)> = vec![
        (vec!["check"], ""),
        (vec!["check", "--json"], ""),
        ([&["user", "list"][..], &on].concat(), ""),
        ([&["user", "list", "--json"][..], &on].concat(), ""),
        ([&["user", "verify"][..], &on, &["alice"]].concat(), right),
        ([&["user", "verify"][..], &on, &["alice"]].concat(), wrong),
        ([&["user", "verify"][..], &on, &["nobody"]].concat(), wrong),
        ([&["user", "set"][..], &on, &["new"]].concat(), wrong),
        ([&["user", "set"][..], &on, &["new"]].concat(), &lines),
        ([&["user", "set"][..], &on, &["new"]].concat(), &long),
        ([&["user", "set"][..], &on, &["apikey"]].concat(), wrong),
        (vec!["key", "list"], ""),
        (vec!["key", "list", "--json"], ""),
        (vec!["key", "show", "key"], ""),
        (vec!["key", "show", "--json", "key"], ""),
        (vec!["key", "show", key], ""),
        (vec!["key", "update", key, "--scope", "staff"], ""),
        (vec!["key", "rotate", key], ""),
        (vec!["key", "revoke", key], ""),
        (vec!["key", "delete", key], ""),
        ([&["key", "import"][..], &named].concat(), key),
        ([&["key", "import"][..], &named].concat(), &lines),
        ([&["key", "import"][..], &named].concat(), &listed),
        ([&["key", "import"][..], &named].concat(), &long),
        ([&["key", "import", "--sha256"][..], &named].concat(), wrong),
        (
            [&["explain", "--user", "alice"][..], &explained].concat(),
            "",
        ),
        (
            [&["explain", "--json", "--key", "key"][..], &explained].concat(),
            "",
        ),
        ([&["explain", "--key", key][..], &explained].concat(), ""),
        (
            [&["explain", "--json", "--key", key][..], &explained].concat(),
            "",
        ),
        (vec!["reload"], ""),
    ];
    let mut done = 0;
    for (arguments, input) in &table {
        let output = world.htgate.output(arguments, input);
        done += usize::from(output.status.success());
        look(
            &search,
            &arguments[..2.min(arguments.len())].join(" "),
            &output,
            &mut failures,
        );
    }
    search.look("the log", world.htgate.log().as_bytes(), &mut failures);
    failures.report();
    assert!((10..table.len()).contains(&done), "{done} commands succeed");
    let tried = format!("{} commands, {done} of them successful", table.len());
    trial.end(&tried, "none printed");
}

#[test]
fn no_message_about_a_file_that_cannot_be_used_tells_what_is_in_it() {
    let trial = Trial::begin("secrets in files that can't be used");
    let mut world = World::start();
    let secret = Canary::new("a secret in a file");
    let hash = bcrypt::hash(secret.value.as_bytes(), 4).unwrap();
    let hash = Canary::of("a hash in a file", hash);
    let search = Search::new(world.all().chain([&secret, &hash]));
    let mut failures = Failures::default();
    let spoilt = spoilt(&secret.value, &hash.value);
    for (file, added) in &spoilt {
        let path = world.htgate.path(file);
        let whole = fs::read_to_string(&path).unwrap();
        let text = match added.split_once(" -> ") {
            Some((old, new)) => whole.replace(old, new),
            None => format!("{added}\n{whole}"),
        };
        assert_ne!(text, whole, "{added}");
        fs::write(&path, text).unwrap();
        for arguments in [
            &["check"][..],
            &["reload"],
            &["user", "list", "--json", "--realm", "intranet"],
        ] {
            let output = world.htgate.output(arguments, "");
            look(
                &search,
                &format!("{arguments:?} with {added}"),
                &output,
                &mut failures,
            );
        }
        let before = world.htgate.log().len();
        world.htgate.process().signal("HUP");
        let told = eventually(PATIENCE, || {
            world.htgate.log().len() > before || *added == "\n"
        });
        assert!(told, "the log says nothing of {added}");
        fs::write(&path, whole).unwrap();
    }
    world.htgate.run(&["reload"], "");
    search.look("the log", world.htgate.log().as_bytes(), &mut failures);
    failures.report();
    let tried = format!(
        "{} mistakes in configuration, users, groups, pepper",
        spoilt.len()
    );
    trial.end(&tried, "named by their lines, no secret told");
}

/// Lines put on top of a file, or what is replaced in it.
fn spoilt(secret: &str, hash: &str) -> Vec<(&'static str, String)> {
    let digest = &hash[7..];
    let users = [
        secret.to_owned(),
        format!("mallory:{secret}"),
        format!("mallory:{{PLAIN}}{secret}"),
        format!("mallory:$2y$99{secret}"),
        format!("mallory:$2y$04${secret}"),
        format!("mallory:$2y$31${digest}"),
        format!("mallory:$6$rounds=9999999$salt${secret}"),
        format!("mallory:$argon2id$v=19${secret}"),
        format!("mallory:{{SSHA}}{secret}"),
        format!("mallory,{secret}:{hash}"),
        format!(":{secret}"),
    ];
    let configuration = [
        format!("password = \"{secret}\""),
        format!("pepper_file = -> pepper = \"{secret}\" #"),
        format!("pepper_file = -> pepper_file = [\"{secret}\"] #"),
        format!("pepper_file = -> pepper_file = \"{secret} #"),
        format!("pepper_file = -> pepper_file = {secret} #"),
        format!("keys.db\" -> keys.db\"\nprefix = \"{secret}\""),
        format!("sqlite:keys.db -> postgres://htgate:{secret}@db/keys"),
        format!("sqlite:keys.db -> {secret}"),
    ];
    // Lines of the password file, in the wrong one.
    let groups = [
        format!("alice:{hash}"),
        format!("alice:{{PLAIN}}{secret}"),
        secret.to_owned(),
    ];
    let groups = groups.map(|line| ("users.groups", line));
    let users = users.map(|line| ("users.htpasswd", line));
    let configuration = configuration.map(|line| ("htgate.toml", line));
    let short = &secret[..15];
    let pepper = [(
        "pepper",
        format!("{} -> {short}", Canary::new("the pepper").value),
    )];
    users
        .into_iter()
        .chain(configuration)
        .chain(groups)
        .chain(pepper)
        .collect()
}

fn look(search: &Search, place: &str, output: &Output, failures: &mut Failures) {
    search.look(&format!("stdout of {place}"), &output.stdout, failures);
    search.look(&format!("stderr of {place}"), &output.stderr, failures);
}
