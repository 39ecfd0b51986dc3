# What the stages of test/run share: saying what happened, reading TAP, running
# pg_regress, tampering with stored forms, looking at the server's log.

passed()  { local i; for ((i = 0; i < ${1:-1}; i++)); do echo ok; done >>"$WORK/tally"; }
failed()  { echo "not ok $*" >>"$WORK/tally"; echo "FAILED: $*"; }
skipped() { echo "skip $*" >>"$WORK/tally"; echo "skipped: $*"; }
figure()  { echo "$*" >"$WORK/figure"; }
count()   { grep -c "^$1" "${2:-$WORK/tally}" 2>/dev/null || true; }

# check WHAT COMMAND...: one test, passed when the command succeeds.
check() {
	local what=$1; shift
	if "$@"; then passed; else failed "$what"; fi
}

# tally_tap WHAT FILE STATUS: the tests of a program that printed TAP.
tally_tap() {
	local line oks=0
	while IFS= read -r line; do
		case $line in
			'1..0 # SKIP'*) skipped "$1: ${line#*SKIP }" ;;
			'ok '*'# SKIP'* | 'ok '*'# skip'*) skipped "$1: ${line#ok }" ;;
			'ok'*) oks=$((oks + 1)) ;;
			'not ok'*) failed "$1: $line" ;;
		esac
	done <"$2"
	passed $oks
	if [ "$3" != 0 ] && ! grep -q '^not ok' "$2"; then failed "$1 ended with status $3"; fi
}

# sql DATABASE [psql option...]: SQL from standard input, stopping at an error.
sql() { psql -X -q -v ON_ERROR_STOP=1 -d "$@"; }

# The default is pglz, which takes a sixth of the time of making a model.
fast_toast() {
	"$PG_CONFIG" --configure | grep -q -- --with-lz4 && echo "default_toast_compression = 'lz4'"
}

# Options of gcc and clang for every warning about our code, none about the server's.
strict_flags() { echo "-Wall -Wextra -isystem $("$PG_CONFIG" --includedir-server)"; }

# A server that crashed and came back has not passed.
check_server_log() {
	[ "$(grep -c 'ready to accept connections' "$WORK/server.log")" = "${1:-1}" ] || failed "the server restarted"
	if grep -nE 'PANIC|TRAP:|runtime error|AddressSanitizer|was terminated by signal|exited with exit code [^01]' "$WORK/server.log"; then
		failed "the server's log reports a crash"
	fi
}

# regress MODE PGOPTIONS PART [pg_regress option...]: files of test/sql in a
# database of their own; one test is one file.
regress() {
	local mode=$1 options=$2 tests pg_regress; shift 2
	tests=$(regress_tests "$1"); shift
	pg_regress=$(dirname "$("$PG_CONFIG" --pgxs)")/../test/regress/pg_regress
	mkdir -p "$WORK/$mode"
	[ "$(id -u)" != 0 ] || chown "$RUN_USER" "$WORK/$mode"
	# shellcheck disable=SC2086
	(cd "$WORK/normal" && as_user env PGOPTIONS="$options" "$pg_regress" --bindir="$PGBIN" --inputdir=test \
		--outputdir="$WORK/$mode" --dbname="regress_$mode" --encoding=UTF8 --no-locale \
		--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" "$@" install $tests) >"$WORK/$mode.out" 2>&1
	tally_regress "$mode" "$WORK/$mode"
}

# The files of a part. Models are made of SQL and plpgsql over the layers below:
# they are tested in the modes that show in their output, not where statements
# are planned otherwise. Nor are files that set plans of their own, statement by
# statement, or the JIT of those that turn it off, that only raise errors, or that ask
# plpgsql for one row. "model" makes the shop that the files after it read.
regress_tests() {
	local all models='^(model|connect_|segment_no_order$|explain_numbers$|live)'
	all=$(cd "$WORK/normal/test/sql" && ls -- *.sql | sed 's/\.sql$//' | grep -vx install)
	case $1 in
		layers) grep -vE "$models" <<<"$all" ;;
		models_*) echo model; grep -E "$models" <<<"$all" | grep -vx model | awk -v part="${1#models_}" 'NR % 3 == part % 3' ;;
		models) echo model; grep -E "$models" <<<"$all" | grep -vx model ;;
		# what calls no C that others don't
		sanitized) grep -vE '^(model|connect_|explain_numbers$)' <<<"$all" ;;
		planned) grep -vE '^(model|connect_|explain_numbers$|btyd_corrections$|score_window$|history_agg$|score_customers$|quantile$)' <<<"$all" ;;
		not_compiled) regress_tests layers | grep -vxFf <(regress_tests compiled) ;;
		compiled) regress_tests planned | grep -vxE 'arguments|segment_no_order' | grep -vxFf <(cd "$WORK/normal/test/sql" && awk 'FNR < 10 && /^SET jit = off/ { sub(/\.sql$/, "", FILENAME); print FILENAME }' *.sql) ;;
	esac
}

# Up to 15 pg_regress writes "test NAME ... ok", from 16 on it writes TAP.
tally_regress() {
	local mode=$1 dir=$2 name ok=0
	for name in $(sed -nE 's/^(ok [0-9]+ +[-+] ([^ ]+).*|test ([^ ]+) +\.\.\. ok.*)$/\2\3/p' "$dir.out"); do ok=$((ok + 1)); done
	passed $ok
	for name in $(sed -nE 's/^(not ok [0-9]+ +[-+] ([^ ]+).*|test ([^ ]+) +\.\.\. FAILED.*)$/\2\3/p' "$dir.out"); do
		failed "regress $mode: $name"
	done
	[ $ok -gt 0 ] || { failed "regress $mode: nothing passed"; tail -n 20 "$dir.out"; }
	[ ! -s "$dir/regression.diffs" ] || head -n "$([ "$mode" = plain ] && echo 400 || echo 60)" "$dir/regression.diffs"
}

# tampered_forms BUILD MUTANTS WHOLE: test/states.sql, with the test module of a build.
tampered_forms() {
	sql postgres -c 'CREATE SCHEMA scoring' -c 'CREATE EXTENSION customer_scoring SCHEMA scoring'
	sql postgres -f test/states.sql -v module="$WORK/$1/test/module/test_module" -v mutants="$2" -v whole="$3" \
		>"$WORK/states.out" 2>"$WORK/states.err"
	tally_tap states "$WORK/states.out" $?
	head -n 20 "$WORK/states.err"
	grep -A 6 '^not ok' "$WORK/states.out"
}

tampered_figure() { sed -n 's/^# \(.* forms\)$/\1/p' "$WORK/states.out"; }
