-- A sample shop: three years of orders with their lines, refunds, and of what people
-- do besides buying (mails, visits, baskets, reviews, answers to surveys), of several
-- thousand customers and of people who have not ordered yet.
--
-- Makes the tables customers, orders, order_lines, events, surveys and answers in the current schema, and the
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

-- Sixteen numbers between 0 and 255 for a purpose, for what there is much of.
CREATE FUNCTION pg_temp.bytes(purpose text) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$ SELECT decode(md5(purpose), 'hex') $$;

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

-- A few are contacts of one of 20 companies.
CREATE TABLE customers AS
SELECT customer_id, known_since,
	   CASE WHEN pg_temp.draw('company? ' || n) < 0.012 THEN 'A' || lpad((1 + floor(20 * pg_temp.draw('which company ' || n)))::text, 2, '0') END AS account
  FROM people;
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

-- What is in the orders. Everybody likes one category of products most, which of the
-- dear ones more who spends more, and often one that goes with it; toys are for
-- Christmas, and the garden is for spring. Sports have been growing since the summer of
-- 2025. A refund is of the last order that was as large.
CREATE TABLE order_lines AS
WITH taste AS (
	SELECT n, customer_id, 1 + width_bucket(pg_temp.draw('taste ' || n) ^ sqrt(35 / basket), '{0.10,0.20,0.28,0.44,0.54,0.63,0.70,0.78,0.89}'::float8[]) AS favourite
	  FROM people
), baskets AS (
	SELECT o.order_id, o.customer_id, o.order_date, o.amount, t.favourite, extract(month FROM o.order_date) AS month, pg_temp.bytes('lines ' || o.order_id) AS b
	  FROM orders o JOIN taste t USING (customer_id) WHERE o.amount >= 0
), lines AS (
	SELECT b.*, i, CASE WHEN amount = 0 OR get_byte(b, 0) < 150 THEN 1 WHEN get_byte(b, 0) < 215 THEN 2 ELSE 3 END AS lines,
		   get_byte(b, 1 + i) AS likes, get_byte(b, 4 + i) AS season, get_byte(b, 7 + i) AS any_one, get_byte(b, 10 + i) AS part
	  FROM baskets b CROSS JOIN generate_series(1, 3) i
), chosen AS (
	SELECT order_id, i, customer_id, order_date, amount,
		   (ARRAY['books', 'beauty', 'toys', 'fashion', 'shoes', 'kitchen', 'garden', 'sports', 'home', 'electronics'])[
			   CASE WHEN month IN (11, 12) AND season < 60 THEN 3 WHEN month IN (4, 5, 6) AND season < 40 THEN 7
					WHEN order_date >= '2025-07-01' AND season < 12 + (order_date - '2025-07-01') / 6 THEN 8
					WHEN likes < 125 THEN favourite
					WHEN likes < 180 THEN ('{3,4,1,5,4,9,9,5,6,8}'::int[])[favourite]
					ELSE 1 + any_one * 10 / 256 END] AS category,
		   CASE WHEN i > 1 THEN floor(amount * part / 256 / lines) END AS part
	  FROM lines WHERE i <= lines
), bought AS (
	-- the first line has what is left
	SELECT order_id, i AS line_no, customer_id, order_date, category,
		   coalesce(part, amount - coalesce(sum(part) OVER (PARTITION BY order_id), 0))::numeric(10, 2) AS amount
	  FROM chosen
)
SELECT * FROM bought
UNION ALL
SELECT o.order_id, 1, o.customer_id, o.order_date, coalesce(b.category, 'books'), o.amount
  FROM orders o
  LEFT JOIN LATERAL (SELECT e.order_id FROM orders e WHERE e.customer_id = o.customer_id AND e.order_date < o.order_date AND e.amount >= -o.amount
					  ORDER BY e.order_date DESC, e.order_id DESC LIMIT 1) e ON true
  LEFT JOIN bought b ON b.order_id = e.order_id AND b.line_no = 1
 WHERE o.amount < 0
 ORDER BY 1, 2;

