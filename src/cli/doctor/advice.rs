//! What is wrong, in words, and the line to change.

/// A kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The page itself is given to anybody.
    Unprotected,
    /// It is refused, but by an error of the proxy's.
    BareError,
    /// A 401 without `WWW-Authenticate`.
    ChallengeLost,
    /// Another spelling of the path is given to anybody.
    PathTwin,
    /// Another method is.
    Method,
    /// Another host is.
    Host,
    /// A header describes another request than the one that is made.
    Description,
    /// `Connection` takes away what the check needs.
    HopByHop,
    /// The question to htgate can be asked from outside.
    AuthLocation,
    /// A yes, or the page, comes from a cache.
    Cached,
    /// An error page gives away what is protected.
    ErrorPage,
    /// The client's own identity headers reach the application.
    Identity,
    /// Spelt alike, they do.
    IdentityAlike,
    /// `Connection` takes them away from the application.
    IdentityLost,
    /// Passwords or keys reach the application.
    Credentials,
    /// The client is told htgate's identity headers.
    Leak,
    /// Passwords cross the network in the clear.
    PlainHttp,
    /// htgate itself can be reached from outside.
    Ports,
}

/// A proxy that has a line to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Nginx,
    Traefik,
    Caddy,
}

impl Proxy {
    const ALL: [Self; 3] = [Self::Nginx, Self::Traefik, Self::Caddy];

    /// By the answer's `Server`; nothing where it doesn't say.
    pub(super) fn of(server: Option<&str>) -> Option<Self> {
        let server = server?.to_ascii_lowercase();
        if server.starts_with("nginx") || server.starts_with("openresty") {
            Some(Self::Nginx)
        } else if server.starts_with("caddy") {
            Some(Self::Caddy)
        } else {
            None
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "Traefik",
            Self::Caddy => "Caddy",
        }
    }
}

