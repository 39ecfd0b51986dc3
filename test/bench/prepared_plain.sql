SELECT * FROM bench.look_up_prepared('bench.scores')
