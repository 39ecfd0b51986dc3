# Lines n to r: live models, sourced by run. What counts here is what a shop
# notices, so these lines wait for the disk: fsync is on. Only ratios within one
# run say something.

# Letter, name, unit, aim, what it is. An aim is one of ours / plain, and perhaps of
# processor time; with "ours" of the value itself, with "more" of ours - plain.
LIVE_LINES=(
	'n|inserts|ms|<= 1.5|1,000 orders in one statement: live / not live'
	'n|reading|s|<= 0.01|1,000 orders and their customers read / refresh_model'
	'o|zipf|/s|>= 0.9, processor <= 1.25|single orders, 4 clients, Zipf: live / not live'
	'o|hot|/s|>= 0.9, processor <= 1.25|single orders, 4 clients, one customer: live / not live'
	'p|apply|s||apply_changes, 100,000 rows: 4 clients inserting / alone'
	'p|writers|/s||their orders: meanwhile / before'
	'p|wait|ms||longest insert of a single order: meanwhile / before'
	'q|pending_0|s||customers by segment, nothing pending: live / not live'
	'q|pending_10000|s||customers by segment, 10,000 rows pending: live / not live'
	'q|pending_400000|s||customers by segment, 400,000 rows pending: live / not live'
	'q|pending_most|s|<= 3|customers by segment: 400,000 rows pending / none'
	'r|prepared|ms|ours <= 0.5|one customer of a model with everything, prepared: model / primary key'
	'r|customer|ms|ours <= 2|the same by customer(), not prepared: model / primary key'
	'r|unprepared|ms||the same of customer_scores, not prepared: model / primary key'
	'r|cold|ms|more <= 3|first query of a session: customer() / SELECT 1'
)

clients=4

live_number() {
	local i query
	for i in "${!LIVE_LINES[@]}"; do
		IFS='|' read -r _ query _ <<<"${LIVE_LINES[$i]}"
		[ "$query" != "$1" ] || { echo $((i + 1)); return; }
	done
	die "no line is called $1"
}

# live_value NAME SIDE ROUND VALUE [PROCESSOR_SECONDS]
live_value() { ask "INSERT INTO bench.live_run VALUES ($(live_number "$1"), '$2', $3, $4, ${5:-NULL})"; }

live_failure() {
	say "  FAILED: $2"
	ask "INSERT INTO bench.live_failure VALUES ($(live_number "$1"), '$2')"
}

say_round() {
	local name
	for name in "$@"; do
		say "  $name, $(ask "SELECT format('round %s: ours %s, plain %s', round, max(round(value, 4)) FILTER (WHERE side = 'ours'), max(round(value, 4)) FILTER (WHERE side = 'plain'))
			FROM bench.live_run WHERE line = $(live_number "$name") GROUP BY round ORDER BY round DESC LIMIT 1")"
	done
}

# Nothing pending, nothing to sweep up, nothing to write but what follows
settle() {
	ask "SELECT FROM apply_changes('live')"
	ask 'VACUUM (ANALYZE) live.pending, live.customer_histories, not_live.customer_histories'
	ask CHECKPOINT
}

# The model must be what a rebuild would make of the orders: with what is
# pending, and when it is folded in. check_live NAME
check_live() {
	local found
	found=$(ask "SELECT string_agg(concat_ws(' ', problem, customers, explanation), '; ') FROM check_model('live')")
	[ -z "$found" ] || live_failure "$1" "check_model: $found"
	ask "SELECT FROM apply_changes('live')"
	found=$(ask "SELECT string_agg(concat_ws(' ', problem, customers, explanation), '; ') FROM check_model('live')")
	[ -z "$found" ] || live_failure "$1" "check_model after apply_changes: $found"
}

