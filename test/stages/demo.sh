# The tests of demo/run in a cluster of this stage, and once demo/run as a
# stranger calls it: it builds and starts everything itself.

stage_demo() {
	local rc=0
	start_cluster normal 'jit = off'
	DEMO_SERVER=1 test/demo >"$WORK/demo.out" 2>"$WORK/demo.err" || rc=$?
	tally_tap demo "$WORK/demo.out" $rc
	[ $rc = 0 ] || { grep -A 20 '^not ok' "$WORK/demo.out"; head -n 20 "$WORK/demo.err"; }
	check_server_log
	stop_cluster

	check 'demo/run from nothing' from_nothing
	figure "$(grep -c '^ok' "$WORK/demo.out") checks, and demo/run by itself"
}

# Not optimised: that takes half of the time.
from_nothing() {
	env -u KEEP_WORKSPACE -u INITDB -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE COPT=-O0 TMPDIR="$WORK" demo/run >"$WORK/alone.out" 2>&1 &&
		grep -q '^SEGMENTS' "$WORK/alone.out" && grep -q 'VIP' "$WORK/alone.out" || { cat "$WORK/alone.out"; return 1; }
	! ls -d "$WORK"/customer_scoring.* 2>/dev/null
}
