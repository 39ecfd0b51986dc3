# pg_regress over test/sql, under settings that must not change a byte of the
# output: --quick runs it with none, as the expected files were made, the whole run
# with all of them, in as few modes as they can share. One test is one file in one
# mode. The modes have clusters of their own, for roles are a cluster's; so have
# parts of a mode.

units_regress() {
	if [ -n "$QUICK" ]; then echo plain-models_1 plain-models_2 plain-models_3 plain-layers
	else echo zone-models_1 zone-models_2 zone-models_3 zone-layers zone-jit parallel
	fi
}

figure_regress() { echo "$(ls test/sql/*.sql | wc -l) files $([ -n "$QUICK" ] && echo once || echo under other settings)"; }

stage_regress() {
	local part=${1#*-} parallel=force_parallel_mode launcher=$WORK/launcher
	[ "$PGMAJOR" -lt 16 ] || parallel=debug_parallel_query
	start_cluster normal
	# pg_regress sets the time zone and DateStyle of its psql itself.
	printf '#!/bin/sh\nexec env PGTZ=Pacific/Kiritimati PGDATESTYLE="SQL, DMY" "$@"\n' >"$launcher"
	chmod 755 "$launcher"
	case $1 in
		plain-*) regress plain '' "$part" ;;
		# Statements of models are compiled in doctest, longer than they run.
		zone-models_*) regress zone '' "$part" --launcher="$launcher" ;;
		# settings that have nothing to do with each other go together
		parallel) regress parallel "-c $parallel=regress -c work_mem=64kB -c enable_partitionwise_aggregate=on -c parallel_leader_participation=off" planned ;;
		# Statements are compiled, and sort where others hash. Compiling each one-row expression of every
		# plpgsql loop would take an hour: files with such loops are compiled as by default.
		zone-jit) regress zone '-c enable_hashagg=off -c jit=on -c jit_above_cost=100 -c jit_inline_above_cost=100 -c jit_optimize_above_cost=100' compiled \
			--launcher="$launcher" ;;
		zone-layers) regress zone '-c enable_hashagg=off -c jit=on' not_compiled --launcher="$launcher" ;;
	esac
	check_server_log
}