# Processor seconds of all backends that have ended. They take a moment for it.
ended_cpu() {
	local stat
	while [ "$(ask "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'")" != 0 ]; do :; done
	read -r -t 0.5 -u $nap
	stat=$(<"/proc/$POSTMASTER/stat")
	set -- ${stat##*) }
	awk -v ticks=$((${14} + ${15})) -v second="$(getconf CLK_TCK)" 'BEGIN { print ticks / second }'
}

# What pgbench runs. order_script TABLE CUSTOMER
order_script() { sed "s/@table@/$1/; s/@customer@/$2/" $here/order.pgbench; }

zipf="random_zipfian(1, $((rows / 10 > 1 ? rows / 10 : 2)), 1.1)"

# The report of pgbench in $WORK/NAME.out: how many transactions have failed,
# and the server's count of deadlocks. check_writers LINE NAME STATUS
check_writers() {
	local failed deadlocks
	failed=$(sed -n 's/^number of failed transactions: \([0-9]*\) .*/\1/p' "$WORK/$2.out")
	[ "$3" = 0 ] && [ "$failed" = 0 ] || live_failure "$1" "pgbench: ${failed:-?} transactions failed, $(grep -ci error "$WORK/$2.out") errors"
	deadlocks=$(ask "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
	[ "$deadlocks" = 0 ] || live_failure "$1" "$deadlocks deadlocks"
}

# writers LINE SIDE ROUND TABLE CUSTOMER
writers() {
	local cpu status=0 tps orders
	settle
	order_script "$4" "$5" >"$WORK/order.pgbench"
	cpu=$(ended_cpu)
	pgbench -n -M prepared -c $clients -j 2 -T $live_seconds -f "$WORK/order.pgbench" >"$WORK/writers.out" 2>&1 || status=$?
	check_writers "$1" writers $status
	tps=$(sed -n 's/^tps = \([0-9.]*\) .*/\1/p' "$WORK/writers.out")
	orders=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$WORK/writers.out")
	[ -n "$tps" ] && [ "${orders:-0}" -gt 0 ] || { cat "$WORK/writers.out" >&2; die "pgbench failed"; }
	live_value "$1" "$2" "$3" "$tps" "$(awk -v before="$cpu" -v after="$(ended_cpu)" -v n="$orders" 'BEGIN { print (after - before) / n }')"
}

measure_inserts() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		settle
		ask "CALL bench.time_inserts($(live_number inserts), $round, 40)"
		say_round inserts
	done
	check_live inserts
}

measure_reading() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		settle
		ask "CALL bench.time_reading($(live_number reading), $round)"
		say_round reading
	done
	check_live reading
}

# measure_writers LINE CUSTOMER
measure_writers() {
	local round side sides
	for ((round = 1; round <= rounds; round++)); do
		sides='ours plain'
		[ $((round % 2)) = 1 ] || sides='plain ours'
		for side in $sides; do
			case $side in
				ours) writers "$1" ours $round live "$2" ;;
				plain) writers "$1" plain $round not_live "$2" ;;
			esac
		done
		say_round "$1"
	done
	check_live "$1"
}

# apply_changes takes the only pending rows there are, or has writers beside it
# from some seconds before. The log of pgbench says when each order was done.
measure_apply() {
	local round status pid from until
	order_script live "$zipf" >"$WORK/order.pgbench"
	for ((round = 1; round <= rounds; round++)); do
		settle
		ask 'CALL bench.fill_pending(100000)'
		ask CHECKPOINT
		live_value apply plain $round "$(ask "SELECT seconds FROM apply_changes('live')")"

		settle
		ask 'CALL bench.fill_pending(100000)'
		ask CHECKPOINT
		rm -f "$WORK"/order.*.log "$WORK"/order.*.log.*
		pgbench -n -M prepared -c $clients -j 2 -T 3600 -f "$WORK/order.pgbench" -l --log-prefix="$WORK/order.log" >"$WORK/writers.out" 2>&1 &
		pid=$!
		sleep $((live_seconds + 2))
		from=$EPOCHREALTIME
		live_value apply ours $round "$(ask "SELECT seconds FROM apply_changes('live')")"
		until=$EPOCHREALTIME
		sleep 1
		kill -ALRM $pid				# as if the time were over
		status=0
		wait $pid || status=$?
		check_writers apply writers $status
		cat "$WORK"/order.log.* | awk -v from="${from/,/.}" -v until="${until/,/.}" -v seconds=$live_seconds '
			{ ended = $5 + $6 / 1000000 }
			ended >= from - seconds && ended < from { before++ }
			ended >= from - (until - from) && ended < from && $3 > wait_before { wait_before = $3 }
			ended >= from && ended < until { meanwhile++; if ($3 > wait_meanwhile) wait_meanwhile = $3 }
			END { print meanwhile / (until - from), before / seconds, wait_meanwhile / 1000000, wait_before / 1000000 }
		' >"$WORK/writers.txt"
		read -r meanwhile before wait_meanwhile wait_before <"$WORK/writers.txt"
		live_value writers ours $round "$meanwhile"
		live_value writers plain $round "$before"
		live_value wait ours $round "$wait_meanwhile"
		live_value wait plain $round "$wait_before"
		say_round apply writers wait
	done
	check_live apply
}

