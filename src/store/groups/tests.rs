use proptest::prelude::*;

use super::*;
use crate::identity::Shown;

fn read(file: &str) -> Groups {
    Groups::parse(file.as_bytes()).unwrap()
}

fn groups_of(file: &str, name: &str) -> Vec<String> {
    let groups = read(file);
    groups
        .groups_of(name.as_bytes())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_user_has_the_groups_whose_lines_name_them() {
    for (file, groups) in [
        ("staff: alice bob\n", &["staff"][..]),
        ("staff: alice bob", &["staff"]),
        ("staff:alice", &["staff"]),
        ("staff : \talice\t\n", &["staff"]),
        ("  staff: alice  \n", &["staff"]),
        ("\u{feff}staff: alice\n", &["staff"]),
        ("staff: alice\r\nops: alice\r\n", &["ops", "staff"]),
        ("staff: bob\nstaff: alice\nstaff: alice alice\n", &["staff"]),
        ("b: alice\nc: alice\na: alice\n", &["a", "b", "c"]),
        ("#staff: alice\n  # ops: alice\n\n   \n", &[]),
        ("staff: Alice alicea alic\n", &[]),
        ("staff alice\n", &[]),
        ("staff:\n", &[]),
        ("", &[]),
        ("caf\u{e9}: alice\n", &["caf\u{e9}"]),
    ] {
        assert_eq!(groups_of(file, "alice"), groups, "{file:?}");
    }
}

#[test]
fn a_backslash_at_the_end_joins_the_next_line() {
    for (file, name, is_in) in [
        ("staff: bob \\\nalice\n", "alice", true),
        ("staff: bob \\\r\n  alice\r\n", "alice", true),
        ("staff: bob \\\n\\\nalice\n", "alice", true),
        ("sta\\\nff: alice\n", "alice", true),
        // Nothing comes in place of backslash and line end.
        ("staff: al\\\nice\n", "alice", true),
        ("staff: bob\\\nalice\n", "alice", false),
        ("staff: bob\\\nalice\n", "bobalice", true),
        // A comment goes on, too.
        ("# old \\\nstaff: alice\n", "alice", false),
        ("staff: bob \\ \nalice:\n", "alice", false),
        ("staff: alice\\", "alice", false),
        ("staff: alice \\", "alice", true),
        ("staff: alice \\\n", "alice", true),
    ] {
        let groups = groups_of(file, name);
        assert_eq!(groups.contains(&"staff".to_owned()), is_in, "{file:?}");
    }
}

#[test]
fn what_no_header_list_can_carry_is_refused_by_line() {
    for (file, warning) in [
        ("\nstaff alice\n", "line 2: skipped: the line has no colon"),
        (": alice\n", "line 1: skipped: the group name is empty"),
        (
            "-: alice\n",
            "line 1: skipped: the group name is \"-\", which stands for none",
        ),
        (
            "a,b: alice\n",
            "line 1: skipped: the group name has a comma",
        ),
        (
            "a b: alice\n",
            "line 1: skipped: the group name has a blank",
        ),
        (
            "a\u{a0}b: alice\n",
            "line 1: skipped: the group name has a blank",
        ),
        (
            "a\"b: alice\n",
            "line 1: skipped: the group name has a quote",
        ),
        (
            "a\u{7}b: alice\n",
            "line 1: skipped: the group name has a control character",
        ),
        (
            "x: alice \"bob alice\"\n",
            "line 1: group x: skipped: the line has a quoted name, and names can't have blanks \
             in a group file",
        ),
        (
            "x: bob a,b\n",
            "line 1: group x: a member is skipped: the user name has a comma",
        ),
        (
            "#\nx: b\\\no:b\n",
            "line 2: group x: a member is skipped: the user name has a colon",
        ),
    ] {
        let groups = read(file);
        let warnings: Vec<String> = groups.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [warning], "{file:?}");
        assert!(groups.groups_of(b"alice").is_empty(), "{file:?}");
    }
}

#[test]
fn a_refused_member_leaves_the_others() {
    let groups = read("staff: alice a,b - O'Brien bob\n");
    for name in ["alice", "O'Brien", "bob"] {
        assert_eq!(groups.groups_of(name.as_bytes()).len(), 1, "{name}");
    }
    assert_eq!(groups.warnings().len(), 2);
}

#[test]
fn members_come_with_the_line_that_names_them_first() {
    let groups = read("# who\na: alice\nb: bob \\\ncarol alice\nc: carol\n");
    let mut members: Vec<_> = groups
        .members()
        .map(|(name, line)| (line, Shown(name).to_string()))
        .collect();
    members.sort();
    let expected = [(2, "alice"), (3, "bob"), (3, "carol")];
    assert_eq!(
        members,
        expected.map(|(line, name)| (line, name.to_owned()))
    );
}

#[test]
fn members_of_the_same_groups_share_them() {
    let groups = read("a: x y z\nb: y x\nc: w\nb: w z\na: w v\n");
    let of = |name: &str| groups.groups_of(name.as_bytes());
    assert!(Arc::ptr_eq(&of("x"), &of("y")));
    assert!(Arc::ptr_eq(&of("x"), &of("z")));
    assert_eq!(of("w").join(" "), "a b c");
    assert_eq!(of("v").join(" "), "a");
    let mut names: Vec<_> = groups.names().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_file_of_another_sort_gives_a_bounded_number_of_warnings() {
    let groups = read(&"x\n".repeat(5000));
    assert_eq!(groups.warnings().len(), MAX_WARNINGS + 1);
    let last = groups.warnings().last().unwrap();
    assert_eq!(
        last.to_string(),
        "line 1000: and 4000 more warnings from here on"
    );
}

#[test]
fn a_file_over_the_bound_is_refused() {
    let file = vec![b'\n'; super::super::MAX_FILE_LEN + 1];
    assert_eq!(Groups::parse(&file).err(), Some(FileTooLarge));
}

proptest! {
    #[test]
    fn no_bytes_make_parsing_panic(file in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Groups::parse(&file);
    }

    /// Every group a user comes out with stands in the file.
    #[test]
    fn no_group_is_made_up(file in r#"[ab:,\\" \n\r#-]{0,60}"#) {
        let groups = read(&file);
        let joined = file.replace("\\\r\n", "").replace("\\\n", "");
        for (name, _) in groups.members() {
            for group in groups.groups_of(name).iter() {
                prop_assert!(joined.contains(&**group), "{}", group);
            }
        }
    }
}