-- What they do besides buying. Who is interested looks around, reads the newsletter
-- and comes back before an order. Interest mostly goes a while before the orders do;
-- some read on without buying again, and a tenth leave no trace but their mails.
-- Nothing of it changes an order: interest is drawn around them.
CREATE TEMP TABLE interest AS
SELECT p.n, p.known_since, pg_temp.draw('curious? ' || p.n) AS curious, pg_temp.draw('reader? ' || p.n) < 0.85 AS reads,
	   pg_temp.draw('traces? ' || p.n) < 0.90 AS leaves_traces,
	   least(date '2025-12-31', greatest(p.known_since,
		   CASE WHEN pg_temp.draw('interested on? ' || p.n) < 0.06 THEN date '2025-12-31'
				WHEN b.last_day IS NULL THEN p.known_since + (60 / (pg_temp.draw('reads ' || p.n) + 0.02))::int
				WHEN NOT p.returns THEN b.last_day + (20 / (pg_temp.draw('reads ' || p.n) + 0.05))::int
				ELSE b.last_day - (p.gap_days * (1.5 * pg_temp.draw('reads ' || p.n) - 0.3))::int END)) AS until
  FROM people p LEFT JOIN (SELECT n, max(day) AS last_day FROM purchases GROUP BY 1) b USING (n);

CREATE TABLE events AS
WITH mails AS (
	-- a newsletter a month, as long as somebody may still read it
	SELECT n, day, curious, day <= until AS interested, pg_temp.bytes('mail ' || n || ' ' || day) AS b
	  FROM interest, LATERAL (SELECT month::date + 5 AS day
								FROM generate_series(date_trunc('month', known_since::timestamp), least(until + 60, date '2025-12-31'), interval '1 month') month) m
	 WHERE reads AND day >= known_since
), opened AS (
	SELECT n, day + get_byte(b, 0) / 100 AS day, get_byte(b, 1) < 40 + 90 * curious AS clicked
	  FROM mails WHERE get_byte(b, 2) < CASE WHEN interested THEN 70 + 160 * curious ELSE 8 END
), sessions AS (
	SELECT n, day, 'mail' AS reason, pg_temp.bytes('clicked ' || n || ' ' || day) AS b FROM opened WHERE clicked
	UNION ALL
	SELECT n, known_since, 'first', pg_temp.bytes('first ' || n) FROM interest WHERE leaves_traces
	UNION ALL
	-- some now and then, few all the time
	SELECT n, known_since + (until - known_since) * (get_byte(b, 10) * 256 + get_byte(b, 11)) / 65536, 'interest', b
	  FROM interest, LATERAL (SELECT pg_temp.bytes('interest ' || n || ' ' || i) AS b
								FROM generate_series(1, least(150, (until - known_since) / 30.0 * (1.5 * curious ^ 1.5 + 14 * curious ^ 25))::int) i OFFSET 0) s
	 WHERE leaves_traces
	UNION ALL
	-- who thinks about the first order comes back meanwhile
	SELECT n, known_since + (first_day - known_since) * get_byte(b, 10) / 256, 'thinks', b
	  FROM purchases JOIN interest USING (n),
		   LATERAL (SELECT pg_temp.bytes('thinks ' || n || ' ' || i) AS b FROM generate_series(1, 1 + (first_day - known_since) / 12) i OFFSET 0) s
	 WHERE k = 0 AND first_day > known_since AND leaves_traces
	UNION ALL
	-- the order itself, and often a visit or two in the two weeks before
	SELECT n, greatest(known_since, day - CASE WHEN i = 0 THEN get_byte(b, 10) / 128 ELSE 1 + get_byte(b, 10) / 20 END),
		   CASE WHEN i = 0 THEN 'order' ELSE 'compares' END, b
	  FROM purchases JOIN interest USING (n),
		   LATERAL (SELECT i, pg_temp.bytes('order ' || n || ' ' || k || ' ' || i) AS b FROM generate_series(0, 2) i OFFSET 0) s
	 WHERE leaves_traces AND (i = 0 OR get_byte(b, 11) < 150) AND day <= '2026-01-13'
), acts AS (
	SELECT n, day, 'email_sent' AS kind FROM mails
	UNION ALL
	SELECT n, day, 'email_open' FROM opened
	UNION ALL
	SELECT n, day, 'email_click' FROM opened WHERE clicked
	UNION ALL
	SELECT n, until + 1 + (150 * pg_temp.draw('unsubscribes after ' || n))::int, 'unsubscribe'
	  FROM interest WHERE reads AND pg_temp.draw('unsubscribes? ' || n) < 0.12
	UNION ALL
	SELECT n, day, 'visit' FROM sessions
	UNION ALL
	SELECT n, day, 'product_view' FROM sessions WHERE get_byte(b, 0) < CASE WHEN reason IN ('order', 'compares') THEN 235 ELSE 110 END
	UNION ALL
	-- baskets without an order too
	SELECT n, day, 'basket_add' FROM sessions WHERE get_byte(b, 1) < CASE reason WHEN 'order' THEN 256 WHEN 'compares' THEN 110 WHEN 'thinks' THEN 60 ELSE 26 END
	UNION ALL
	SELECT n, day + 5 + get_byte(b, 3) / 16, 'review' FROM sessions WHERE reason = 'order' AND get_byte(b, 2) < 20
	UNION ALL
	SELECT n, day + get_byte(b, 3) / 25, 'share' FROM sessions WHERE get_byte(b, 4) < 5
)
SELECT row_number() OVER (ORDER BY day, n, kind COLLATE "C")::int AS event_id, 'C' || lpad(n::text, 5, '0') AS customer_id, day AS happened_on, kind
  FROM acts
 WHERE day <= '2025-12-31';

