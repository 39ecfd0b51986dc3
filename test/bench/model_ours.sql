SELECT count(*) AS n FROM create_model('made', 'bench.orders', as_of => '2025-01-01', customer => 'customer_id', day => 'day', value => 'amount')
