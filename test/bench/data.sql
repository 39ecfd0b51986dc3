-- The orders: rows of them, of rows / 10 customers, over two years, amounts
-- 0.01 to 1000.00, in random order. A hash of the row's number stands for
-- random(): the same rows on every machine of one byte order.
CREATE SCHEMA bench;

CREATE TABLE bench.orders (customer_id int NOT NULL, day date NOT NULL, amount numeric(10,2) NOT NULL);

INSERT INTO bench.orders
SELECT 1 + (hashint8extended(i, 1) & 9223372036854775807) % greatest(:rows / 10, 1),
	   DATE '2023-01-01' + ((hashint8extended(i, 2) & 9223372036854775807) % 730)::int,
	   (1 + (hashint8extended(i, 3) & 9223372036854775807) % 100000)::numeric / 100
  FROM generate_series(1, :rows::bigint) i;

VACUUM (FREEZE, ANALYZE) bench.orders;
