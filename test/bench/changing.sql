-- What line l starts from: orders that change, and two models of them. One is
-- refreshed after a change, the other is emptied and reads everything.
CREATE TABLE bench.changing AS
TABLE bench.orders;

VACUUM (FREEZE, ANALYZE) bench.changing;

SELECT * FROM create_model('refreshed', 'bench.changing', as_of => '2025-01-01',
						   customer => 'customer_id', day => 'day', value => 'amount');

SELECT * FROM create_model('emptied', 'bench.changing', as_of => '2025-01-01',
						   customer => 'customer_id', day => 'day', value => 'amount');

VACUUM (FREEZE, ANALYZE) refreshed.customer_histories, emptied.customer_histories;
