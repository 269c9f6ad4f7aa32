//! Group files: any bytes make a file, what it says is consistent, and lines only ever add up.

use htgate::store::Groups;

pub fn groups(data: &[u8]) {
    let groups = Groups::parse(data).expect("small enough");
    let lines = data.split(|b| *b == b'\n').count();
    let in_file = |line: u32| (1..=lines).contains(&(line as usize));
    for (name, line) in groups.members() {
        assert!(in_file(line), "line {line} of {lines}");
        let member_of = groups.groups_of(name);
        assert!(!member_of.is_empty() && member_of.is_sorted());
        assert!(
            member_of.windows(2).all(|two| two[0] != two[1]),
            "each group once"
        );
        for group in member_of.iter() {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "\"',".contains(c);
            assert!(
                !group.is_empty() && &**group != "-" && !group.contains(odd),
                "{group:?}"
            );
        }
        assert!(
            !name
                .iter()
                .any(|b| b.is_ascii_control() || b", :".contains(b))
        );
    }
    for warning in groups.warnings() {
        assert!(in_file(warning.line));
        assert_eq!(
            warning.to_string().lines().count(),
            1,
            "a warning is one line"
        );
    }
    twice_is_once(&groups, data);
}

/// The same lines once more say nothing new, and nothing less.
fn twice_is_once(groups: &Groups, data: &[u8]) {
    if data.ends_with(b"\\") || data.ends_with(b"\\\r") || data.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    let twice = Groups::parse(&[data, b"\n", data].concat()).expect("small enough");
    assert_eq!(twice.members().count(), groups.members().count());
    for (name, line) in groups.members() {
        assert_eq!(twice.groups_of(name), groups.groups_of(name), "line {line}");
    }
}
