# What programs share that print TAP themselves. Sourced by test/packages, test/smith,
# test/valgrind and test/foreign (bash), after test/cluster.sh.
#
#   skip_all WHY...          nothing can be tested here
#   ok WHAT COMMAND...       one test, with what the command printed if it failed
#   nothing_from COMMAND...  a command for ok: passes when COMMAND prints nothing
#   finish                   the end; its status says whether all passed

skip_all() { printf '1..1\nok 1 # SKIP %s\n' "$*"; exit 0; }

n=0 bad=0
ok() {
	local what=$1; shift
	n=$((n + 1))
	if "$@" >"$WORK/output" 2>&1; then echo "ok $n - $what"; return 0; fi
	bad=$((bad + 1))
	echo "not ok $n - $what"
	tail -n 40 "$WORK/output" | sed 's/^/# /'
	return 1
}

nothing_from() { local found; found=$("$@"); echo "$found"; [ -z "$found" ]; }

finish() { echo "1..$n"; exit $((bad > 0)); }
