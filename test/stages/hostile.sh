# Every function of the extension with hostile arguments (test/hostile.sql), as
# a role that may do nothing else.

stage_hostile() {
	start_cluster normal
	sql postgres -c 'CREATE SCHEMA scoring' -c 'CREATE EXTENSION customer_scoring SCHEMA scoring'
	psql -X -q -d postgres -f test/hostile.sql -v extension=customer_scoring -v schema=scoring -v calls="${HOSTILE_CALLS:-1500}" \
		>"$WORK/hostile.out" 2>"$WORK/hostile.err"
	tally_tap hostile "$WORK/hostile.out" $?
	[ ! -s "$WORK/hostile.err" ] || { failed "hostile: messages"; head -n 40 "$WORK/hostile.err"; }
	grep -A 2 '^not ok' "$WORK/hostile.out"
	check_server_log
	figure "$(sed -n 's/^# \(.* errors\)$/\1/p' "$WORK/hostile.out")"
}
