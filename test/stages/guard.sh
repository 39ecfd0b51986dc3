# What hot paths cost (test/bench/guard): the instructions that our library executes for a
# statement, counted by Valgrind in a server of one process. They are the same however busy
# the machine is. What the server's own code costs is not counted: it is another one with
# each minor release.

GUARD=test/bench/guard

# counted_for: what the numbers depend on
counted_for() { echo "gcc-$(gcc -dumpfullversion) $(uname -m) postgresql-$PGMAJOR"; }

# Each statement is followed by a call of pg_backend_pid, before which Callgrind writes a file.
counted_statements() { sed -n '/^-- counted$/,$ { /^-- /!p }' $GUARD.sql; }

# Of a file of Callgrind: instructions of our library. After "calls=" comes what callees took.
our_instructions() {
	awk '/^ob=/ { ours = /customer_scoring/ } /^calls=/ { getline; next } /^[0-9+*-]/ && ours { sum += $2 } END { printf "%d", sum }' "$1"
}

stage_guard() {
	local i=1 name statement now noted counts=$WORK/counts
	command -v valgrind >/dev/null || { skipped 'guard: valgrind could not be installed'; figure nothing; return; }
	start_cluster normal 'max_parallel_workers_per_gather = 0' 'shared_buffers = 64MB'
	sed '/^-- counted$/q' $GUARD.sql | sql postgres -o /dev/null || { failed 'guard: its tables can not be made'; return; }
	stop_cluster
	{
		printf '%s\n' 'SET search_path = public, scoring' 'SELECT pg_backend_pid()'	# file 1
		while read -r name statement; do
			printf '%s\nSELECT pg_backend_pid()\n' "$statement"
		done < <(counted_statements)
	} >"$WORK/statements"
	as_user mkdir "$WORK/counted"
	as_user valgrind --tool=callgrind --compress-strings=no --compress-pos=no --dump-before=pg_backend_pid \
		--callgrind-out-file="$WORK/counted/file" "$PGBIN/postgres" --single -D "$WORK/data" postgres \
		<"$WORK/statements" >"$WORK/counted.out" 2>&1 || { failed 'guard: the server under Valgrind'; tail -n 20 "$WORK/counted.out"; return; }
	if grep 'ERROR:' "$WORK/counted.out"; then failed 'guard: a statement has failed'; return; fi
	while read -r name statement; do
		i=$((i + 1))
		echo "$(counted_for) $name $(our_instructions "$WORK/counted/file.$i")"
	done < <(counted_statements) >"$counts"
	figure "$((i - 1)) paths, $(awk '{ n += $5 } END { printf "%.0f", n / 1e6 }' "$counts") million instructions of ours"
	if [ -n "${ACCEPT:-}" ]; then
		{ grep -v "^$(counted_for) " $GUARD.counts; cat "$counts"; } >"$WORK/all"
		sort "$WORK/all" >$GUARD.counts
	fi
	grep -q "^$(counted_for) " $GUARD.counts ||
		{ skipped "guard: no numbers for $(counted_for), which $GUARD --accept would note"; return; }
	while read -r _ _ _ name now; do
		noted=$(sed -n "s/^$(counted_for) $name //p" $GUARD.counts)
		if [ -z "$noted" ]; then failed "guard: $name has no number, which $GUARD --accept would note"
		elif [ "$now" = 0 ]; then failed "guard: $name: nothing was counted"
		elif [ $((now * 100)) -gt $((noted * 105)) ]; then
			failed "guard: $name takes $now instructions, $noted were noted: $(awk "BEGIN { printf \"%.1f\", 100 * $now / $noted - 100 }") % more"
		elif [ $((now * 105)) -lt $((noted * 100)) ]; then
			failed "guard: $name takes $now instructions, $noted were noted: less, which $GUARD --accept should note"
		else passed
		fi
	done <"$counts"
}
