# The main job on small files of every kind, on the sample, and on CDNOW.

stage_demo() {
	local rc=0
	start_cluster normal "jit = off"
	DEMO_SERVER=1 test/demo >"$WORK/demo.out" 2>&1 || rc=$?
	tally_tap demo "$WORK/demo.out" $rc
	[ $rc = 0 ] || grep -v '^ok' "$WORK/demo.out"
	check_server_log
	figure "runs of demo/run"
}
