-- What lines n to q start from: the orders twice, with a key of their own, as a
-- shop has them. One model is live on the first table; another model of the
-- same table is not; nobody looks at the second table.
CREATE TABLE bench.live (
	order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id int NOT NULL, day date NOT NULL, amount numeric(10,2) NOT NULL);

CREATE TABLE bench.not_live (LIKE bench.live INCLUDING ALL);

INSERT INTO bench.live (customer_id, day, amount) TABLE bench.orders;

INSERT INTO bench.not_live (customer_id, day, amount) TABLE bench.orders;

VACUUM (FREEZE, ANALYZE) bench.live, bench.not_live;

SELECT * FROM create_model('live', 'bench.live', as_of => '2025-01-01', live => true,
						   customer => 'customer_id', day => 'day', value => 'amount');

SELECT * FROM create_model('not_live', 'bench.live', as_of => '2025-01-01',
						   customer => 'customer_id', day => 'day', value => 'amount');

VACUUM (FREEZE, ANALYZE) live.customer_histories, not_live.customer_histories;

-- New orders, a thousand in a batch: all customers have had one before anybody
-- has two.
CREATE SEQUENCE bench.batch;

CREATE TABLE bench.size AS
SELECT greatest(count(*) / 10, 1) AS customers FROM bench.orders;

CREATE FUNCTION bench.new_orders(batch bigint)
	RETURNS TABLE (customer_id int, day date, amount numeric)
	LANGUAGE sql ROWS 1000 AS $$
	SELECT (1 + n * 7919 % customers)::int, DATE '2024-12-25' + (n % 7)::int, (1 + n * 31 % 100000)::numeric / 100
	  FROM bench.size, generate_series(batch * 1000, batch * 1000 + 999) n
$$;

-- Batches until so many rows are pending, each a statement and a transaction of
-- its own.
CREATE PROCEDURE bench.fill_pending(wanted bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. (wanted - (SELECT count(*) FROM live.pending)) / 1000 LOOP
		INSERT INTO bench.live (customer_id, day, amount) SELECT * FROM bench.new_orders(nextval('bench.batch'));
		COMMIT;
	END LOOP;
END
$$;

-- What was measured: seconds, or transactions a second.
CREATE TABLE bench.live_line (line int PRIMARY KEY, letter text, unit text, aim text, what text);
CREATE TABLE bench.live_run (
	line int, side text, round int, value numeric CHECK (value > 0), cpu_seconds numeric, PRIMARY KEY (line, side, round));
CREATE TABLE bench.live_failure (line int, failure text);

-- Line n: each batch into both tables, from arrays, so that next to nothing is
-- timed but the insert. What counts for a round is the median of its statements.
CREATE PROCEDURE bench.time_inserts(line int, round int, batches int) LANGUAGE plpgsql AS $$
DECLARE
	customers	int[];
	days		date[];
	amounts		numeric[];
	side		text;
	started		timestamptz;
	cpu			numeric;
	sides		text[] := '{}';
	seconds		numeric[] := '{}';
	cpus		numeric[] := '{}';
BEGIN
	FOR i IN -4 .. batches LOOP
		SELECT array_agg(o.customer_id), array_agg(o.day), array_agg(o.amount) INTO customers, days, amounts
		  FROM bench.new_orders(nextval('bench.batch')) o;
		COMMIT;
		FOREACH side IN ARRAY CASE WHEN i % 2 = 0 THEN '{ours,plain}'::text[] ELSE '{plain,ours}' END LOOP
			cpu := bench.cpu_seconds();
			started := clock_timestamp();
			IF side = 'ours' THEN
				INSERT INTO bench.live (customer_id, day, amount) SELECT * FROM unnest(customers, days, amounts);
			ELSE
				INSERT INTO bench.not_live (customer_id, day, amount) SELECT * FROM unnest(customers, days, amounts);
			END IF;
			COMMIT;
			CONTINUE WHEN i < 1;		-- until plans are made and caches warm
			sides := sides || side;
			seconds := seconds || extract(epoch FROM clock_timestamp() - started);
			cpus := cpus || (bench.cpu_seconds() - cpu);
		END LOOP;
	END LOOP;
	INSERT INTO bench.live_run
	SELECT line, u.side, round, percentile_cont(0.5) WITHIN GROUP (ORDER BY u.seconds), percentile_cont(0.5) WITHIN GROUP (ORDER BY u.cpu)
	  FROM unnest(sides, seconds, cpus) u (side, seconds, cpu) GROUP BY u.side;
END
$$;

-- Line n: a batch, and its customers out of customer_scores by their keys, with
-- all columns; then a rebuild.
CREATE PROCEDURE bench.time_reading(line int, round int) LANGUAGE plpgsql AS $$
DECLARE
	batch	bigint := nextval('bench.batch');
	keys	text[] := ARRAY(SELECT DISTINCT customer_id::text FROM bench.new_orders(batch));
	started	timestamptz;
	cpu		numeric;
	scores	live.customer_scores[];
BEGIN
	-- a connection that has seen the view before
	EXECUTE 'SELECT array_agg(s) FROM live.customer_scores s WHERE customer_key = $1' USING keys[1];
	started := clock_timestamp();
	cpu := bench.cpu_seconds();
	INSERT INTO bench.live (customer_id, day, amount) SELECT * FROM bench.new_orders(batch);
	COMMIT;
	EXECUTE 'SELECT array_agg(s) FROM live.customer_scores s WHERE customer_key = ANY ($1)' INTO scores USING keys;
	INSERT INTO bench.live_run
	VALUES (line, 'ours', round, extract(epoch FROM clock_timestamp() - started), bench.cpu_seconds() - cpu);
	-- they have all ordered in the last week
	INSERT INTO bench.live_failure
	SELECT line, 'customer_scores lacks new orders'
	  FROM unnest(scores) s HAVING count(*) FILTER (WHERE s.recency_days <= 7) <> cardinality(keys);
	COMMIT;
	started := clock_timestamp();
	cpu := bench.cpu_seconds();
	PERFORM FROM refresh_model('live');
	COMMIT;
	INSERT INTO bench.live_run
	VALUES (line, 'plain', round, extract(epoch FROM clock_timestamp() - started), bench.cpu_seconds() - cpu);
END
$$;

-- Line q: a query. There are workers, so that this backend's processor time says
-- nothing.
CREATE PROCEDURE bench.time_query(line int, side text, round int, query text) LANGUAGE plpgsql AS $$
DECLARE
	started	timestamptz := clock_timestamp();
BEGIN
	EXECUTE query;
	INSERT INTO bench.live_run VALUES (line, side, round, extract(epoch FROM clock_timestamp() - started), NULL);
END
$$;
