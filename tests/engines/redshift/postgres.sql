-- What Redshift has beyond PostgreSQL, under Redshift's names.
CREATE DATABASE redshift;
\connect redshift
SET allow_system_table_mods = on;
CREATE DOMAIN pg_catalog.super AS json;
CREATE DOMAIN pg_catalog.varbyte AS bytea;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS json LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::json';
CREATE FUNCTION pg_catalog.json_serialize(json) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';
CREATE FUNCTION pg_catalog.from_hex(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT decode($1, ''hex'')';
CREATE FUNCTION pg_catalog.to_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT encode($1, ''hex'')';
