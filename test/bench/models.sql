-- What lines k and m start from: a model of the orders, and its answers of one
-- day as plain tables.
SELECT * FROM create_model('shop', 'bench.orders', as_of => '2025-01-01',
						   customer => 'customer_id', day => 'day', value => 'amount');

CREATE TABLE bench.segments AS
SELECT * FROM shop.customer_segments;

CREATE TABLE bench.scores AS
SELECT * FROM shop.customer_scores;

ALTER TABLE bench.scores ADD PRIMARY KEY (customer_key);

VACUUM (FREEZE, ANALYZE) bench.segments, bench.scores, shop.customer_histories;

-- A thousand customers, one after the other. A statement is planned each time
-- anew, or once and for all.
CREATE TABLE bench.looked_up AS
SELECT customer_key FROM bench.scores ORDER BY hashtextextended(customer_key, 1) LIMIT 1000;

CREATE FUNCTION bench.look_up(relation regclass) RETURNS SETOF shop.customer_scores LANGUAGE plpgsql AS $$
DECLARE
	key	text;
BEGIN
	FOR key IN SELECT customer_key FROM bench.looked_up LOOP
		RETURN QUERY EXECUTE format('SELECT * FROM %s WHERE customer_key = %L', relation, key);
	END LOOP;
END
$$;

CREATE FUNCTION bench.look_up_prepared(relation regclass) RETURNS SETOF shop.customer_scores LANGUAGE plpgsql AS $$
DECLARE
	key	text;
BEGIN
	EXECUTE format('PREPARE look_up (text) AS SELECT * FROM %s WHERE customer_key = $1', relation);
	FOR key IN SELECT customer_key FROM bench.looked_up LOOP
		RETURN QUERY EXECUTE format('EXECUTE look_up(%L)', key);
	END LOOP;
	DEALLOCATE look_up;
END
$$;
