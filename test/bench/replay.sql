-- The rows of a result once more, out of a function that does nothing but keep
-- them: what its tuplestore takes, for any function with that result.
CREATE TABLE bench.kept AS
SELECT * FROM score_customers('SELECT customer_id, day, amount FROM bench.orders', NULL::int, '2025-01-01');

CREATE FUNCTION bench.replay() RETURNS SETOF bench.kept LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY TABLE bench.kept;
END
$$;
