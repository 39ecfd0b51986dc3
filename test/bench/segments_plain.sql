SELECT segment, count(*) AS customers FROM bench.segments GROUP BY segment
