//! `deploy/systemd/`, as shipped.

use std::{fs, path::Path, process::Command, time::Duration};

use tempfile::TempDir;

use crate::{
    harness::{eventually, program::PROGRAM},
    load,
    machine::Machine,
};

const CONFIGURATION: &str = r#"
[server]
listen = ["systemd"]
[admin]
listen = "unix:/run/htgate/admin.sock"
[realms.intranet]
htpasswd = "users.htpasswd"
api_keys = true
[policies.staff]
realm = "intranet"
[api_keys]
store = "sqlite:/var/lib/htgate/keys.db"
pepper_file = "pepper"
[audit]
file = "/var/log/htgate/audit.log"
"#;

/// What the README says to do, with the proxy's group for the socket and the pepper for root alone.
const INSTALL: &str = r"
useradd --system --home-dir /var/lib/htgate --shell /usr/sbin/nologin htgate
install -d -o root -g htgate -m 750 /etc/htgate
install -d -o htgate -g htgate -m 750 /var/log/htgate
mkdir -p /usr/local/lib/systemd/system /etc/systemd/system/htgate.s{ocket,ervice}.d
printf '[Socket]\nSocketGroup=www-data\n' > /etc/systemd/system/htgate.socket.d/group.conf
printf '[Service]\nLoadCredential=pepper:/etc/htgate/pepper\n' > /etc/systemd/system/htgate.service.d/pepper.conf
head -c 32 /dev/urandom | base64 > /etc/htgate/pepper
chmod 600 /etc/htgate/pepper
";

const STATUS: &str =
    "curl -so /dev/null -w '%{http_code}' http://127.0.0.1:9180/auth-request/staff";

fn unit(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/systemd")
        .join(name);
    fs::read_to_string(file).unwrap()
}

/// A machine on which the README was followed.
fn installed() -> Machine {
    let machine = Machine::boot();
    machine.run(INSTALL);
    machine.copy(PROGRAM, "/usr/bin/htgate");
    for name in ["htgate.service", "htgate.socket"] {
        machine.write(
            &format!("/usr/local/lib/systemd/system/{name}"),
            &unit(name),
        );
    }
    machine.write("/etc/htgate/htgate.toml", CONFIGURATION);
    machine.run("chown root:htgate /etc/htgate/htgate.toml; chmod 640 /etc/htgate/htgate.toml");
    machine.run("printf wonderland | htgate user set --realm intranet alice");
    machine
        .run("chown root:htgate /etc/htgate/users.htpasswd; chmod 640 /etc/htgate/users.htpasswd");
    machine.run("systemctl daemon-reload; systemctl enable --quiet --now htgate");
    machine
}

#[test]
#[ignore = "needs root and systemd"]
fn the_units_run_under_systemd_as_they_say() {
    let machine = installed();
    it_answers_in_its_confinement(&machine);
    changes_reach_it_from_outside(&machine);
    a_reload_answers_by_the_new_state_or_fails(&machine);
    no_question_is_lost_in_a_hundred_restarts(&machine);
    the_watchdog_starts_it_anew(&machine);
    it_can_have_addresses_of_its_own(&machine);
    the_journal_has_its_fields(&machine);
}

fn it_answers_in_its_confinement(machine: &Machine) {
    assert_eq!(machine.run(STATUS), "401");
    assert_eq!(machine.run(&format!("{STATUS} -u alice:wonderland")), "200");
    let sockets = machine.run("stat -c '%n %U %G %a' /run/htgate/*.sock");
    let expected =
        "/run/htgate/admin.sock htgate htgate 600\n/run/htgate/htgate.sock root www-data 660";
    assert_eq!(sockets, expected);
    assert!(
        machine
            .show("htgate", "StatusText")
            .starts_with("Answers since 20")
    );

    let pid = machine.show("htgate", "MainPID");
    let status = machine.run(&format!("cat /proc/{pid}/status"));
    for confined in ["Seccomp:\t2", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(confined), "{confined}\n{status}");
    }
    // No network, nothing of /proc but processes, and yet a worker for each core.
    let inside = format!("nsenter --target {pid} --mount --net");
    assert_eq!(
        machine.run(&format!(
            "{inside} sh -c 'ls /proc/cpuinfo 2>&1 | grep -c cannot'"
        )),
        "1"
    );
    assert_eq!(
        machine.run(&format!("{inside} ip -brief address | grep -vc lo || true")),
        "0"
    );
    let cores = std::thread::available_parallelism().unwrap();
    let said = machine.journal();
    assert!(said.contains(&format!("workers={cores}")), "{said}");

    let exposure = machine.run("systemd-analyze security htgate | tail -1");
    assert!(
        exposure.contains(" 0.2 ") || exposure.contains(" 0.1 "),
        "{exposure}"
    );
}

