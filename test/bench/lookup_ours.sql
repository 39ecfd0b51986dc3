SELECT * FROM bench.look_up('shop.customer_scores')
