//! How proxies describe the original request, well and badly.

use crate::helpers::Site;

#[test]
fn the_description_comes_from_the_endpoints_own_headers_each_once() {
    let site = Site::start();
    let nginx = ["X-Original-Method", "X-Original-Host", "X-Original-URI"];
    let traefik = ["X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri"];
    let open = ["GET", "app.example", "/public/x"];
    for (endpoint, own, other, trouble) in [
        ("/auth-request", nginx, traefik, (403, "400")),
        ("/forward-auth", traefik, nginx, (400, "")),
    ] {
        let good: Vec<(&str, &str)> = own.into_iter().zip(open).collect();
        let asked = |headers: &[(&str, &str)]| {
            let answer = site.ask(endpoint, headers);
            let said = answer.all("X-Auth-Status").join(",");
            (answer.status, said)
        };
        let trouble = (trouble.0, trouble.1.to_owned());
        assert_eq!(asked(&good), (200, String::new()), "{endpoint}");
        // The other family says nothing here, for or against.
        let alien: Vec<_> = other.into_iter().zip(open).collect();
        assert_eq!(asked(&alien), trouble, "{endpoint}");
        let evil: Vec<_> = other
            .into_iter()
            .zip(["PUT", "evil.example", "/"])
            .collect();
        assert_eq!(asked(&[&good[..], &evil].concat()).0, 200, "{endpoint}");
        for index in 0..3 {
            let name = good[index].0;
            let mut missing = good.clone();
            missing.remove(index);
            assert_eq!(asked(&missing), trouble, "{endpoint} without {name}");
            let doubled = [&good[..], &[good[index]]].concat();
            assert_eq!(asked(&doubled), trouble, "{endpoint} with two {name}");
            let mut empty = good.clone();
            empty[index].1 = "";
            assert_eq!(asked(&empty), trouble, "{endpoint} with an empty {name}");
        }
        // None of them is needed, or looked at, where the policy is named.
        let named = format!("{endpoint}/open");
        assert_eq!(site.ask(&named, &[good[0], good[0]]).status, 200);
    }
}

#[test]
fn an_absolute_url_stands_in_for_scheme_host_and_uri() {
    let site = Site::start();
    let method = ("X-Original-Method", "GET");
    for (url, status) in [
        ("https://app.example/public/x", 200),
        ("http://app.example:8080/public/x?y", 200),
        ("https://app.example/x", 401),
        ("https://other.example/public/x", 403),
        ("//app.example/public/x", 403),
        ("ftp://app.example/public/x", 403),
        ("https://app.example", 403),
        ("https://evil@app.example/public/x", 403),
        ("/public/x", 403),
    ] {
        let answer = site.ask("/auth-request", &[method, ("X-Original-URL", url)]);
        assert_eq!(answer.status, status, "{url}");
    }
    let both = [
        method,
        ("X-Original-URL", "https://app.example/public/x"),
        ("X-Original-URI", "/x"),
    ];
    let answer = site.ask("/auth-request", &both);
    assert_eq!((answer.status, answer.one("X-Auth-Status")), (403, "400"));
}

#[test]
fn the_clients_address_is_the_last_one_that_is_no_proxy() {
    let site = Site::start();
    let (real, forwarded) = ("X-Real-IP", "X-Forwarded-For");
    for (endpoint, headers, expected) in [
        ("/auth-request/lan", vec![(real, "192.168.1.7")], "200"),
        (
            "/auth-request/lan",
            vec![(real, "::ffff:192.168.1.7")],
            "200",
        ),
        ("/auth-request/lan", vec![(real, "2001:db8::1")], "200"),
        ("/auth-request/lan", vec![(real, "192.168.2.7")], "401"),
        ("/auth-request/lan", vec![(real, "")], "403 400"),
        ("/auth-request/lan", vec![(real, "junk")], "403 400"),
        (
            "/auth-request/lan",
            vec![(forwarded, "192.168.1.7")],
            "403 400",
        ),
        (
            "/auth-request/lan",
            vec![(real, "192.168.1.7"), (real, "192.168.1.7")],
            "403 400",
        ),
        ("/forward-auth/lan", vec![(forwarded, "192.168.1.7")], "200"),
        (
            "/forward-auth/lan",
            vec![(forwarded, "192.168.1.7, 127.0.0.1")],
            "200",
        ),
        (
            "/forward-auth/lan",
            vec![(forwarded, "6.6.6.6, 192.168.1.7")],
            "200",
        ),
        (
            "/forward-auth/lan",
            vec![(forwarded, "192.168.1.7, 6.6.6.6")],
            "401",
        ),
        (
            "/forward-auth/lan",
            vec![(forwarded, "192.168.1.7, 6.6.6.6, 127.0.0.1")],
            "401",
        ),
        (
            "/forward-auth/lan",
            vec![(forwarded, "192.168.1.7,")],
            "400",
        ),
        ("/forward-auth/lan", vec![(forwarded, "unknown")], "400"),
        (
            "/forward-auth/lan",
            vec![(forwarded, "192.168.1.7, junk")],
            "400",
        ),
        ("/forward-auth/lan", vec![(forwarded, "")], "400"),
        ("/forward-auth/lan", vec![], "400"),
        ("/forward-auth/lan", vec![(real, "192.168.1.7")], "400"),
        ("/forward-auth/lan", vec![(forwarded, "2001:db8::7")], "200"),
    ] {
        let answer = site.ask(endpoint, &headers);
        let told = format!("{} {}", answer.status, answer.all("X-Auth-Status").concat());
        assert_eq!(told.trim_end(), expected, "{endpoint} {headers:?}");
        if answer.status == 200 {
            assert_eq!(
                (answer.one("X-Auth-Method"), answer.one("X-Auth-User")),
                ("address", "-")
            );
        }
    }
}