/// Root's commands find the service, whose user can't read the pepper.
fn changes_reach_it_from_outside(machine: &Machine) {
    let key = machine.run("htgate key create --realm intranet --name robot");
    let asked = format!("{STATUS} -H 'X-API-Key: {key}'");
    assert_eq!(machine.run(&asked), "200");
    machine.run("htgate key revoke robot");
    assert_eq!(machine.run(&asked), "401");
    assert_eq!(machine.run("stat -c %U /var/lib/htgate/keys.db"), "htgate");
    let written =
        machine.run("tail -2 /var/log/htgate/audit.log; stat -c '%U %a' /var/log/htgate/*");
    let lines: Vec<&str> = written.lines().collect();
    assert!(
        lines[0].contains(" htgate key_revoked ") && lines[0].ends_with(" by=root"),
        "{written}"
    );
    assert!(lines[1].contains(" code=key_revoked "), "{written}");
    assert_eq!(lines[2], "htgate 640");
}

fn a_reload_answers_by_the_new_state_or_fails(machine: &Machine) {
    let closed = CONFIGURATION.replace(
        "realm = \"intranet\"",
        "realm = \"intranet\"\nrequire = [\"user bob\"]",
    );
    machine.write("/etc/htgate/htgate.toml", &closed);
    machine.run("systemctl reload htgate");
    let alice = format!("{STATUS} -u alice:wonderland");
    assert_eq!(machine.run(&alice), "403");
    assert!(
        machine
            .show("htgate", "StatusText")
            .starts_with("Answers; reloaded at 20")
    );

    machine.write(
        "/etc/htgate/htgate.toml",
        &closed.replace("[policies.staff]", "[policy.staff]"),
    );
    assert!(!machine.output("systemctl reload htgate").status.success());
    assert_eq!(machine.run(&alice), "403");
    // The command saw it by itself; the service sees it when it next looks at its files.
    let told = eventually(Duration::from_secs(5), || {
        machine.show("htgate", "StatusText").contains("failed: ")
    });
    assert!(told, "{}", machine.show("htgate", "StatusText"));

    machine.write("/etc/htgate/htgate.toml", CONFIGURATION);
    machine.run("systemctl reload htgate");
    assert_eq!(machine.run(&alice), "200");
}

fn no_question_is_lost_in_a_hundred_restarts(machine: &Machine) {
    let before = machine.show("htgate", "MainPID");
    let [tcp, unix] = load::during(machine, || {
        machine.run(
            "for i in $(seq 100); do systemctl restart htgate; systemctl reset-failed htgate; done",
        );
    });
    assert_ne!(machine.show("htgate", "MainPID"), before);
    eprintln!("answers during 100 restarts: {tcp} over TCP, {unix} over the unix socket");
    assert!(tcp > 1000 && unix > 1000, "{tcp} {unix}");
}

