use super::*;

/// What `/public/**` against everything else makes of a target: open, closed, or refused.
fn verdict(target: &str) -> Result<Option<bool>, NoReading> {
    let public = PathPattern::parse("/public/**").unwrap();
    Uri::parse(target.as_bytes())?.verdict(|reading| public.matches(reading), |a, b| a == b)
}

#[test]
fn urls_as_browsers_write_them_have_one_verdict() {
    for target in [
        "/public/",
        "/public/x",
        "/public/a%20b",
        "/public/%41bc",
        "/public/caf%C3%A9.txt",
        "/public/a:b@c",
        "/public/a!b$c",
        "/public/100%25",
        "/public/AC%2FDC",
        "/public/What%3F",
        "/public/..a",
        "/public/.well-known/x",
        "/public/a;v=1/b",
        "/public/file.",
        "/public//x",
        "/public/1/./2",
        "/public/x?u=http://evil.example/%2e%2e/admin",
        "/public/x?q=%zz",
        "/public/\u{e9}",
        "/public/\"<>^`{|}",
    ] {
        assert_eq!(verdict(target), Ok(Some(true)), "{target}");
    }
    for target in [
        "/",
        "/x",
        "/public",
        "/publicx/",
        "/xpublic/x",
        "/admin?/public/",
        "/%70ublic",
    ] {
        assert_eq!(verdict(target), Ok(Some(false)), "{target}");
    }
}

#[test]
fn a_path_that_leaves_the_open_corner_in_any_reading_is_not_open() {
    for target in [
        "/public/../admin/x",
        "/public/%2e%2e/admin/x",
        "/public/..%2fadmin/x",
        "/public/%2e%2e%2fadmin/x",
        "/public/..%5cadmin/x",
        "/public/..\\admin/x",
        "/public/..;/admin/x",
        "/public/%2e%2e;v=1/admin/x",
        "/public/..%3b/admin/x",
        "/public/..%252fadmin/x",
        "/public/%252e%252e/admin/x",
        "/public/%25252e%25252e/admin/x",
        "/public/%25zz%252e%252e/../../admin/x",
        "/public/.. /admin/x",
        "/public/..%20/admin/x",
        "/public/x/..%20/..%20/admin/x",
        "/public//../admin",
        "/public/a/../../admin/x",
        "/public;/../admin/x",
        "/public;x/y",
        "/public./x",
        "/x/../public/y",
        "//public/x",
        "/public%2fx",
        "/public\\x",
        // Raw backslashes separate for WHATWG URLs, encoded ones don't.
        "/public/a%5cb\\..\\..\\admin",
        // What one decoding leaves encoded, and what it makes of `?`, are separate matters.
        "/public/.%252e%3f",
        "/public/a%2fb/%252e%252e/%252e%252e/admin",
        // Parameters reach to the next slash: to the next raw one for some.
        "/public/%2f;%2Fa/../admin/x",
        // Two slashes: a host and a path.
        "//public/public/../x",
    ] {
        let verdict = verdict(target);
        assert!(!matches!(verdict, Ok(Some(true))), "{target}: {verdict:?}");
    }
}

#[test]
fn what_is_resolved_before_it_is_decoded_is_a_reading_too() {
    for (target, reading) in [
        // java.net.URI: normalize(), then getPath().
        ("/./x/%2e%2e/admin", "/x/../admin"),
        ("/x//%2e%2e/y", "/x/../y"),
        ("/x;v=1/../y/%2e%2e/z", "/y/../z"),
        // Slashes merged, and nothing more.
        ("//x/./y", "/x/./y"),
        // The first server takes backslashes for letters, the one behind it for slashes.
        ("/pub/a\\b/%2e%2e/..\\admin", "/admin"),
        // Segments resolved, and then final dots cut.
        ("/u/.../../x.//y", "/u/x/y"),
        // Final dots cut before anything is decoded.
        ("/b/./%2e%2e..", "/"),
        // Final dots cut at the end of the path only.
        ("/x./y.", "/x./y"),
    ] {
        let readings = Uri::parse(target.as_bytes()).unwrap().readings().unwrap();
        assert!(
            readings.contains(&reading.to_owned()),
            "{target}: {readings:?}"
        );
    }
}

