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
	regress zone '' --launcher="$launcher"
	regress parallel "-c $parallel=regress"
	regress jit '-c jit=on -c jit_above_cost=0 -c jit_inline_above_cost=0 -c jit_optimize_above_cost=0'
	regress work_mem '-c work_mem=64kB'
	regress sort '-c enable_hashagg=off'
	regress partitionwise '-c enable_partitionwise_aggregate=on'
	regress leader '-c parallel_leader_participation=off'
	check_server_log
	figure "$(ls "$WORK/normal/test/sql" | wc -l) files in $modes modes"
}

# regress MODE PGOPTIONS [pg_regress option...]
regress() {
	local mode=$1 options=$2 tests pg_regress; shift 2
	modes=$((${modes:-0} + 1))
	pg_regress=$(dirname "$("$PG_CONFIG" --pgxs)")/../test/regress/pg_regress
	tests=$(cd "$WORK/normal/test/sql" && ls -- *.sql | sed 's/\.sql$//' | grep -vx install)
	mkdir -p "$WORK/$mode"
	[ "$(id -u)" != 0 ] || chown "$RUN_USER" "$WORK/$mode"
	# shellcheck disable=SC2086
	(cd "$WORK/normal" && as_user env PGOPTIONS="$options" "$pg_regress" --bindir="$PGBIN" --inputdir=test \
		--outputdir="$WORK/$mode" --dbname="regress_$mode" --encoding=UTF8 --no-locale \
		--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" "$@" install $tests) >"$WORK/$mode.out" 2>&1
	tally_regress "$mode" "$WORK/$mode"
}

# Up to 15 pg_regress writes "test NAME ... ok", from 16 on it writes TAP.
tally_regress() {
	local mode=$1 dir=$2 name ok=0
	for name in $(sed -nE 's/^(ok [0-9]+ +[-+] ([^ ]+).*|test ([^ ]+) +\.\.\. ok.*)$/\2\3/p' "$dir.out"); do ok=$((ok + 1)); done
	passed $ok
	for name in $(sed -nE 's/^(not ok [0-9]+ +[-+] ([^ ]+).*|test ([^ ]+) +\.\.\. FAILED.*)$/\2\3/p' "$dir.out"); do
		failed "regress $mode: $name"
	done
	[ $ok -gt 0 ] || { failed "regress $mode: nothing passed"; tail -n 20 "$dir.out"; }
	[ ! -s "$dir/regression.diffs" ] || head -n "$([ "$mode" = plain ] && echo 400 || echo 60)" "$dir/regression.diffs"
}
