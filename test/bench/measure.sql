-- What was measured.
CREATE TABLE bench.line (
	line int PRIMARY KEY, letter text, query text, work_mem text, workers text,
	aim_time numeric, aim_memory numeric, what text, plain text);
CREATE TABLE bench.run (
	line int, side text, round int, seconds numeric(12,6) CHECK (seconds > 0), cpu_seconds numeric(12,6),
	temp_bytes bigint, result_bytes bigint, anonymous_kb bigint,
	wal_bytes bigint, rows_written bigint, PRIMARY KEY (line, side, round));
CREATE TABLE bench.trial (line int, way text, workers int, seconds numeric);
CREATE TABLE bench.plan (line int, side text, plan jsonb, PRIMARY KEY (line, side));

-- Processor time of this backend: what other work on the machine changes least.
-- NULL where the kernel doesn't tell.
CREATE FUNCTION bench.cpu_seconds() RETURNS numeric LANGUAGE sql AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 200, true), ' ', 1)::numeric / 1000000000
$$;

-- What a refresh says that it has written; NULL for any other result
CREATE FUNCTION bench.rows_written(result jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT (result ->> 'customers_added')::bigint + (result ->> 'customers_changed')::bigint + (result ->> 'customers_removed')::bigint
$$;

-- The nodes of a plan that decide what it costs, outermost first.
CREATE FUNCTION bench.nodes(plan jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(name || CASE WHEN n > 1 THEN ' x ' || n ELSE '' END, ', ' ORDER BY first)
	  FROM (SELECT name, count(*) AS n, min(position) AS first
			  FROM (SELECT position,
						   CASE WHEN node ->> 'Node Type' = 'Aggregate'
								THEN CASE node ->> 'Strategy' WHEN 'Hashed' THEN 'HashAggregate' WHEN 'Sorted' THEN 'GroupAggregate' END
									 || CASE WHEN (node ->> 'HashAgg Batches')::int > 1 THEN ' (spilled)' ELSE '' END
								WHEN node ->> 'Node Type' = 'Sort'
								THEN 'Sort' || CASE WHEN node ->> 'Sort Space Type' = 'Disk' THEN ' (disk)' ELSE '' END
								WHEN node ->> 'Node Type' IN ('WindowAgg', 'Gather', 'Gather Merge') THEN node ->> 'Node Type'
						   END AS name
					  FROM jsonb_path_query(plan, 'strict $.** ? (exists (@."Node Type"))') WITH ORDINALITY q(node, position)) s
			 WHERE name IS NOT NULL
			 GROUP BY name) t
$$;

-- kB of the largest hash table of a plan, NULL if there is none
CREATE FUNCTION bench.hash_kb(plan jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT max(value::bigint) FROM jsonb_path_query(plan, 'strict $.**."Peak Memory Usage"') value
$$;
