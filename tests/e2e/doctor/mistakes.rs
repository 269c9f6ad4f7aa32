//! Ways to hold the shipped files wrong, each an edit of theirs.

/// File, what stands in it, and what stands there by mistake.
pub(super) type Edit = (&'static str, &'static str, &'static str);

/// A mistake, and what the doctor has to say.
pub(super) struct Mistake {
    pub(super) name: &'static str,
    pub(super) edits: &'static [Edit],
    /// Among what is found.
    pub(super) code: &'static str,
    /// Part of the line to change.
    pub(super) line: &'static str,
}

const EXAMPLE: &str = "example.conf";
const LOCATION: &str = "htgate-location.conf";
const PROTECT: &str = "htgate-protect.conf";
const HEADERS: &str = "htgate-headers.conf";

pub(super) const NGINX: [Mistake; 13] = [
    Mistake {
        name: "the location lacks the check",
        edits: &[(PROTECT, "auth_request /_htgate;", "")],
        code: "unprotected",
        line: "include htgate/htgate-protect.conf;",
    },
    Mistake {
        name: "a 401 becomes a login page with 200",
        edits: &[(
            PROTECT,
            "error_page 403 = @htgate_refused;",
            "error_page 401 =200 /health; error_page 403 = @htgate_refused;",
        )],
        code: "unprotected",
        line: "no `error_page 401 =200`",
    },
    Mistake {
        name: "satisfy any, and an address that always fits",
        edits: &[(
            PROTECT,
            "auth_request /_htgate;",
            "satisfy any; allow all; auth_request /_htgate;",
        )],
        code: "unprotected",
        line: "no `satisfy any`",
    },
    Mistake {
        name: "a prefix is protected, the rest is not",
        edits: &[(
            EXAMPLE,
            "    location / {\n        include htgate/htgate-protect.conf;\n        proxy_pass http://127.0.0.1:8080;\n    }\n\n    # Exempt",
            "    location /staff/ {\n        include htgate/htgate-protect.conf;\n        proxy_pass http://127.0.0.1:8080;\n    }\n    location / { proxy_pass http://127.0.0.1:8080; }\n\n    # Exempt",
        )],
        code: "path_twin",
        line: "protect `location / { }`",
    },
    Mistake {
        name: "style sheets are exempt by their ending",
        edits: &[(
            EXAMPLE,
            "    # Exempt",
            "    location ~ \\.(css|php)$ { proxy_pass http://127.0.0.1:8080; }\n    # Exempt",
        )],
        code: "path_twin",
        line: "protect `location / { }`",
    },
    Mistake {
        name: "OPTIONS passes unasked",
        edits: &[
            (
                PROTECT,
                "auth_request /_htgate;",
                "error_page 418 = @preflight; if ($request_method = OPTIONS) { return 418; } auth_request /_htgate;",
            ),
            (
                EXAMPLE,
                "    # Exempt",
                "    location @preflight { proxy_pass http://127.0.0.1:8080; }\n    # Exempt",
            ),
        ],
        code: "method",
        line: "no `if ($request_method",
    },
    Mistake {
        name: "another server has the same application",
        edits: &[(
            EXAMPLE,
            "    server_name _;\n    return 421;",
            "    server_name _;\n    location / { proxy_pass http://127.0.0.1:8080; }",
        )],
        code: "host",
        line: "a default_server that answers 421",
    },
    Mistake {
        name: "the client's own description of its request is sent on",
        edits: &[(
            LOCATION,
            "proxy_set_header X-Original-URI $request_uri;",
            "set $described $request_uri; if ($http_x_original_uri) { set $described $http_x_original_uri; } proxy_set_header X-Original-URI $described;",
        )],
        code: "description",
        line: "proxy_pass_request_headers off;",
    },
    Mistake {
        name: "the question can be asked from outside",
        edits: &[(LOCATION, "internal;  ", "")],
        code: "auth_location",
        line: "internal;",
    },
    Mistake {
        name: "a 401 becomes a 403",
        edits: &[
            (
                PROTECT,
                "error_page 403 = @htgate_refused;",
                "error_page 401 =403 @page; error_page 403 = @htgate_refused;",
            ),
            (
                EXAMPLE,
                "    # Exempt",
                "    location @page { return 403; }\n    # Exempt",
            ),
        ],
        code: "challenge_lost",
        line: "no error_page 401",
    },
    Mistake {
        name: "a wrong address of htgate's",
        edits: &[
            (LOCATION, "proxy_pass $htgate_endpoint;", "return 418;"),
            (PROTECT, "error_page 500 = @htgate_away;", ""),
        ],
        code: "bare_error",
        line: "is htgate up",
    },
    Mistake {
        name: "identity headers are not overwritten",
        edits: &[(HEADERS, "proxy_set_header Remote-User \"\";", "")],
        code: "identity",
        line: "include htgate/htgate-headers.conf;",
    },
    Mistake {
        name: "headers with underscores get in, and passwords go on",
        edits: &[
            (
                EXAMPLE,
                "    server_name app.example;",
                "    server_name app.example;\n    underscores_in_headers on;",
            ),
            (
                EXAMPLE,
                "    listen 80 default_server;",
                "    listen 80 default_server;\n    underscores_in_headers on;",
            ),
            (HEADERS, "proxy_set_header Authorization \"\";", ""),
        ],
        code: "identity_alike",
        line: "underscores_in_headers off;",
    },
];

const STATIC: &str = "static.yml";
const DYNAMIC: &str = "dynamic.yml";

pub(super) const TRAEFIK: [Mistake; 5] = [
    Mistake {
        name: "the router lacks the middleware",
        edits: &[(DYNAMIC, "      middlewares:\n        - htgate\n", "")],
        code: "unprotected",
        line: "middlewares: [htgate]",
    },
    Mistake {
        name: "a second router for one prefix, without it",
        edits: &[(
            DYNAMIC,
            "  services:",
            "    files:\n      rule: \"Host(`app.example`) && PathPrefix(`/STAFF`)\"\n      entryPoints:\n        - web\n      service: app\n\n  services:",
        )],
        code: "path_twin",
        line: "open paths in htgate's rules",
    },
    Mistake {
        name: "clients may describe their requests",
        edits: &[
            (
                DYNAMIC,
                "trustForwardHeader: false",
                "trustForwardHeader: true",
            ),
            (
                STATIC,
                "    http:\n",
                "    forwardedHeaders:\n      insecure: true\n    http:\n",
            ),
        ],
        code: "description",
        line: "trustForwardHeader: false",
    },
    Mistake {
        name: "identity headers are not listed",
        edits: &[(DYNAMIC, "          - Remote-User\n", "")],
        code: "identity",
        line: "authResponseHeaders",
    },
    Mistake {
        name: "spellings with underscores get in",
        edits: &[(STATIC, "      aliasHeadersStrategy: reject\n", "")],
        code: "identity_alike",
        line: "aliasHeadersStrategy: reject",
    },
];

pub(super) const CADDY: [Mistake; 5] = [
    Mistake {
        name: "one path is protected, the rest is not",
        edits: &[(
            "",
            "\t\tforward_auth 127.0.0.1:9180 {",
            "\t\t@staff path_regexp ^/staff/\n\t\tforward_auth @staff 127.0.0.1:9180 {",
        )],
        code: "path_twin",
        line: "forward_auth for the whole site",
    },
    Mistake {
        name: "the application comes before the check",
        edits: &[(
            "",
            "\t\timport htgate-clean\n\t\tforward_auth 127.0.0.1:9180 {",
            "\t\treverse_proxy 127.0.0.1:8080\n\t\tforward_auth 127.0.0.1:9180 {",
        )],
        code: "unprotected",
        line: "inside one `route { }`",
    },
    Mistake {
        name: "the client's identity headers stay",
        edits: &[("", "\trequest_header -Remote-*\n", "")],
        code: "identity",
        line: "request_header -X-Auth-* and -Remote-*",
    },
    Mistake {
        name: "spellings with underscores and dots stay",
        edits: &[
            ("", "\trequest_header -*_*\n", ""),
            ("", "\trequest_header -*.*\n", ""),
        ],
        code: "identity_alike",
        line: "request_header -*_*",
    },
    Mistake {
        name: "Connection takes identity headers away",
        edits: &[(
            "",
            "\trequest_header Connection (?i)x-auth-[a-z]+ keep-alive\n",
            "",
        )],
        code: "identity_lost",
        line: "keep-alive",
    },
];
