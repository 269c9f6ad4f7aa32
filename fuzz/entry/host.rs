//! Hosts and their patterns: two patterns and a host, a line each.

use htgate::request::host::{Host, HostPattern};

pub fn host(data: &[u8]) {
    let mut lines = data
        .splitn(3, |b| *b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut pattern = || HostPattern::parse(std::str::from_utf8(lines.next()?).ok()?).ok();
    let (one, two) = (pattern(), pattern());
    let Some(Ok(host)) = lines.next().map(Host::parse) else {
        return;
    };
    spelled_otherwise(&host);
    for pattern in [&one, &two].into_iter().flatten() {
        matches_as_written(pattern, &host);
    }
    if let (Some(one), Some(two)) = (one, two) {
        assert!(
            !(one.covers(&two) && two.matches(&host)) || one.matches(&host),
            "{one:?} {two:?}"
        );
    }
}

/// Case, port and a final dot make no other host.
fn spelled_otherwise(host: &Host<'_>) {
    let name = host.as_str();
    assert_eq!(name, name.to_ascii_lowercase());
    assert!(
        !name.ends_with('.') && !name.contains(['@', ',', '/', ' ', '*']),
        "{name}"
    );
    for text in [
        name.to_owned(),
        name.to_ascii_uppercase(),
        format!("{name}:8443"),
        format!("{name}:"),
    ] {
        assert_eq!(Host::parse(text.as_bytes()).as_ref(), Ok(host), "{text}");
    }
    let exact = HostPattern::parse(name).expect("a host is a pattern");
    assert!(exact.matches(host) && exact.covers(&exact));
    if name.starts_with('[') {
        return;
    }
    for text in [format!("{name}."), format!("{name}.:80")] {
        assert_eq!(Host::parse(text.as_bytes()).as_ref(), Ok(host), "{text}");
    }
    let below = HostPattern::parse(&format!("*.{name}")).expect("so is what is below it");
    assert!(!below.matches(host), "*.{name} is not {name}");
    let longer = format!("a.{name}");
    if let Ok(longer) = Host::parse(longer.as_bytes()) {
        assert!(below.matches(&longer) && !exact.matches(&longer));
    }
}

fn matches_as_written(pattern: &HostPattern, host: &Host<'_>) {
    let host_name = host.as_str();
    let expected = match pattern {
        HostPattern::Exact(name) => name == host_name,
        HostPattern::Below(end) => {
            assert!(end.starts_with('.'));
            host_name
                .strip_suffix(end.as_str())
                .is_some_and(|front| !front.is_empty())
        }
    };
    assert_eq!(pattern.matches(host), expected);
}
