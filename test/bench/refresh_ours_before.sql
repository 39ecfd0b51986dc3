-- All orders of every thousandth customer get another amount; the next time,
-- their first one back. What is left behind is swept up before the clock runs.
UPDATE bench.changing SET amount = 1000.01 - amount WHERE customer_id % 1000 = 1;

VACUUM bench.changing, refreshed.customer_histories;
