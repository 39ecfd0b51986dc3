SELECT * FROM bench.look_up_prepared('shop.customer_scores')
