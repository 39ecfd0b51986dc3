-- orders that one side has not seen
SELECT abs((SELECT sum(frequency) FROM bench.ours) - (SELECT n FROM bench.plain))::bigint
