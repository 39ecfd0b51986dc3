WITH facts AS MATERIALIZED (
	SELECT customer_id,
		   recency(history, DATE '2025-01-01') AS recency,
		   frequency(history, DATE '2025-01-01') AS frequency,
		   monetary(history, DATE '2025-01-01') AS monetary,
		   tenure(history, DATE '2025-01-01') AS tenure
	  FROM (SELECT customer_id, history_agg(day, amount) AS history
			  FROM bench.orders
			 GROUP BY customer_id) customer
)
SELECT customer_id, recency, frequency, monetary, tenure, r, f, m,
	   rfm_code(r, f, m) AS rfm_code,
	   weighted_score(ARRAY[r, f, m], '{1,1,1}') AS rfm_score,
	   segment(r, f, m, 'essential', jsonb_build_object('tenure_days', tenure)) AS segment
  FROM (
	SELECT *,
		   score(recency, '{30,90,180,365}', false) AS r,
		   score(frequency, '{1,2,4,9}') AS f,
		   score(monetary, (SELECT quantile_thresholds(monetary, 5) FROM facts)) AS m
	  FROM facts
	OFFSET 0						-- else every score is computed wherever it is used
	   ) scored