# measure_pending ROWS
measure_pending() {
	local name=pending_$1 round differ query='SELECT segment, count(*) FROM %s.customer_segments GROUP BY segment'
	ask "CALL bench.fill_pending($1)"
	# the other model is told what happened
	ask "SELECT FROM refresh_model('not_live')"
	ask 'VACUUM (ANALYZE) live.pending, not_live.customer_histories'
	ask CHECKPOINT
	[ "$(ask 'SELECT count(*) FROM live.pending')" = "$1" ] || live_failure $name "other than $1 rows are pending"
	differ=$(ask "SELECT count(*) FROM (SELECT customer_key, segment FROM live.customer_segments) l
		FULL JOIN (SELECT customer_key, segment FROM not_live.customer_segments) n USING (customer_key) WHERE l.segment IS DISTINCT FROM n.segment")
	[ "$differ" = 0 ] || live_failure $name "$differ customers have another segment"
	for ((round = 1; round <= rounds; round++)); do
		{
			settings_of 64MB server
			printf "CALL bench.time_query(%s, 'ours', %s, '$query');\n" "$(live_number $name)" $round live
		} | sql || die "a query failed"
		{
			settings_of 64MB server
			printf "CALL bench.time_query(%s, 'plain', %s, '$query');\n" "$(live_number $name)" $round not_live
		} | sql || die "a query failed"
		say_round $name
	done
}

# Nothing pending and most pending, both of the live model
compare_pending() {
	ask "INSERT INTO bench.live_run
		SELECT $(live_number pending_most), s.side, r.round, r.value FROM bench.live_run r,
			   (VALUES ('ours', $(live_number pending_400000)), ('plain', $(live_number pending_0))) s (side, line)
		 WHERE r.line = s.line AND r.side = 'ours'"
}

# look_up LINE SIDE ROUND SQL [OPTION OF PGBENCH...]: what one look-up takes
look_up() {
	local line=$1 side=$2 round=$3 latency
	printf '\\set n random(1, %s)\n%s;\n' $((rows / 10 > 200000 ? 200000 : rows / 10)) "$4" >"$WORK/look_up.pgbench"
	shift 4
	pgbench -n -f "$WORK/look_up.pgbench" "$@" >"$WORK/look_up.out" 2>&1 || { cat "$WORK/look_up.out" >&2; die "pgbench failed"; }
	latency=$(sed -n 's/^latency average = \([0-9.]*\) ms.*/\1/p' "$WORK/look_up.out")
	live_value "$line" "$side" "$round" "$(awk -v ms="$latency" 'BEGIN { print ms / 1000 }')"
}

# measure_look_ups LINE
measure_look_ups() {
	local round key="('shop ' || :n::int % 2 || ':' || :n::int)"
	for ((round = 1; round <= rounds; round++)); do
		case $1 in
			cold)
				look_up "$1" ours $round "SELECT * FROM everything.customer($key)" -C -t 200
				look_up "$1" plain $round 'SELECT 1' -C -t 200 ;;
			*)
				local mode=simple model="everything.customer_scores WHERE customer_key = $key"
				[ "$1" != prepared ] || mode=prepared
				[ "$1" != customer ] || model="everything.customer($key)"
				look_up "$1" ours $round "SELECT * FROM $model" -M $mode -T 3
				look_up "$1" plain $round "SELECT * FROM bench.keyed WHERE customer_key = $key" -M $mode -T 3 ;;
		esac
		say_round "$1"
	done
}

measure_live() {
	local line number=0 letter query unit aim what
	ask "ALTER SYSTEM SET fsync = on"
	ask "SELECT pg_reload_conf()" >/dev/null
	sync
	for line in "${LIVE_LINES[@]}"; do
		number=$((number + 1))
		IFS='|' read -r letter query unit aim what <<<"$line"
		[[ $letters == *"$letter"* ]] || continue
		[[ $query == writers || $query == wait ]] || say "$letter: $what"
		ask "INSERT INTO bench.live_line VALUES ($number, '$letter', '$unit', nullif('$aim', ''), '$what')"
		case $query in
			inserts | reading | apply) measure_$query ;;
			zipf) measure_writers zipf "$zipf" ;;
			hot) measure_writers hot 1 ;;
			prepared | customer | unprepared | cold) measure_look_ups $query ;;
			pending_0) settle; measure_pending 0 ;;
			pending_most) compare_pending ;;
			pending_*) measure_pending "${query#pending_}" ;;
		esac
	done
	live_settings=$(ask "SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY name COLLATE \"C\")
		FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'wal_sync_method')")
}

report_live() {
	printf '\nLive models, with %s:\n\n' "$live_settings"
	sql -At -F"|" -P tuples_only=off -P footer=off -f $here/report_live.sql | markdown
	ask "SELECT E'\n- FAILED, line ' || letter || ', ' || what || ': ' || failure FROM bench.live_failure JOIN bench.live_line USING (line)"
}
