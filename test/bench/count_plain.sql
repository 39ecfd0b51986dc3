SELECT count(*) AS n FROM bench.orders
