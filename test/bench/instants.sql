-- The same orders with a point in time instead of a day: some hour of that day in Paris.
CREATE TABLE bench.instants (customer_id int NOT NULL, at timestamptz NOT NULL, amount numeric(10,2) NOT NULL);

INSERT INTO bench.instants
SELECT customer_id,
	   (day + make_interval(secs => hashint4extended(customer_id + (amount * 100)::int, 4) & 65535)) AT TIME ZONE 'Europe/Paris',
	   amount
  FROM bench.orders;

VACUUM (FREEZE, ANALYZE) bench.instants;
