-- A sample shop: three years of orders, refunds, visits and mail clicks of
-- several thousand customers and of people who have not ordered yet.
--
-- Makes the tables customers, orders and visits in the current schema, and the
-- same rows on every server: instead of random() there is a number drawn from
-- the md5 of what it is for.

-- A number between 0 and 1 for a purpose, such as 'first order of 4711'.
CREATE FUNCTION pg_temp.draw(purpose text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT (('x' || left(md5(purpose), 12))::bit(48)::bigint + 0.5::float8) / 281474976710656::float8
$$;

-- Roughly normal, mean 0, standard deviation 1: a sum of uniform numbers.
CREATE FUNCTION pg_temp.draw_normal(purpose text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT (pg_temp.draw(purpose || ' 1') + pg_temp.draw(purpose || ' 2') + pg_temp.draw(purpose || ' 3')
			+ pg_temp.draw(purpose || ' 4') - 2) * 1.7320508
$$;

-- How busy a day is: growth over the years, Christmas and sales, week-ends.
CREATE TEMP TABLE calendar AS
SELECT day, sum(weight) OVER (ORDER BY day) / sum(weight) OVER () AS share_so_far,
	   weight / max(weight) OVER () AS weight
  FROM (SELECT day::date,
			   (1 + (day::date - date '2023-01-01') / 1500.0)
			   * (ARRAY[1.15, 0.80, 0.90, 0.95, 1.00, 1.05, 0.95, 0.70, 0.95, 1.05, 1.60, 1.75])[extract(month FROM day)::int]
			   * (ARRAY[1.00, 0.95, 0.95, 1.00, 1.10, 1.20, 1.25])[extract(isodow FROM day)::int] AS weight
		  FROM generate_series(timestamp '2023-01-01', timestamp '2025-12-31', interval '1 day') day) s;

-- People: when they became known, how they buy. A fifth has never ordered.
CREATE TEMP TABLE people AS
WITH shares AS MATERIALIZED (
	SELECT array_agg(share_so_far ORDER BY day)::float8[] AS shares FROM calendar
)
SELECT n, 'C' || lpad(n::text, 5, '0') AS customer_id, day AS known_since,
	   pg_temp.draw('orders? ' || n) < 0.80 AS orders,
	   -- most come once; the others have a rhythm and stay for a while
	   pg_temp.draw('returns? ' || n) < 0.54 AS returns,
	   18 + 200 * pg_temp.draw('rhythm ' || n) ^ 1.5 AS gap_days,
	   95 / (pg_temp.draw('stays ' || n) + 0.015) ^ 1.1 AS stays_days,
	   exp(3.55 + 0.62 * pg_temp.draw_normal('basket ' || n)) AS basket
  FROM (SELECT n, date '2023-01-01' + width_bucket(pg_temp.draw('known since ' || n), shares) AS day
		  FROM shares, generate_series(1, 8600) n) s;

CREATE TABLE customers AS SELECT customer_id, known_since FROM people;
ALTER TABLE customers ADD PRIMARY KEY (customer_id);

CREATE TEMP TABLE purchases AS
SELECT p.n, k, p.customer_id, p.known_since + first_wait AS first_day,
	   p.known_since + first_wait + CASE WHEN k = 0 THEN 0 ELSE days_later END AS day, p.basket
  FROM people p,
	   LATERAL (SELECT CASE WHEN pg_temp.draw('waits? ' || n) < 0.7 THEN 0 ELSE (60 * pg_temp.draw('wait ' || n))::int END) w(first_wait),
	   LATERAL (SELECT 0 AS k, 0 AS days_later
				UNION ALL
				SELECT k, sum(greatest(1, round(p.gap_days * (0.25 + 1.5 * pg_temp.draw('gap ' || n || ' ' || k))
												* CASE WHEN pg_temp.draw('pause? ' || n || ' ' || k) < 0.07 THEN 6 ELSE 1 END)))
						  OVER (ORDER BY k)::int
				  FROM generate_series(1, least(90, (p.stays_days / p.gap_days)::int)) k WHERE p.returns) o
 WHERE p.orders;

CREATE TABLE orders AS
WITH kept AS (
	-- quiet days lose orders to busy ones
	SELECT b.*, greatest(0, 1 + round(1.6 * pg_temp.draw_normal('items ' || n || ' ' || k)))::int AS more_items
	  FROM purchases b JOIN calendar c ON c.day = b.day
	 WHERE b.k = 0 OR pg_temp.draw('busy ' || n || ' ' || k) < 0.45 + 0.55 * c.weight
), priced AS (
	SELECT n, k, customer_id, day,
		   CASE WHEN pg_temp.draw('gift ' || n || ' ' || k) < 0.004 THEN 0.00
				ELSE greatest(3, floor(basket * exp(0.35 * pg_temp.draw_normal('price ' || n || ' ' || k)) * (1 + 0.25 * more_items)))
					 + (ARRAY[0.90, 0.95, 0.50, 0.00])[1 + floor(4 * pg_temp.draw('cents ' || n || ' ' || k))::int]
				END::numeric(10, 2) AS amount
	  FROM kept
), refunds AS (
	-- returned goods: the whole order or a part, one to four weeks later
	SELECT n, k, customer_id, day + 7 + (21 * pg_temp.draw('returned after ' || n || ' ' || k))::int AS day,
		   (-amount * CASE WHEN pg_temp.draw('whole? ' || n || ' ' || k) < 0.6 THEN 1 ELSE 0.5 END)::numeric(10, 2) AS amount
	  FROM priced WHERE amount > 0 AND pg_temp.draw('returned? ' || n || ' ' || k) < 0.045
)
SELECT row_number() OVER (ORDER BY day, n, k, amount DESC)::int AS order_id, customer_id, day AS order_date, amount
  FROM (SELECT * FROM priced UNION ALL SELECT * FROM refunds) s
 WHERE day <= '2025-12-31'
 ORDER BY 1;

-- Visits (1 point), clicks in a mail (2), a filled cart (5): around the orders,
-- and in between for those who read the newsletter.
CREATE TABLE visits AS
SELECT customer_id, day AS visit_date, points
  FROM (SELECT customer_id, day - (4 * pg_temp.draw('looked ' || n || ' ' || k))::int AS day, 5 AS points, n FROM purchases
		UNION ALL
		SELECT customer_id, known_since + (days_known * pg_temp.draw('visit ' || n || ' ' || i) ^ 1.3)::int,
			   CASE WHEN pg_temp.draw('click ' || n || ' ' || i) < 0.4 THEN 2 ELSE 1 END, n
		  FROM (SELECT *, least(date '2025-12-31' - known_since, (60 / pg_temp.draw('reads ' || n))::int) AS days_known FROM people) p,
			   generate_series(1, (1 + 9 * pg_temp.draw('visits ' || n) ^ 3)::int) i
		 WHERE pg_temp.draw('reader? ' || n) < 0.85) s
 WHERE day BETWEEN '2023-01-01' AND '2025-12-31'
 ORDER BY day, n, points;

DROP TABLE purchases, people, calendar;
DROP FUNCTION pg_temp.draw_normal(text);
DROP FUNCTION pg_temp.draw(text);
