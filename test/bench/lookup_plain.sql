SELECT * FROM bench.look_up('bench.scores')
