# Line j: the same SQL in DuckDB, sourced by run. It is installed for this run
# only; nothing else of the extension needs it.

# Install it, and make its table. Prints why it can't.
prepare_duckdb() {
	local log=$WORK/npm.log dir=$WORK/duckdb
	command -v node >/dev/null && command -v npm >/dev/null || { echo "there is no node or no npm"; return; }
	mkdir "$dir"
	npm install --prefix "$dir" --no-audit --no-fund --loglevel=error @duckdb/node-api >"$log" 2>&1 ||
		{ echo "npm could not install @duckdb/node-api: $(head -n 1 "$log")"; return; }
	copy_orders && duckdb_node load "$dir/orders.duckdb" "$dir/orders.csv" </dev/null >"$log" 2>&1 ||
		{ echo "DuckDB does not run here: $(head -n 1 "$log")"; return; }
}

duckdb_node() { NODE_PATH=$WORK/duckdb/node_modules node $here/duckdb.js "$@"; }

duckdb_version() { sed -n 's/^ *"version": "\(.*\)",*$/\1/p' "$WORK/duckdb/node_modules/@duckdb/node-api/package.json"; }

copy_orders() {
	[ "$(id -u)" != 0 ] || chown "$RUN_USER" "$WORK/duckdb"
	sql -c "COPY bench.orders TO '$WORK/duckdb/orders.csv' (FORMAT csv)"
}

# duckdb_run MODE [OUT]: prints seconds, processor seconds, kB
duckdb_run() {
	local dir=$WORK/duckdb start copied
	case $1 in
		table) text_of duckdb plain_case | duckdb_node table "$dir/orders.duckdb" "$2" ;;
		whole)
			rm -f "$dir"/whole.duckdb*
			start=$EPOCHREALTIME
			copy_orders || return 1
			copied=$EPOCHREALTIME
			text_of duckdb plain_case | duckdb_node whole "$dir/whole.duckdb" "$2" "$dir/orders.csv" |
				awk -v start="${start/,/.}" -v copied="${copied/,/.}" '{ print $1 + copied - start, $2, $3 }' ;;
	esac
}

# Its rows must be ours.
check_duckdb() {
	local differ out=$WORK/duckdb/result.csv
	duckdb_run "$1" "$out" >/dev/null || die "DuckDB failed"
	chmod a+r "$out"
	differ=$({
		echo "SET work_mem = '1GB'; CREATE TABLE bench.ours AS"
		text_of duckdb ours
		echo "; CREATE TABLE bench.plain (LIKE bench.ours); COPY bench.plain FROM '$out' (FORMAT csv);"
		text_of duckdb check
		echo '; DROP TABLE bench.ours, bench.plain;'
	} | sql -At) || die "the check of DuckDB's result failed"
	[ "$differ" = 0 ] || die "DuckDB's result differs in $differ rows"
	ask "UPDATE bench.line SET plain = 'DuckDB $(duckdb_version), 2 threads' WHERE line = $number"
}

# measure_duckdb NUMBER ROUND MODE
measure_duckdb() {
	local seconds cpu kb
	read -r seconds cpu kb <<<"$(duckdb_run "$3" '')"
	[ -n "$kb" ] || die "DuckDB failed"
	ask "INSERT INTO bench.run VALUES ($1, 'plain', $2, $seconds, $cpu, NULL, NULL, $kb)"
}
