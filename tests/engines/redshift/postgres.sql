-- What Redshift has beyond PostgreSQL, under Redshift's names.
CREATE DATABASE redshift;
\connect redshift
CREATE DOMAIN super AS jsonb;
CREATE DOMAIN varbyte AS bytea;
CREATE FUNCTION json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::jsonb';
CREATE FUNCTION json_serialize(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';
CREATE FUNCTION from_hex(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT decode($1, ''hex'')';
CREATE FUNCTION to_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT encode($1, ''hex'')';
