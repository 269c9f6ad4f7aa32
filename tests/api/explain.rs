//! `htgate explain`: the service's own answer, and what it followed from.

use serde_json::Value;

use crate::helpers::{CONFIG, Site};

const MORE: &str = r#"
[policies.ops]
realm = "intranet"
require = ["group staff", "user carol"]
require_all = ["ip 10.0.0.0/8"]
"#;

fn site() -> Site {
    let site = Site::prepare(&format!("{CONFIG}{MORE}"));
    let locked = format!("{}carol:!\n", site.read("users.htpasswd"));
    site.write("users.htpasswd", &locked);
    for (name, more) in [
        ("plain", &[][..]),
        ("writer", &["--scope", "api:write"]),
        ("near", &["--ip", "10.0.0.0/8"]),
        ("gone", &[]),
    ] {
        let create = ["key", "create", "--realm", "intranet", "--name", name];
        site.done(&[&create, more].concat());
    }
    site.done(&["key", "revoke", "gone"]);
    site
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_answer_is_explained_by_what_it_followed_from() {
    let site = site();
    let here = site.folder().display().to_string();
    let app = "--host app.example --method";
    for (arguments, status, lines) in [
        (
            format!("{app} GET --uri /public/x"),
            200,
            &["rule       no. 1  ({}/htgate.toml:", "policy     open"][..],
        ),
        (
            format!("{app} GET --uri /x"),
            401,
            &[
                "not rule   no. 1 ({}/htgate.toml:",
                "): another path",
                "not rule   no. 2 ({}/htgate.toml:",
                "): another method",
                "rule       no. 3",
                "credential none",
                "(credentials_missing)",
            ],
        ),
        (
            format!("{app} POST --uri /x --user bob"),
            403,
            &[
                "credential user bob, {}/users.htpasswd:2, bcrypt cost 4",
                "one of     group staff: not met (in groups: none)",
                "to do      add bob to staff in {}/users.groups",
            ],
        ),
        (
            "--policy ops --user alice".to_owned(),
            403,
            &[
                "client     192.0.2.1  (assumed; say --client)",
                "one of     group staff: met (in groups: staff)",
                "one of     user carol: not met (user alice)",
                "all of     ip 10.0.0.0/8: not met (client 192.0.2.1)",
            ],
        ),
        (
            "--policy ops --user alice --client 10.1.2.3".to_owned(),
            200,
            &[
                "client     10.1.2.3\n",
                "all of     ip 10.0.0.0/8: met (client 10.1.2.3)",
            ],
        ),
        (
            "--policy members --user dora".to_owned(),
            401,
            &[
                "credential there is no user \"dora\" in {}/users.htpasswd",
                "(wrong_password)",
            ],
        ),
        (
            "--policy members --user carol".to_owned(),
            401,
            &["credential user carol, {}/users.htpasswd:3, is locked"],
        ),
        (
            "--policy writers --key plain".to_owned(),
            403,
            &[
                "all of     scope api:write: not met (the key's scopes: none)",
                "(scope)",
                "to do      `htgate key update ",
            ],
        ),
        (
            "--policy members --key near".to_owned(),
            401,
            &[", only from 10.0.0.0/8", "(key_address)"],
        ),
        (
            "--policy members --key gone".to_owned(),
            401,
            &["credential key gone (", ", revoked 20", "(key_revoked)"],
        ),
        (
            "--policy robots --key plain".to_owned(),
            401,
            &["of realm intranet, not of robots", "(key_unknown)"],
        ),
        (
            format!("{app} GET --uri /public/..%2fx --user alice"),
            403,
            &[
                "reading    /public/..%2Fx  (rule 1, policy open)",
                "reading    /x  (rule 3, policy members)",
                "(ambiguous_path)",
            ],
        ),
        (
            "--host www.example --uri /x".to_owned(),
            403,
            &[
                "not rule   no. 3",
                "): another host",
                "rule       none",
                "to do      no rule matches",
            ],
        ),
        (
            "--policy nope".to_owned(),
            403,
            &["(no_policy)", "to do      there are: both, lan, members"],
        ),
        (
            "--endpoint auth-request --uri /x".to_owned(),
            403,
            &[
                "(bad_description)",
                "elsewhere  /forward-auth says 400",
                "to do      give --host and --uri",
            ],
        ),
        (
            "--endpoint ext-authz --host app.example --uri /x --user alice".to_owned(),
            200,
            &["reading    /x", "rule       no. 3"],
        ),
    ] {
        let words: Vec<&str> = ["explain"]
            .into_iter()
            .chain(arguments.split(' '))
            .collect();
        let ended = site.run(&words, "");
        let text = &ended.stdout;
        assert!(
            text.contains(&format!("status     {status}\n")),
            "{arguments}\n{ended:?}"
        );
        for line in lines {
            let line = line.replace("{}", &here);
            assert!(text.contains(&line), "{arguments}: {line}\n{text}");
        }
        let json = site.run(&[&words[..], &["--json"]].concat(), "");
        let said: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(said["status"], status);
        assert!(text.contains(&format!("({})", said["code"].as_str().unwrap())));
        assert_eq!(ended.status, i32::from(status != 200));
    }
}