#[test]
fn what_nobody_reads_has_no_reading() {
    use NoReading::{AboveRoot, Control, Escape, NotAPath, NotUtf8, TooDeep, TooLong};
    for (target, why) in [
        ("", NotAPath),
        ("*", NotAPath),
        ("public/x", NotAPath),
        ("http://app.example/public/x", NotAPath),
        ("#/public/x", NotAPath),
        ("/public/a b", Control),
        ("/public/x\ty", Control),
        ("/public/x#y", Control),
        ("/public/%00", Control),
        ("/public/%0a", Control),
        ("/public/%7f", Control),
        ("/public/x%2500", Control),
        ("/public/%", Escape),
        ("/public/%2", Escape),
        ("/public/%zz", Escape),
        ("/public/%+1", Escape),
        ("/public/%u002e", Escape),
        ("/public/%ff", NotUtf8),
        ("/public/%e0%80%ae", NotUtf8),
        ("/public/%25e0%2580%25ae", NotUtf8),
        ("/..", AboveRoot),
        ("/public/../../x", AboveRoot),
        ("/..%2f", AboveRoot),
        ("/%25252525252541", TooDeep),
    ] {
        assert_eq!(verdict(target), Err(why), "{target}");
    }
    let long = format!("/{}", "a".repeat(LONGEST));
    assert_eq!(Uri::parse(long.as_bytes()).err(), Some(TooLong));
}

#[test]
fn readings_are_the_ones_that_servers_pick() {
    for (target, readings) in [
        ("/a/b", vec!["/a/b"]),
        ("/a/./b", vec!["/a/./b", "/a/b"]),
        ("/a//../b", vec!["/a//../b", "/b", "/a/b", "/a/../b"]),
        ("//h/a", vec!["//h/a", "/h/a", "/a"]),
        ("/a%2fb", vec!["/a%2Fb", "/a/b"]),
        ("/a\\b", vec!["/a\\b", "/a/b"]),
        ("/a;p/b.", vec!["/a;p/b.", "/a;p/b", "/a/b.", "/a/b"]),
        ("/%2561", vec!["/%61", "/a"]),
        ("/a/.", vec!["/a/.", "/a/"]),
        ("/a%3fb", vec!["/a?b", "/a"]),
    ] {
        assert_eq!(
            Uri::parse(target.as_bytes()).unwrap().readings().unwrap(),
            readings,
            "{target}"
        );
    }
}

#[test]
fn patterns_cover_what_they_say() {
    for (pattern, path, covered) in [
        ("/**", "/", true),
        ("/**", "/a/b", true),
        ("/public/**", "/public/", true),
        ("/public/**", "/public/a/b", true),
        ("/public/**", "/public", false),
        ("/a", "/a", true),
        ("/a", "/a/", false),
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/b/c", false),
        ("/a/*.css", "/a/x.css", true),
        ("/a/*.css", "/a/x.csss", false),
        ("/a/x*y*z", "/a/x1y2z", true),
        ("/a/x*yz*z", "/a/xyz", false),
        ("/a/**/z", "/a/z", true),
        ("/a/**/z", "/a/b/c/z", true),
        ("/a/**/z", "/a/b/z/y", false),
        ("/**/x/**/y", "/x/a/x/b/y", true),
        ("/**/x/**/y", "/x/a/b", false),
        ("/caf\u{e9}", "/caf\u{e9}", true),
    ] {
        let parsed = PathPattern::parse(pattern).unwrap();
        assert_eq!(parsed.matches(path.as_bytes()), covered, "{pattern} {path}");
    }
    for raw in [
        "", "a", "/a%20b", "/a**", "/a//b", "/a/../b", "/a/.", "/a?b", "/a\nb",
    ] {
        assert!(PathPattern::parse(raw).is_err(), "{raw:?}");
    }
}

#[test]
fn what_protects_one_corner_is_not_walked_around() {
    let admin = PathPattern::parse("/admin/**").unwrap();
    for target in [
        "/a%5cb\\..\\admin/",
        "/%2561dmin/%3f",
        "/x%23/../admin/%3fy",
        "//x/admin/y",
        "/\\x/admin/y",
        "/;/admin/x",
        "/admin%2fx",
        // Dots are resolved by the server, and final dots and blanks dropped by its file system.
        "/x/../admin./..%20/y",
    ] {
        let uri = Uri::parse(target.as_bytes()).unwrap();
        let verdict = uri.verdict(|reading| admin.matches(reading), |a, b| a == b);
        assert!(!matches!(verdict, Ok(Some(false))), "{target}: {verdict:?}");
    }
}

#[test]
fn no_path_has_more_readings_than_can_be_looked_at() {
    let odd = "/a;b\\%2fc%3f%25252541./..%20/".repeat(200);
    let target = format!("/{odd}");
    let mut seen = 0;
    let uri = Uri::parse(target.as_bytes()).unwrap();
    let verdict = uri.verdict(|_| seen += 1, |(), ()| true);
    assert!(verdict.is_err(), "{verdict:?}");
    assert!(seen <= 1024, "{seen}");
}
