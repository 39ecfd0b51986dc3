SELECT segment, count(*) AS customers FROM shop.customer_segments GROUP BY segment
