use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    thread,
};

use proptest::prelude::*;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::{
    identity::Password,
    password_hash::{WeakFormats, hash_bcrypt},
    store::{MAX_FILE_LEN, htpasswd::Htpasswd},
};

fn name(raw: &str) -> Username {
    Username::parse(raw.as_bytes()).unwrap()
}

/// A folder with a file of this content.
fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("users");
    fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn setting_a_user_changes_only_the_hash() {
    for (before, change, after) in [
        ("", Change::Added, "a:NEW\n"),
        ("b:x\n", Change::Added, "b:x\na:NEW\n"),
        ("b:x", Change::Added, "b:x\na:NEW\n"),
        ("b:x\r\nc:y\r\n", Change::Added, "b:x\r\nc:y\r\na:NEW\r\n"),
        ("\u{feff}", Change::Added, "\u{feff}a:NEW\n"),
        ("# a:x\n", Change::Added, "# a:x\na:NEW\n"),
        ("a:x\n", Change::Replaced, "a:NEW\n"),
        ("a:x", Change::Replaced, "a:NEW"),
        ("a:\n", Change::Replaced, "a:NEW\n"),
        ("a:!x\n", Change::Replaced, "a:NEW\n"),
        (
            "\u{feff}a:x\r\nb:y\n",
            Change::Replaced,
            "\u{feff}a:NEW\r\nb:y\n",
        ),
        (
            " \ta:x:Alice A.  \n",
            Change::Replaced,
            " \ta:NEW:Alice A.  \n",
        ),
        (
            "# who\n\n b:x \nrubbish\na:x\r\nc:y:z\n",
            Change::Replaced,
            "# who\n\n b:x \nrubbish\na:NEW\r\nc:y:z\n",
        ),
        ("a:1\nb:2\na:3\n a:4\n", Change::Replaced, "a:NEW\nb:2\n"),
    ] {
        let (_folder, path) = file(before.as_bytes());
        assert_eq!(set(&path, &name("a"), "NEW").unwrap(), change, "{before:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), after, "{before:?}");
    }
}

#[test]
fn removing_a_user_takes_all_their_lines_and_no_other() {
    for (before, lines, after) in [
        ("a:x\n", 1, ""),
        ("b:x\na:y\n", 1, "b:x\n"),
        ("b:x\r\na:y", 1, "b:x\r\n"),
        ("\u{feff}a:x\nb:y\n", 1, "\u{feff}b:y\n"),
        (
            "a:1\n# a\nb:2\n a:!3:x\naa:4\nA:5\n",
            2,
            "# a\nb:2\naa:4\nA:5\n",
        ),
        ("b:x", 0, "b:x"),
        ("", 0, ""),
    ] {
        let (_folder, path) = file(before.as_bytes());
        assert_eq!(remove(&path, &name("a")).unwrap(), lines, "{before:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), after, "{before:?}");
    }
}

#[test]
fn mode_and_owner_stay() {
    let (_folder, path) = file(b"a:x\n");
    // Handing a file to somebody else takes root; everybody else keeps their own.
    let owner = if nix::unistd::geteuid().is_root() {
        12345
    } else {
        fs::metadata(&path).unwrap().uid()
    };
    if nix::unistd::geteuid().is_root() {
        chown(&path, Some(owner), Some(23456)).unwrap();
    }
    fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
    let before = fs::metadata(&path).unwrap();
    set(&path, &name("a"), "NEW").unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!((after.mode() & 0o7777, after.uid()), (0o604, owner));
    assert_eq!(before.gid(), after.gid());
}

#[test]
fn a_missing_file_is_made_for_the_folders_owner() {
    let folder = TempDir::new().unwrap();
    if nix::unistd::geteuid().is_root() {
        chown(folder.path(), Some(12345), Some(23456)).unwrap();
    }
    let path = folder.path().join("users");
    assert_eq!(remove(&path, &name("a")).unwrap(), 0);
    assert!(!path.exists());
    set(&path, &name("a"), "NEW").unwrap();
    let (made, folder) = (
        fs::metadata(&path).unwrap(),
        fs::metadata(folder.path()).unwrap(),
    );
    assert_eq!(made.mode() & 0o7777, 0o640);
    assert_eq!(made.uid(), folder.uid());
}

#[test]
fn a_link_stays_and_its_target_is_changed() {
    let (folder, path) = file(b"a:x\n");
    let links = TempDir::new().unwrap();
    let link = links.path().join("link");
    symlink(&path, &link).unwrap();
    set(&link, &name("a"), "NEW").unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), "a:NEW\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_can_not_be_done_is_said_with_the_path() {
    let (folder, path) = file(b"");
    let at = folder.path().display().to_string();
    let dangling = folder.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    for (path, message) in [
        (
            folder.path().join("no/users"),
            format!("can't find {at}/no/users"),
        ),
        (dangling, format!("can't find {at}/dangling")),
        (
            folder.path().to_path_buf(),
            format!("{at} is not a regular file"),
        ),
    ] {
        let error = set(&path, &name("a"), "NEW").unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let huge = File::options().write(true).open(&path).unwrap();
    huge.set_len(MAX_FILE_LEN as u64 + 1).unwrap();
    let error = remove(&path, &name("a")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{at}/users is larger than 256 MiB, or would be")
    );
}

#[test]
fn a_line_that_would_read_back_as_something_else_is_not_written() {
    let (_folder, path) = file(b"b:x\n");
    for (user, hash) in [
        ("#a", "NEW"),
        ("\u{feff}a", "NEW"),
        ("a", ""),
        ("a", "x:y"),
        ("a", "x\ny:z"),
        ("a", "x\r"),
        ("a", "x "),
        ("a", &"x".repeat(9000)),
    ] {
        assert!(set(&path, &name(user), hash).is_err(), "{user} {hash:.10}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "b:x\n");
}

#[test]
fn what_a_killed_edit_left_behind_goes_with_the_next() {
    let (folder, path) = file(b"a:x\n");
    fs::write(folder.path().join(".users.htgate"), "a:ha").unwrap();
    set(&path, &name("b"), "NEW").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a:x\nb:NEW\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn edits_at_the_same_time_lose_none() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("users");
    thread::scope(|scope| {
        for i in 0..8 {
            let path = &path;
            scope.spawn(move || {
                for j in 0..5 {
                    set(path, &name(&format!("user{i}-{j}")), "NEW").unwrap();
                }
                remove(path, &name(&format!("user{i}-0"))).unwrap();
            });
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 8 * 4);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

fn verifies(path: &Path, user: &Username, password: &Password) -> bool {
    Htpasswd::parse(&fs::read(path).unwrap(), WeakFormats::NONE)
        .unwrap()
        .get(user.as_bytes())
        .and_then(|entry| entry.hash().ok())
        .is_some_and(|hash| hash.verify(password))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the file was, a user that was set can log in, and one that was removed can't.
    #[test]
    fn what_is_set_verifies_until_it_is_removed(
        before in r"([ab:#!, \t\r\n]|\PC){0,40}",
        mark in any::<bool>(),
        user in r"[ab]|\PC{1,9}",
        secret in r"\PC{1,20}",
    ) {
        let Ok(user) = Username::parse(user.as_bytes()) else { return Ok(()) };
        let secret = Password::new(Zeroizing::new(secret.into()));
        let hash = hash_bcrypt(&secret, 4).unwrap();
        let mut content = if mark { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        content.extend_from_slice(before.as_bytes());
        let (_folder, path) = file(&content);
        let others = |content: &[u8]| -> Vec<Vec<u8>> {
            lines(content)
                .filter(|(_, of)| of.as_ref().is_none_or(|(of, _)| *of != user.as_bytes()))
                .map(|(line, _)| line.trim_ascii_end().to_vec())
                .collect()
        };
        match set(&path, &user, &hash) {
            Ok(_) => {
                prop_assert!(verifies(&path, &user, &secret));
                prop_assert_eq!(others(&content), others(&fs::read(&path).unwrap()));
                prop_assert_eq!(remove(&path, &user).unwrap(), 1);
                prop_assert!(!verifies(&path, &user, &secret));
                prop_assert_eq!(others(&content), others(&fs::read(&path).unwrap()));
            }
            Err(error) => prop_assert!(matches!(error, EditError::Name(_)), "{}", error),
        }
    }
}