fn the_watchdog_starts_it_anew(machine: &Machine) {
    machine.run(
        "printf '[Service]\\nWatchdogSec=1\\nCPUAffinity=0\\n' > /etc/systemd/system/htgate.service.d/soon.conf
         systemctl daemon-reload; systemctl restart htgate",
    );
    let first = machine.show("htgate", "MainPID");
    assert!(
        machine.journal().contains("workers=1"),
        "one core, one worker"
    );
    // It is fed for longer than it waits.
    machine.run("sleep 2");
    assert_eq!(machine.show("htgate", "MainPID"), first);
    machine.run(&format!("kill -STOP {first}"));
    let anew = eventually(Duration::from_secs(15), || {
        machine.show("htgate", "ActiveState") == "active"
            && machine.show("htgate", "MainPID") != first
    });
    assert!(anew, "{}", machine.journal());
    assert_eq!(machine.run(STATUS), "401");
    machine.run("rm /etc/systemd/system/htgate.service.d/soon.conf; systemctl daemon-reload");
}

fn it_can_have_addresses_of_its_own(machine: &Machine) {
    let own = CONFIGURATION.replace("\"systemd\"", "\"127.0.0.1:9190\"");
    machine.write("/etc/htgate/htgate.toml", &own);
    // What is missing is said, one after the other.
    for (change, told) in [
        ("true", "systemctl mask --now htgate.socket"),
        (
            "systemctl mask --quiet --now htgate.socket",
            "htgate.service.d/network.conf",
        ),
    ] {
        machine.run(&format!("{change}; systemctl reset-failed htgate"));
        assert!(!machine.output("systemctl restart htgate").status.success());
        let said = machine.journal();
        assert!(said.contains(told), "{said}");
    }
    let network = unit("htgate.service.d/network.conf");
    machine.write(
        "/etc/systemd/system/htgate.service.d/network.conf",
        &network,
    );
    machine.run("systemctl daemon-reload; systemctl reset-failed htgate; systemctl restart htgate");
    assert_eq!(machine.run(&STATUS.replace("9180", "9190")), "401");
    let exposure = machine.run("systemd-analyze security htgate | tail -1");
    let figure = exposure
        .split_whitespace()
        .find_map(|word| word.parse::<f32>().ok());
    assert!(figure.unwrap() <= 0.9, "{exposure}");
}

fn the_journal_has_its_fields(machine: &Machine) {
    let own = "printf '[Service]\\nEnvironment=HTGATE_LOG__FORMAT=journald\\n'";
    machine.run(&format!(
        "{own} > /etc/systemd/system/htgate.service.d/journald.conf"
    ));
    machine.run("systemctl daemon-reload; systemctl restart htgate");
    machine.run(&STATUS.replace("9180", "9190"));
    let entry = machine.run(
        "journalctl --sync; journalctl -u htgate HTGATE_CODE=credentials_missing -o json --no-pager",
    );
    assert!(entry.contains("\"HTGATE_REALM\":\"intranet\""), "{entry}");
}

/// The figures that `security` gives to units that aren't running: 0.2, and 0.9 with a network.
#[test]
#[ignore = "needs systemd"]
fn the_units_are_sound_and_expose_little() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    let program = PROGRAM.to_owned() + " ";
    fs::write(
        place("htgate.service"),
        unit("htgate.service").replace("/usr/bin/htgate ", &program),
    )
    .unwrap();
    fs::write(place("htgate.socket"), unit("htgate.socket")).unwrap();
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (service, socket) = (place("htgate.service"), place("htgate.socket"));
    let [service, socket] = [&service, &socket].map(|path| path.to_str().unwrap());
    assert_eq!(
        analyze(&["verify", "--man=no", service, socket]),
        (true, String::new())
    );
    let exposure = |tenths| analyze(&["security", "--offline=true", tenths, service]);
    for (tenths, within) in [("--threshold=2", true), ("--threshold=0", false)] {
        assert_eq!(exposure(tenths).0, within, "{}", exposure(tenths).1);
    }
    fs::create_dir(place("htgate.service.d")).unwrap();
    let network = unit("htgate.service.d/network.conf");
    fs::write(place("htgate.service.d/network.conf"), network).unwrap();
    for (tenths, within) in [("--threshold=9", true), ("--threshold=2", false)] {
        assert_eq!(exposure(tenths).0, within, "{}", exposure(tenths).1);
    }
}
