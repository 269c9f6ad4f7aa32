//! Connections, upgrades and large bodies.

use super::assert_refused;
use crate::harness::{
    http::{Connection, PATIENCE, request},
    origin::Origin,
    proxy::{Behind, Front, Proxy},
    relay::Relay,
    site::{ALICE, basic, every_site, htgate},
};

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn ten_requests_use_one_connection_to_htgate() {
    for front in Front::ALL {
        eprintln!("== {front:?}");
        let (htgate, application) = (htgate(), Origin::application());
        let socket = htgate.path("relay.sock");
        let relay = Relay::start(&socket, htgate.address);
        let behind = Behind {
            htgate: relay.address,
            socket: &socket,
            application: application.address,
        };
        let proxy = Proxy::start(front, &behind);
        for (headers, status) in [
            (&[][..], 401),
            (&[("Authorization", basic(ALICE).as_str())], 200),
        ] {
            for _ in 0..5 {
                assert_eq!(proxy.get("/staff/x", headers).status, status);
            }
        }
        assert_eq!(relay.connections(), 1);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_web_socket_opens_for_who_may_and_for_nobody_else() {
    for site in every_site() {
        let authorization = basic(ALICE);
        let upgrade = [
            ("Host", site.front.host()),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut stranger = Connection::open(site.proxy.address);
        assert_refused(
            &site,
            401,
            &stranger
                .ask(&request("GET", "/staff/ws", &upgrade, b""))
                .unwrap(),
        );

        let headers = [&upgrade[..], &[("Authorization", authorization.as_str())]].concat();
        let mut socket = Connection::open(site.proxy.address);
        let response = socket
            .ask(&request("GET", "/staff/ws", &headers, b""))
            .unwrap();
        assert_eq!(response.status, 101, "{response:?}");
        socket.send(b"over and back").unwrap();
        assert_eq!(socket.read_exactly(13).unwrap(), b"over and back");
        assert_eq!(site.application.take_one().all("X-Auth-User"), ["alice"]);
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn a_large_body_announced_with_expect_arrives_whole_for_who_may() {
    let body: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 20).collect();
    for site in every_site() {
        let authorization = basic(ALICE);
        let length = body.len().to_string();
        let announced = [
            ("Host", site.front.host()),
            ("Expect", "100-continue"),
            ("Content-Length", length.as_str()),
        ];
        let mut stranger = Connection::open(site.proxy.address);
        assert_refused(
            &site,
            401,
            &stranger
                .ask(&request("POST", "/staff/x", &announced, b""))
                .unwrap(),
        );

        let headers = [&announced[..], &[("Authorization", authorization.as_str())]].concat();
        let mut connection = Connection::open(site.proxy.address);
        connection.patience(PATIENCE * 2);
        connection
            .send(&request("POST", "/staff/x", &headers, b""))
            .unwrap();
        assert_eq!(connection.next_answer(false).unwrap().status, 100);
        connection.send(&body).unwrap();
        assert_eq!(connection.answer(false).unwrap().status, 200);
        let seen = site.application.take_one();
        assert_eq!(
            (seen.method.as_str(), seen.all("X-Auth-User")),
            ("POST", vec!["alice"])
        );
        assert!(
            seen.body == body,
            "{} bytes arrive, of {}",
            seen.body.len(),
            body.len()
        );
    }
}
