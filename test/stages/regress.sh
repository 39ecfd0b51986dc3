# pg_regress over test/sql, and all of it again under settings that must not
# change a byte of the output. One test is one file in one mode.

stage_regress() {
	local mode parallel=force_parallel_mode launcher=$WORK/launcher
	[ "$PGMAJOR" -lt 16 ] || parallel=debug_parallel_query
	start_cluster normal

	# pg_regress sets the time zone and DateStyle of its psql itself.
	printf '#!/bin/sh\nexec env PGTZ=Pacific/Kiritimati PGDATESTYLE="SQL, DMY" "$@"\n' >"$launcher"
	chmod 755 "$launcher"

	regress plain ''
	if [ -n "$QUICK" ]; then
		check_server_log
		figure "$(ls "$WORK/normal/test/sql" | wc -l) files once"
		return
	fi
	regress zone '' --launcher="$launcher"
	regress parallel "-c $parallel=regress"
	# Compiling each one-row expression of every plpgsql loop would take an hour.
	regress jit '-c jit=on -c jit_above_cost=100 -c jit_inline_above_cost=100 -c jit_optimize_above_cost=100'
	regress work_mem '-c work_mem=64kB'
	regress sort '-c enable_hashagg=off'
	regress partitionwise '-c enable_partitionwise_aggregate=on'
	regress leader '-c parallel_leader_participation=off'
	check_server_log
	figure "$(ls "$WORK/normal/test/sql" | wc -l) files in $modes modes"
}
