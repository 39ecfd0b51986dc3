# Every SQL block of the README and of docs/, run and compared.

stage_doctest() {
	local rc=0 files
	# compiled, as it is for most who follow the pages
	start_cluster normal "jit = $([ -n "$QUICK" ] && echo off || echo on)"
	files=$(cd "$WORK/normal" && ls README.md docs/*.md 2>/dev/null)
	# shellcheck disable=SC2086
	(cd "$WORK/normal" && WORK=$WORK ./test/doctest doctest $files) >"$WORK/doctest.out" 2>&1 || rc=$?
	tally_tap doctest "$WORK/doctest.out" $rc
	[ $rc = 0 ] || grep -v '^ok' "$WORK/doctest.out"
	check_server_log
	figure "SQL blocks of $(wc -w <<<"$files") files"
}