-- What they say. After some orders a mail asks how likely they are to recommend the shop (nps, 0 to 10)
-- or how they liked the delivery (delivery, 1 to 5 stars). One in three answers, more often who is pleased
-- or cross. Who is about to leave is less and less pleased.
CREATE TEMP TABLE asked AS
SELECT n, k, customer_id, day + 7 + (4 * pg_temp.draw('asked after ' || n || ' ' || k))::int AS day, question,
	   0.74 + 0.11 * pg_temp.draw_normal('mood ' || n) + 0.15 * pg_temp.draw_normal('mood ' || n || ' ' || k || question)
	   - CASE WHEN later = 0 AND k > 0 THEN 0.26 WHEN later = 0 THEN 0.10 WHEN later = 1 THEN 0.14 WHEN later = 2 THEN 0.06 ELSE 0 END AS mood
  FROM (SELECT p.*, count(*) OVER (PARTITION BY n ORDER BY k DESC) - 1 AS later FROM purchases p) p,
	   LATERAL (VALUES ('nps', 0.30), ('delivery', 0.15)) q(question, share)
 WHERE pg_temp.draw('asked? ' || n || ' ' || k || question) < share
   AND EXISTS (SELECT FROM orders o WHERE o.customer_id = p.customer_id AND o.order_date = p.day AND o.amount >= 0);

CREATE TABLE surveys AS
SELECT customer_id, day AS sent_on, question FROM asked WHERE day <= '2025-12-31' ORDER BY day, n, k, question;

CREATE TABLE answers AS
SELECT customer_id, answered_on, question,
	   CASE question WHEN 'nps' THEN least(10, greatest(0, round(2.2 + 8.6 * mood))) ELSE least(5, greatest(1, round(1.4 + 3.7 * mood))) END::int AS rating
  FROM (SELECT a.*, a.day + (5 * pg_temp.draw('answers after ' || n || ' ' || k || question) ^ 2)::int AS answered_on FROM asked a) a
 WHERE answered_on <= '2025-12-31' AND pg_temp.draw('answers? ' || n || ' ' || k || question) < 0.22 + 0.5 * abs(mood - 0.62)
 ORDER BY answered_on, n, k, question;

DROP TABLE asked, interest, purchases, people, calendar;
DROP FUNCTION pg_temp.bytes(text);
DROP FUNCTION pg_temp.draw_normal(text);
DROP FUNCTION pg_temp.draw(text);
