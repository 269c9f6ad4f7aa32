//! A real Chromium without a window, spoken to by its debugging protocol over two pipes.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::http::PATIENCE;

/// What the person before the browser does when it asks for a password.
#[derive(Clone, Copy, Debug)]
pub(super) enum Prompted<'a> {
    /// Types these.
    Types(&'a str, &'a str),
    /// Presses Escape.
    Cancels,
}

/// A running browser with one page.
pub(super) struct Browser {
    child: Child,
    commands: File,
    events: Receiver<Value>,
    session: String,
    last: u64,
    _folder: TempDir,
}

impl Browser {
    /// Starts it; `host` is found at the loopback.
    pub(super) fn start(host: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let pipes = ["in", "out"].map(|name| folder.path().join(name));
        assert!(
            Command::new("mkfifo")
                .args(&pipes)
                .status()
                .unwrap()
                .success()
        );
        let profile = folder.path().join("profile");
        fs::create_dir(&profile).unwrap();
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            "about:blank",
        ];
        let child = Command::new("sh")
            .args([
                "-c",
                "in=$1 out=$2; shift 2; exec chromium \"$@\" 3<\"$in\" 4>\"$out\"",
                "sh",
            ])
            .args(&pipes)
            .args(flags)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--host-resolver-rules=MAP {host} 127.0.0.1"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The shell opens them in this order, and waits for us at each.
        let commands = File::options().write(true).open(&pipes[0]).unwrap();
        let answers = File::open(&pipes[1]).unwrap();
        let (sender, events) = channel();
        thread::spawn(move || {
            for message in BufReader::new(answers).split(0).map_while(Result::ok) {
                if sender
                    .send(serde_json::from_slice(&message).unwrap())
                    .is_err()
                {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            events,
            session: String::new(),
            last: 0,
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach);
        attached["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut browser.session);
        browser.call("Page.enable", &json!({}));
        browser.call("Fetch.enable", &json!({ "handleAuthRequests": true }));
        browser
    }

    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.commands
            .write_all(format!("{message}\0").as_bytes())
            .unwrap();
        self.last
    }

    fn next(&self) -> Value {
        self.events
            .recv_timeout(PATIENCE)
            .expect("the browser says something")
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        loop {
            let message = self.next();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// Does something that makes requests, answers prompts with what is at hand, one after the other,
    /// and ends when `done` does. How the prompts were worded.
    fn attend(
        &mut self,
        prompts: &[Prompted<'_>],
        done: impl Fn(&Value) -> bool,
    ) -> (Vec<String>, Value) {
        let mut worded = Vec::new();
        loop {
            let message = self.next();
            let params = &message["params"];
            match message["method"].as_str() {
                Some("Fetch.requestPaused") => {
                    let request = json!({ "requestId": params["requestId"] });
                    self.send("Fetch.continueRequest", &request);
                }
                Some("Fetch.authRequired") => {
                    let challenge = &params["authChallenge"];
                    let (scheme, realm) = (&challenge["scheme"], &challenge["realm"]);
                    let response = match prompts.get(worded.len()) {
                        Some(Prompted::Types(user, password)) => {
                            json!({ "response": "ProvideCredentials", "username": user, "password": password })
                        }
                        Some(Prompted::Cancels) | None => json!({ "response": "CancelAuth" }),
                    };
                    worded.push(format!(
                        "{} {}",
                        scheme.as_str().unwrap(),
                        realm.as_str().unwrap()
                    ));
                    let request = json!({ "requestId": params["requestId"], "authChallengeResponse": response });
                    self.send("Fetch.continueWithAuth", &request);
                }
                _ if done(&message) => return (worded, message),
                _ => {}
            }
        }
    }

    /// Goes to a page; the prompts that came up.
    pub(super) fn goes_to(&mut self, url: &str, prompts: &[Prompted<'_>]) -> Vec<String> {
        self.send("Page.navigate", &json!({ "url": url }));
        self.attend(prompts, |message| {
            message["method"] == "Page.loadEventFired"
        })
        .0
    }

    /// What a script finds; and the prompts that came up meanwhile.
    pub(super) fn runs(&mut self, script: &str) -> (Vec<String>, Value) {
        let run = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let id = self.send("Runtime.evaluate", &run);
        let (prompts, answer) = self.attend(&[], |message| message["id"] == id);
        (prompts, answer["result"]["result"]["value"].clone())
    }

    /// As wide as a telephone, or with dark colours.
    pub(super) fn looks(&mut self, width: u32, scheme: &str) {
        let size = json!({ "width": width, "height": 640, "deviceScaleFactor": 1, "mobile": true });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self
            .commands
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        thread::sleep(Duration::from_millis(50));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
