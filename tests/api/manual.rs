//! Man pages and completions, made from the command line.

use std::fs;
use std::process::Command;

use crate::helpers::run;

/// All commands, as file names have them.
const COMMANDS: [&str; 21] = [
    "serve",
    "demo",
    "check",
    "explain",
    "snippet",
    "doctor",
    "reload",
    "user",
    "user-set",
    "user-remove",
    "user-list",
    "user-verify",
    "key",
    "key-create",
    "key-import",
    "key-list",
    "key-show",
    "key-update",
    "key-rotate",
    "key-revoke",
    "key-delete",
];

fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", "manual", "--"])
        .arg(folder.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(status.unwrap().success());
    folder
}

#[test]
fn every_option_of_every_command_is_in_its_page() {
    let folder = written();
    for command in COMMANDS {
        let page = folder.path().join(format!("htgate-{command}.1"));
        let page = fs::read_to_string(&page).unwrap_or_else(|_| panic!("{command}"));
        let page = page.replace("\\-", "-");
        let words: Vec<&str> = command.split('-').chain(["--help"]).collect();
        let help = run(&words, "", folder.path()).stdout;
        let options = help
            .split([' ', ',', '\n'])
            .filter(|word| word.starts_with("--"));
        let mut count = 0;
        for option in options {
            let option = option.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            assert!(page.contains(option), "{command}: {option}");
            count += 1;
        }
        assert!(count > 0, "{command}");
    }
    assert!(folder.path().join("htgate.1").exists());
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = written();
    for (words, expected) in [
        ("htgate ke", "key"),
        ("htgate key cre", "create"),
        ("htgate explain --end", "--endpoint"),
        ("htgate snippet ingr", "ingress-nginx"),
    ] {
        let count = words.split(' ').count();
        let script = format!(
            "source {0}/htgate.bash; COMP_WORDS=({words}); COMP_CWORD={1}; _htgate htgate \"${{COMP_WORDS[{1}]}}\" \"${{COMP_WORDS[{1}-1]}}\"; echo \"${{COMPREPLY[@]}}\"",
            folder.path().display(),
            count - 1,
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.split_whitespace().any(|word| word == expected),
            "{words}: {output:?}"
        );
    }
}
