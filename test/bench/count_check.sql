-- customers that one side has not counted
SELECT abs((SELECT n FROM bench.ours) - (SELECT count(DISTINCT customer_id) FROM bench.orders))
