-- What a node may do: read, and write when a key was last used. Run it as the owner of the schema
-- once the tables are there, and after every upgrade; it may be run as often as you like.

GRANT USAGE ON SCHEMA htgate TO htgate_node;
GRANT SELECT ON ALL TABLES IN SCHEMA htgate TO htgate_node;
GRANT UPDATE (last_used) ON htgate.keys TO htgate_node;
