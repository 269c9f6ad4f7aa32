//! One credential, and no more than one.

use crate::helpers::{ALICE, Site};
use crate::http::basic;

#[test]
fn more_than_one_credential_is_none() {
    let site = Site::start();
    let create = ["key", "create", "--realm", "intranet", "--name", "k"];
    let key = site.done(&create);
    let robot = site.done(&["key", "create", "--realm", "robots", "--name", "r"]);
    let (bearer, alice) = (format!("Bearer {key}"), basic(ALICE));
    let (auth, api) = ("Authorization", "X-API-Key");
    for (headers, status) in [
        (vec![(auth, &*alice)], 200),
        (vec![(auth, &*bearer)], 200),
        (vec![(api, &*key)], 200),
        (vec![(auth, &*alice), (auth, &*alice)], 401),
        (vec![(auth, &*alice), (auth, "Basic !")], 401),
        (vec![(auth, ""), (auth, &*alice)], 401),
        (vec![(auth, &*format!("{alice}, {alice}"))], 401),
        (vec![(auth, &*format!("{alice},{bearer}"))], 401),
        (vec![(api, &*key), (api, &*key)], 401),
        (vec![(api, ""), (api, &*key)], 401),
        (vec![(api, &*format!("{key}, {key}"))], 401),
        (vec![(api, &*format!("{key},"))], 401),
        (vec![(auth, &*bearer), (api, &*key)], 401),
        (vec![(auth, &*alice), (api, &*key)], 401),
        (vec![(auth, &*alice), (api, "")], 401),
        (vec![(auth, ""), (api, &*key)], 401),
        (vec![(auth, "")], 401),
        (vec![(api, "")], 401),
        (vec![(auth, "Basic")], 401),
        (vec![(auth, &*format!("Digest {key}"))], 401),
    ] {
        let answer = site.ask("/forward-auth/members", &headers);
        assert_eq!(answer.status, status, "{headers:?}");
    }
    let query = |uri: String, headers: &[(&str, &str)]| {
        let described = [("X-Forwarded-Uri", &*uri)];
        site.ask("/forward-auth/robots", &[&described, headers].concat())
            .status
    };
    assert_eq!(query(format!("/x?api_key={robot}"), &[]), 200);
    assert_eq!(
        query(format!("/x?api_key={robot}&api_key={robot}"), &[]),
        401
    );
    assert_eq!(query(format!("/x?api_key={robot}"), &[(api, &robot)]), 401);
    assert_eq!(query(format!("/x?API_KEY={robot}"), &[]), 401);
    assert_eq!(query(format!("/x?xapi_key={robot}"), &[]), 401);
    let elsewhere = [("X-Forwarded-Uri", &*format!("/x?api_key={key}"))];
    assert_eq!(site.ask("/forward-auth/members", &elsewhere).status, 401);
}
