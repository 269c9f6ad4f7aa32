//! The Debian package on a machine of its own; `tests/package` makes it and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that cannot go on has failed"
)]

#[path = "../e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
mod harness;
mod load;
mod machine;

use std::path::Path;

use machine::Machine;

const STATUS: &str =
    "curl -so /dev/null -w '%{http_code}' http://127.0.0.1:9180/auth-request/staff";

const RULES: &str = "
[realms.intranet]
htpasswd = \"users.htpasswd\"
api_keys = true
[policies.staff]
realm = \"intranet\"
";

/// Installs a version of the package.
fn install(machine: &Machine, version: &str) {
    let file = format!("target/package/htgate_{version}.deb");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    assert!(file.exists(), "tests/package makes {}", file.display());
    machine.copy(&file.display().to_string(), "/root/htgate.deb");
    machine.run("dpkg -i /root/htgate.deb");
}

#[test]
#[ignore = "needs the package; tests/package makes it"]
fn it_installs_starts_upgrades_and_purges_cleanly() {
    let machine = Machine::boot();
    // On some machines for tests, this keeps packages from starting what they bring.
    machine.run("rm -f /usr/sbin/policy-rc.d");
    install(&machine, "0.1.0-1");
    assert_eq!(machine.show("htgate", "ActiveState"), "active");
    // It answers, and lets nobody in.
    assert_eq!(machine.run(STATUS), "403");
    let modes = machine.run(
        "stat -c '%U:%G %a %n' /etc/htgate /etc/htgate/htgate.toml /var/lib/htgate /var/log/htgate",
    );
    let expected = "root:htgate 750 /etc/htgate\nroot:htgate 640 /etc/htgate/htgate.toml\nhtgate:htgate 750 /var/lib/htgate\nhtgate:htgate 750 /var/log/htgate";
    assert_eq!(modes, expected);
    machine.run("man --warnings -l /usr/share/man/man1/htgate-key-create.1.gz > /dev/null");

    // Its administrator makes a user and a key.
    machine.run(&format!(
        "cat >> /etc/htgate/htgate.toml <<'END'\n{RULES}\nEND"
    ));
    machine.run("touch /etc/htgate/users.htpasswd; chown root:htgate /etc/htgate/users.htpasswd; chmod 640 /etc/htgate/users.htpasswd");
    machine
        .run("printf wonderland | htgate user set --realm intranet alice; systemctl reload htgate");
    assert_eq!(machine.run(&format!("{STATUS} -u alice:wonderland")), "200");
    let key = machine.run("htgate key create --realm intranet --name robot");
    let asked = format!("{STATUS} -H 'X-API-Key: {key}'");
    assert_eq!(machine.run(&asked), "200");

    // Upgraded under load: no question is lost, and what was changed stays.
    let before = machine.show("htgate", "MainPID");
    let answers = load::during(&machine, || install(&machine, "0.1.0-2"));
    eprintln!("answers during the upgrade: {answers:?}");
    assert_ne!(machine.show("htgate", "MainPID"), before);
    assert_eq!(
        machine.run("dpkg-query -W -f '${Version}' htgate"),
        "0.1.0-2"
    );
    assert_eq!(machine.run(&asked), "200");

    // Removed, it is gone, and the keys are not; installed again, they count.
    machine.run("dpkg -r htgate");
    assert!(
        !machine
            .output("systemctl is-active htgate.socket")
            .status
            .success()
    );
    machine.run("test -e /var/lib/htgate/keys.db -a -e /etc/htgate/htgate.toml");
    install(&machine, "0.1.0-2");
    assert_eq!(machine.run(&asked), "200");

    machine.run("dpkg -P htgate");
    machine.run("! test -e /var/lib/htgate && ! test -e /var/log/htgate && ! test -e /etc/htgate/htgate.toml");
    machine.run("! test -e /usr/bin/htgate && ! ls /usr/lib/systemd/system/htgate* /lib/systemd/system/htgate* 2>/dev/null");
    // The users are the administrator's.
    machine.run("test -e /etc/htgate/users.htpasswd");
}
