# Tampered text, binary and serialised forms (test/states.sql).

stage_states() {
	start_cluster normal
	as_user make -s -C "$WORK/normal/test/module" PG_CONFIG="$PG_CONFIG" with_llvm=no >"$WORK/module.log" 2>&1 ||
		{ failed "the test module doesn't build"; cat "$WORK/module.log"; return; }
	sql postgres -c 'CREATE SCHEMA scoring' -c 'CREATE EXTENSION customer_scoring SCHEMA scoring'
	sql postgres -f test/states.sql -v module="$WORK/normal/test/module/test_module" -v mutants="${MUTANTS:-1000}" \
		>"$WORK/states.out" 2>"$WORK/states.err"
	tally_tap states "$WORK/states.out" $?
	head -n 20 "$WORK/states.err"
	grep -A 6 '^not ok' "$WORK/states.out"
	check_server_log
	figure "$(sed -n 's/^# \(.* forms\)$/\1/p' "$WORK/states.out")"
}
