-- The two roles, made once, when the database is made. Their passwords are the fifth field of the
-- files that they log in by.

\set ON_ERROR_STOP on
\set commands `cut -d: -f5 /run/secrets/commands_pgpass`
\set node `cut -d: -f5 /run/secrets/node_pgpass`

CREATE ROLE htgate_commands LOGIN PASSWORD :'commands';
CREATE ROLE htgate_node LOGIN PASSWORD :'node';

REVOKE ALL ON DATABASE htgate FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE htgate TO htgate_commands; -- the first command makes the schema
GRANT CONNECT ON DATABASE htgate TO htgate_node;
