-- What lines b, c and d start from: one row a customer, once as a history and
-- once as three plain columns.
CREATE TABLE bench.histories AS
SELECT customer_id, scoring.history_agg(day, amount) AS history
  FROM bench.orders GROUP BY customer_id;

CREATE TABLE bench.totals AS
SELECT customer_id, max(day) AS last_day, count(*) AS n, sum(amount) AS total
  FROM bench.orders GROUP BY customer_id;

CREATE TABLE bench.customers AS
SELECT customer_id, DATE '2025-01-01' - last_day AS recency, n AS frequency, total AS monetary
  FROM bench.totals;

VACUUM (FREEZE, ANALYZE) bench.histories, bench.totals, bench.customers;
