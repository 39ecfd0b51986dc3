-- The extension goes into a schema of its own, as the README advises; every
-- other test finds it by the database's search_path.
SET client_min_messages = warning;
CREATE SCHEMA scoring;
CREATE EXTENSION customer_scoring SCHEMA scoring;
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET search_path = scoring, public', current_database());
END $$;
