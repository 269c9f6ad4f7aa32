//! The files for containers and clusters, held against themselves and against `htgate check`. Neither an
//! image nor a cluster is made here.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::helpers::run;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The documents of a YAML file, by Python's reader.
fn documents(name: &str) -> Vec<Value> {
    let script =
        "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_image_holds_one_program_and_nobody_is_root() {
    let file = read("deploy/docker/Dockerfile");
    let stages: Vec<&str> = file.split("\nFROM ").collect();
    assert_eq!(stages.len(), 3, "the builder, and what is shipped");
    let shipped = stages[2];
    assert!(
        shipped.starts_with("scratch\n"),
        "no shell, no package manager"
    );
    assert!(shipped.contains("\nUSER 65532:65532\n"));
    assert!(!shipped.contains("\nRUN "), "nothing runs in it");
    // No shell would be there for the other form.
    for line in shipped
        .lines()
        .filter(|line| line.starts_with("ENTRYPOINT") || line.starts_with("CMD"))
    {
        assert!(line.contains(" [\""), "{line}");
    }
    for line in stages[1]
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
    {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.pop();
        for word in words {
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join(word).exists(),
                "{word}"
            );
        }
    }
}

#[test]
#[ignore = "needs python3-yaml; tests/run installs it"]
fn the_manifests_agree_with_themselves_and_the_configuration_is_sound() {
    let all = documents("deploy/kubernetes/htgate.yaml");
    let of = |kind: &str| {
        all.iter()
            .find(|document| document["kind"] == kind)
            .unwrap()
    };
    let deployment = &of("Deployment")["spec"];
    let pod = &deployment["template"]["spec"];
    let container = &pod["containers"][0];
    let app = &deployment["template"]["metadata"]["labels"];
    assert_eq!(&deployment["selector"]["matchLabels"], app);
    assert_eq!(&of("Service")["spec"]["selector"], app);
    assert_eq!(
        &of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        app
    );
    assert_eq!(
        &of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        app
    );
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(
        container["securityContext"]["capabilities"]["drop"][0],
        "ALL"
    );
    let ports = container["ports"].as_array().unwrap();
    let port = |name: &str| {
        ports.iter().find(|port| port["name"] == name).unwrap()["containerPort"].clone()
    };
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
        assert_eq!(container[probe]["httpGet"]["port"], "admin");
    }
    let names: Vec<&Value> = pod["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|volume| &volume["name"])
        .collect();
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert!(names.contains(&&mount["name"]), "{mount}");
    }
    assert_eq!(
        pod["volumes"][0]["configMap"]["name"],
        of("ConfigMap")["metadata"]["name"]
    );
    assert_eq!(
        pod["volumes"][1]["secret"]["secretName"],
        of("Secret")["metadata"]["name"]
    );

    // The configuration is what the program takes, on the ports that are named.
    let folder = tempfile::tempdir().unwrap();
    let text = of("ConfigMap")["data"]["htgate.toml"].as_str().unwrap();
    assert!(
        text.contains(&format!("0.0.0.0:{}", port("ask")))
            && text.contains(&format!("0.0.0.0:{}", port("admin")))
    );
    let users = folder.path().join("users.htpasswd").display().to_string();
    let here = text
        .replace("/etc/htgate/users/users.htpasswd", &users)
        .replace("0.0.0.0:9180", "127.0.0.1:0")
        .replace("0.0.0.0:9181", "unix:admin.sock");
    fs::write(folder.path().join("htgate.toml"), here).unwrap();
    fs::write(
        &users,
        of("Secret")["stringData"]["users.htpasswd"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    let config = folder.path().join("htgate.toml").display().to_string();
    let ended = run(&["check", "--config", &config], "", folder.path());
    assert_eq!(ended.status, 0, "{ended:?}");
}

#[test]
#[ignore = "needs python3-yaml; tests/run installs it"]
fn gateway_and_ingress_name_what_there_is() {
    let ingress = &documents("deploy/ingress-nginx/ingress.yaml")[0];
    let annotations = &ingress["metadata"]["annotations"];
    let url = annotations["nginx.ingress.kubernetes.io/auth-url"]
        .as_str()
        .unwrap();
    let service = documents("deploy/kubernetes/htgate.yaml");
    let service = service
        .iter()
        .find(|document| document["kind"] == "Service")
        .unwrap();
    let (name, space) = (
        &service["metadata"]["name"],
        &service["metadata"]["namespace"],
    );
    let at = format!(
        "http://{}.{}.svc.cluster.local:9180/auth-request/",
        name.as_str().unwrap(),
        space.as_str().unwrap()
    );
    assert!(url.starts_with(&at), "{url}");
    let gateway = documents("deploy/gateway-api/envoy-gateway.yaml");
    let policy = gateway
        .iter()
        .find(|document| document["kind"] == "SecurityPolicy")
        .unwrap();
    let auth = &policy["spec"]["extAuth"];
    assert_eq!(auth["failOpen"], false);
    assert_eq!(auth["http"]["path"], "/ext-authz/-");
    assert_eq!(&auth["http"]["backendRefs"][0]["name"], name);
    assert_eq!(&auth["http"]["backendRefs"][0]["namespace"], space);
    let told: Vec<String> = auth["http"]["headersToBackend"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let listed = annotations["nginx.ingress.kubernetes.io/auth-response-headers"]
        .as_str()
        .unwrap()
        .to_ascii_lowercase();
    assert_eq!(told.join(", "), listed, "the same full set");
}
