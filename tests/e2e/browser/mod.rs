//! What somebody before a browser meets: a real Chromium before nginx and Traefik, with the shipped
//! files.

mod driver;

use serde_json::json;

use crate::harness::{
    http::request,
    proxy::Front,
    site::{ALICE, BOB, Site, htgate_with},
};
use driver::{Browser, Prompted};

const WRONG: Prompted<'_> = Prompted::Types("alice", "not that");
const RIGHT: Prompted<'_> = Prompted::Types(ALICE.0, ALICE.1);

/// What a page says, and how it can be read.
const PAGE: &str = r"(() => {
    const colours = text => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const h1 = document.querySelector('h1');
    const style = getComputedStyle(h1 || document.body);
    let under = colours(getComputedStyle(document.body).backgroundColor);
    if (under[3] === 0) {
        // The canvas's own colour.
        const probe = document.createElement('i');
        probe.style.color = 'Canvas';
        document.body.append(probe);
        under = colours(getComputedStyle(probe).color);
        probe.remove();
    }
    const [a, b] = [light(colours(style.color)), light(under)].sort((x, y) => y - x);
    return {
        title: document.title,
        lang: document.documentElement.lang,
        headings: document.querySelectorAll('h1').length,
        text: document.body.innerText,
        contrast: (a + 0.05) / (b + 0.05),
        wide: document.documentElement.scrollWidth > innerWidth,
        active: document.querySelectorAll('script, link, img, iframe').length,
        size: parseFloat(getComputedStyle(document.querySelector('p') || document.body).fontSize),
    };
})()";

fn url(site: &Site, path: &str) -> String {
    format!(
        "http://{}:{}{path}",
        site.front.host(),
        site.proxy.address.port()
    )
}

#[test]
#[ignore = "needs Chromium, nginx and Traefik; tests/run installs them"]
fn a_person_is_asked_gets_in_or_reads_why_not() {
    for front in [Front::Nginx, Front::Traefik] {
        let site = Site::start(front);
        let page = url(&site, "/staff/x");
        let asked = "basic Example intranet";

        let mut browser = Browser::start(front.host());
        let came = browser.goes_to(&page, &[Prompted::Cancels]);
        assert_eq!(came, [asked], "{front:?}");
        let (_, refused) = browser.runs(PAGE);
        let heading = match front {
            Front::Nginx => "401 Authorization Required",
            _ => "Credentials are needed",
        };
        assert!(
            refused["text"].as_str().unwrap().contains(heading),
            "{refused}"
        );

        // A wrong password is asked for again, the right one passes, and is not asked for any more.
        let came = browser.goes_to(&page, &[WRONG, RIGHT]);
        assert_eq!(came, [asked, asked], "{front:?}");
        let (_, passed) = browser.runs("document.body.innerText");
        assert_eq!(passed, json!("the application's own words"), "{front:?}");
        let came = browser.goes_to(&url(&site, "/staff/y"), &[]);
        assert!(came.is_empty(), "{front:?}: {came:?}");

        // Somebody who may not is told so, without a prompt that would not help.
        let mut other = Browser::start(front.host());
        let came = other.goes_to(&page, &[Prompted::Types(BOB.0, BOB.1)]);
        assert_eq!(came.len(), 1, "{front:?}");
        let (_, forbidden) = other.runs(PAGE);
        let heading = match front {
            Front::Nginx => "403 Forbidden",
            _ => "Access is forbidden",
        };
        assert!(
            forbidden["text"].as_str().unwrap().contains(heading),
            "{forbidden}"
        );
    }
}

#[test]
#[ignore = "needs Chromium, nginx and Traefik; tests/run installs them"]
fn a_script_that_says_so_is_answered_without_a_prompt() {
    let both = |configuration: String| {
        configuration.replace(
            "api_keys = true",
            "api_keys = true\noffer = [\"Basic\", \"Bearer\"]",
        )
    };
    for front in [Front::Nginx, Front::Traefik] {
        let site = Site::start_with(front, htgate_with(both));
        let mut browser = Browser::start(front.host());
        // From a page of the site that is open.
        browser.goes_to(&url(&site, "/public/x"), &[]);
        let asks = |marked: &str| {
            format!("fetch('/staff/x', {{ headers: {marked} }}).then(answer => answer.status)")
        };
        let (prompts, status) = browser.runs(&asks("{ 'X-Requested-With': 'XMLHttpRequest' }"));
        assert_eq!(
            (prompts.len(), status),
            (0, json!(401)),
            "{front:?}: marked"
        );
        let (prompts, status) = browser.runs(&asks("{}"));
        assert_eq!(
            (prompts.len(), status),
            (1, json!(401)),
            "{front:?}: not marked"
        );
    }
}

#[test]
#[ignore = "needs Chromium and Traefik; tests/run installs them"]
fn the_page_of_a_refusal_can_be_read_by_everybody() {
    let site = Site::start(Front::Traefik);
    let html = request(
        "GET",
        "/staff/x",
        &[("Host", "app.example"), ("Accept", "text/html")],
        b"",
    );
    let mut plain = crate::harness::http::Connection::open(site.proxy.address);
    let bytes = plain.ask(&html).unwrap().body.len();
    assert!(bytes <= 1024, "{bytes} bytes");

    for (prompted, title) in [
        (Prompted::Cancels, "401 Credentials are needed"),
        (Prompted::Types(BOB.0, BOB.1), "403 Access is forbidden"),
    ] {
        let mut browser = Browser::start("app.example");
        for (width, scheme) in [
            (320, "light"),
            (320, "dark"),
            (1200, "light"),
            (1200, "dark"),
        ] {
            browser.looks(width, scheme);
            browser.goes_to(&url(&site, "/staff/x"), &[prompted]);
            let (_, page) = browser.runs(PAGE);
            assert_eq!(page["title"], title);
            assert_eq!(page["lang"], "en");
            assert_eq!(page["headings"], 1);
            assert_eq!(page["active"], 0);
            assert_eq!(page["wide"], false, "{width}: {page}");
            assert!(
                page["contrast"].as_f64().unwrap() >= 7.0,
                "{scheme}: {page}"
            );
            assert!(page["size"].as_f64().unwrap() >= 16.0, "{page}");
        }
    }
}
