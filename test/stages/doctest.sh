# Every SQL block of the README and of docs/, run and compared.

# compiled, as for most who follow the pages: those that read the views of all kinds
COMPILED='README.md docs/models.md docs/streams.md docs/prediction.md'

stage_doctest() {
	local files
	start_cluster normal 'jit = off'
	files=$(cd "$WORK/normal" && ls README.md docs/*.md)
	if [ -n "$QUICK" ]; then doctest off "$files"
	elif [ -n "${LONG:-}" ]; then doctest on "$files"
	else
		doctest off "$(grep -vxF "${COMPILED// /$'\n'}" <<<"$files")"
		doctest on "$COMPILED"
	fi
	check_server_log
	figure "SQL blocks of $(wc -w <<<"$files") files"
}

# doctest JIT FILES
doctest() {
	local rc=0
	# shellcheck disable=SC2086
	(cd "$WORK/normal" && PGOPTIONS="-c jit=$1" ./test/doctest doctest $2) >"$WORK/doctest.out" 2>&1 || rc=$?
	tally_tap doctest "$WORK/doctest.out" $rc
	[ $rc = 0 ] || grep -v '^ok' "$WORK/doctest.out"
}