impl Kind {
    /// A word that stays as it is.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Unprotected => "unprotected",
            Self::BareError => "bare_error",
            Self::ChallengeLost => "challenge_lost",
            Self::PathTwin => "path_twin",
            Self::Method => "method",
            Self::Host => "host",
            Self::Description => "description",
            Self::HopByHop => "hop_by_hop",
            Self::AuthLocation => "auth_location",
            Self::Cached => "cached",
            Self::ErrorPage => "error_page",
            Self::Identity => "identity",
            Self::IdentityAlike => "identity_alike",
            Self::IdentityLost => "identity_lost",
            Self::Credentials => "credentials",
            Self::Leak => "leak",
            Self::PlainHttp => "plain_http",
            Self::Ports => "ports",
        }
    }

    /// Why it matters.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::Unprotected => "anybody gets this page without credentials",
            Self::BareError => "the page is refused by an error of the proxy's, not by htgate",
            Self::ChallengeLost => "no 401 with WWW-Authenticate: no browser asks for a password",
            Self::PathTwin => "the same page under another spelling is open to anybody",
            Self::Method => "another method gets the page without credentials",
            Self::Host => "under another host a page is open to anybody; is it this application's?",
            Self::Description => {
                "a client describes another request than it makes, and is believed"
            }
            Self::HopByHop => "a client takes the description of its request away, and gets in",
            Self::AuthLocation => {
                "the question to htgate can be asked from outside, to try passwords or learn who somebody is"
            }
            Self::Cached => "what one person was allowed, the next gets without credentials",
            Self::ErrorPage => "an error gives away what is protected",
            Self::Identity => "the application believes a client's own word on who it is",
            Self::IdentityAlike => {
                "the application may take a header that is spelt alike for the real one"
            }
            Self::IdentityLost => {
                "a client takes its identity away from the application, which may then see nobody, or somebody else"
            }
            Self::Credentials => "passwords and keys go on to the application, and into its logs",
            Self::Leak => "clients are told headers that are for the application",
            Self::PlainHttp => "passwords and keys can be read on the way",
            Self::Ports => "htgate answers everybody on the network, past the proxy",
        }
    }

    /// The line to change, for each proxy that may be meant.
    pub(super) fn lines(self, proxy: Option<Proxy>) -> Vec<String> {
        let all = Proxy::ALL
            .into_iter()
            .filter(|one| proxy.is_none_or(|proxy| proxy == *one));
        all.map(|proxy| format!("{}: {}", proxy.name(), self.line(proxy)))
            .collect()
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    const fn line(self, proxy: Proxy) -> &'static str {
        use Proxy::{Caddy, Nginx, Traefik};
        match (self, proxy) {
            (Self::Unprotected, Nginx) => {
                "include htgate/htgate-protect.conf; in this location {}; and no `error_page 401 =200`, no `satisfy any`, no `return` beside it"
            }
            (Self::Unprotected | Self::Method, Traefik) => {
                "middlewares: [htgate] on every router that matches this request"
            }
            (Self::Unprotected, Caddy) => {
                "forward_auth before reverse_proxy, both inside one `route { }`"
            }
            (Self::BareError, Nginx) => {
                "error_page 403 = @htgate_refused; error_page 500 = @htgate_away; and is htgate up, and proxy_pass in location = /_htgate right?"
            }
            (Self::BareError, Traefik) => {
                "forwardAuth: address: must be htgate's /forward-auth; is htgate up?"
            }
            (Self::BareError, Caddy) => "forward_auth HTGATE { uri /forward-auth? }; is htgate up?",
            (Self::ChallengeLost, Nginx) => "no error_page 401 in the protected location {}",
            (Self::ChallengeLost, Traefik) => {
                "no headers or errors middleware that removes WWW-Authenticate or replaces a 401"
            }
            (Self::ChallengeLost, Caddy) => {
                "no `header -WWW-Authenticate`, and no handle_errors for 401"
            }
            (Self::PathTwin, Nginx) => {
                "protect `location / { }` and open paths in htgate's rules; with proxy_set_header X-Original-URI $request_uri; (never $uri)"
            }
            (Self::PathTwin, Traefik) => {
                "rule: \"Host(`…`)\" alone, without Path or PathPrefix; open paths in htgate's rules"
            }
            (Self::PathTwin, Caddy) => {
                "forward_auth for the whole site, without a matcher; open paths in htgate's rules"
            }
            (Self::Method, Nginx) => {
                "no `if ($request_method …)` and no `limit_except` before auth_request"
            }
            (Self::Method, Caddy) => "no `method` matcher on forward_auth",
            (Self::Host, Nginx) => {
                "a default_server that answers 421 (nginx/example.conf has one), and server_name for the real one"
            }
            (Self::Host, Traefik) => {
                "rule: \"Host(`…`)\" on the router, and no other router to this service"
            }
            (Self::Host, Caddy) => {
                "the site's address with its host; no `:80 { }` or `http:// { }` before the application"
            }
            (Self::Description, Nginx) => {
                "proxy_pass_request_headers off; in location = /_htgate, with the proxy_set_header lines of nginx/htgate-location.conf"
            }
            (Self::Description | Self::HopByHop, Traefik) => {
                "trustForwardHeader: false, and no forwardedHeaders.insecure on the entry point"
            }
            (Self::Description, Caddy) => {
                "request_header -X-Forwarded-* and -X-Original-* before forward_auth; no trusted_proxies that clients are in"
            }
            (Self::HopByHop, Nginx) => "proxy_pass_request_headers off; in location = /_htgate",
            (Self::HopByHop, Caddy) => "header_up -Connection in forward_auth",
            (Self::AuthLocation, Nginx) => "internal; in location = /_htgate",
            (Self::AuthLocation, Traefik) => "no router to htgate itself",
            (Self::AuthLocation, Caddy) => "no reverse_proxy to htgate itself",
            (Self::Cached, Nginx) => {
                "proxy_cache off; in location = /_htgate and in the protected one"
            }
            (Self::Cached, Traefik) => "no cache middleware before htgate",
            (Self::Cached, Caddy) => "no cache directive before forward_auth",
            (Self::ErrorPage, Nginx) => {
                "no error_page to something protected, and none with `=200`"
            }
            (Self::ErrorPage, Traefik) => "the errors middleware behind htgate, not before it",
            (Self::ErrorPage, Caddy) => {
                "no file_server or reverse_proxy to something protected in handle_errors"
            }
            (Self::Identity, Nginx) => {
                "include htgate/htgate-headers.conf; (proxy_set_header for each identity header; one of your own in the location turns inherited ones off)"
            }
            (Self::Identity, Traefik) => "each identity header in forwardAuth.authResponseHeaders",
            (Self::Identity, Caddy) => {
                "request_header -X-Auth-* and -Remote-* before forward_auth, and all of them in copy_headers"
            }
            (Self::IdentityAlike, Nginx) => "underscores_in_headers off; (the default)",
            (Self::IdentityAlike, Traefik) => "entryPoints: … http: aliasHeadersStrategy: reject",
            (Self::IdentityAlike, Caddy) => {
                "request_header -*_* and request_header -*.* before forward_auth"
            }
            (Self::IdentityLost, Nginx) => "proxy_set_header Connection $htgate_connection;",
            (Self::IdentityLost, Traefik) => {
                "a version of Traefik that drops such names (3.6.11 or newer)"
            }
            (Self::IdentityLost, Caddy) => {
                "request_header Connection (?i)x-auth-[a-z]+ keep-alive, before forward_auth"
            }
            (Self::Credentials, Nginx) => {
                "proxy_set_header Authorization \"\"; proxy_set_header X-API-Key \"\";"
            }
            (Self::Credentials, Traefik) => {
                "Authorization and X-Api-Key in forwardAuth.authResponseHeaders, which takes them out"
            }
            (Self::Credentials, Caddy) => {
                "request_header -Authorization and -X-Api-Key behind forward_auth"
            }
            (Self::Leak, Nginx) => "no add_header of $htgate_… variables",
            (Self::Leak, Traefik) => "no customResponseHeaders of X-Auth-*",
            (Self::Leak, Caddy) => "no `header` of X-Auth-*",
            (Self::PlainHttp, Nginx) => "listen 443 ssl;",
            (Self::PlainHttp, Traefik) => "an entry point with tls",
            (Self::PlainHttp, Caddy) => "the site's address without \"http://\"",
            (Self::Ports, _) => {
                "in htgate.toml, [server] listen and [admin] listen on 127.0.0.1 or a unix socket"
            }
        }
    }
}
