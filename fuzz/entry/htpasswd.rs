//! htpasswd files: any bytes make a file, what it says is consistent, and a lock on top locks.

use std::fmt::Write as _;

use htgate::identity::Password;
use htgate::password_hash::{WeakFormat, WeakFormats};
use htgate::store::Htpasswd;

pub fn htpasswd(data: &[u8]) {
    let weak = [WeakFormat::Des, WeakFormat::Plain].into_iter().collect();
    for weak in [WeakFormats::NONE, weak] {
        let file = Htpasswd::parse(data, weak).expect("small enough");
        consistent(&file, data);
        locked_by_a_line_on_top(&file, data, weak);
    }
}

fn consistent(file: &Htpasswd, data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|b| *b == b'\n').collect();
    let mut last = 0;
    for entry in file.entries() {
        let number = entry.line();
        assert!(number > last, "entries stand in the order of their lines");
        last = number;
        let line = lines[number as usize - 1];
        let holds = |part: &[u8]| part.is_empty() || line.windows(part.len()).any(|w| w == part);
        assert!(
            holds(entry.name()) && holds(entry.text()),
            "line {number} has both parts"
        );
        let found = file.get(entry.name()).expect("each entry is found");
        assert_eq!(
            (found.line(), found.text()),
            (number, entry.text()),
            "by its name"
        );
        let hash = entry.hash();
        assert_eq!(hash.is_ok(), entry.is_live());
        assert!(entry.is_live() || !entry.is_cheap());
        if let (Ok(hash), true) = (hash, entry.is_cheap()) {
            let _ = hash.verify(&Password::new(b"secret".to_vec().into()));
        }
    }
    assert!(file.kinds().map(|(_, count)| count).sum::<usize>() <= file.entries().len());
    for point in [0, u64::MAX / 2, u64::MAX] {
        let _ = file.stand_in_for(point).kind();
    }
    warned(file, &lines);
}

/// Warnings are told by line, in order, and show no hash.
fn warned(file: &Htpasswd, lines: &[&[u8]]) {
    let mut all = String::new();
    let mut last = 0;
    for warning in file.warnings() {
        assert!(warning.line >= last && warning.line as usize <= lines.len());
        last = warning.line;
        writeln!(all, "{}", warning.what).expect("a string has room");
    }
    assert_eq!(
        all.lines().count(),
        file.warnings().len(),
        "a warning is one line"
    );
    let told = all.as_bytes();
    for entry in file
        .entries()
        .filter(|entry| entry.text().len() > 40 && !entry.text().contains(&b' '))
    {
        let shown = told
            .windows(entry.text().len())
            .any(|text| text == entry.text());
        assert!(!shown, "a warning shows a hash");
    }
}

fn locked_by_a_line_on_top(file: &Htpasswd, data: &[u8], weak: WeakFormats) {
    let Some(user) = file.entries().find(|entry| entry.is_live()) else {
        return;
    };
    let locked = [user.name(), b":!\n", data].concat();
    let again = Htpasswd::parse(&locked, weak).expect("small enough");
    // A name that begins like a comment or a byte order mark makes no line of a user.
    if let Some(entry) = again.get(user.name()).filter(|entry| entry.line() == 1) {
        assert!(!entry.is_live(), "{} is locked", user.name().escape_ascii());
    } else {
        assert!(matches!(user.name(), [b'#', ..] | [0xef, 0xbb, 0xbf, ..]));
    }
}
