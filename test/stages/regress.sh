# pg_regress over test/sql, and all of it again under settings that must not
# change a byte of the output. One test is one file in one mode. The modes have
# clusters of their own, for roles are a cluster's; so have parts of a mode.

units_regress() {
	[ -n "$QUICK" ] || echo zone-models_1 zone-models_2 zone-layers parallel jit plans
	echo plain-models_1 plain-models_2 plain-layers
}

figure_regress() { echo "$(ls test/sql/*.sql | wc -l) files $([ -n "$QUICK" ] && echo once || echo in 8 modes)"; }

stage_regress() {
	local part=${1#*-} parallel=force_parallel_mode launcher=$WORK/launcher
	[ "$PGMAJOR" -lt 16 ] || parallel=debug_parallel_query
	start_cluster normal
	case $1 in
		plain-*) regress plain '' "$part" ;;
		zone-*)
			# pg_regress sets the time zone and DateStyle of its psql itself.
			printf '#!/bin/sh\nexec env PGTZ=Pacific/Kiritimati PGDATESTYLE="SQL, DMY" "$@"\n' >"$launcher"
			chmod 755 "$launcher"
			# and JIT as it is by default
			regress zone '-c jit=on' "$part" --launcher="$launcher"
			;;
		parallel) regress parallel "-c $parallel=regress" planned ;;
		# Compiling each one-row expression of every plpgsql loop would take an hour.
		jit) regress jit '-c jit=on -c jit_above_cost=100 -c jit_inline_above_cost=100 -c jit_optimize_above_cost=100' planned ;;
		plans)
			regress work_mem '-c work_mem=64kB' planned
			regress sort '-c enable_hashagg=off' planned
			regress partitionwise '-c enable_partitionwise_aggregate=on' planned
			regress leader '-c parallel_leader_participation=off' planned
			;;
	esac
	check_server_log
}
