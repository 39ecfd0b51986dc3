-- The extension goes into a schema of its own, as the README advises; every
-- other test finds it by the database's search_path, and in public what many use.
SET client_min_messages = warning;
CREATE SCHEMA scoring;
CREATE EXTENSION customer_scoring SCHEMA scoring;
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET search_path = scoring, public', current_database());
END $$;
-- What a statement raises: SQLSTATE, message, detail and hint; or without the detail.
CREATE FUNCTION public.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; hint text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', sqlstate || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;
CREATE FUNCTION public.error_and_hint(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN sqlstate || ': ' || sqlerrm || CASE WHEN hint <> '' THEN ' (' || hint || ')' ELSE '' END;
END $$;
-- Numbers that look random and depend on i and the seed alone: from 0 to n - 1,
-- from 0 to 1.
CREATE FUNCTION public.draw(i bigint, seed bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT ((hashint8extended(i, seed) % n) + n) % n $$;
CREATE FUNCTION public.draw(i bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT (hashint8extended(i, 11) & 9223372036854775807) % n $$;
CREATE FUNCTION public.draw(i bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
  $$ SELECT (hashint8extended(i, 11) & 1048575) / 1048576.0 $$;
-- The next n numbers between 0 and 1 of a generator, and its state after them: start with any state
CREATE FUNCTION public.next_draws(INOUT state bigint, n int, OUT draws float8[]) LANGUAGE plpgsql AS $$
BEGIN
  draws := '{}';
  FOR i IN 1 .. n LOOP
    state := (state * 1103515245 + 12345) % 2147483648;
    draws := draws || ((state >> 8) + 0.5) / 8388608;
  END LOOP;
END $$;
