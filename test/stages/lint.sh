# The installation script, the catalog it makes (test/lint.sql), the messages.

stage_lint() {
	local script
	script=$(find "$TOP/normal.root" -name 'customer_scoring--*.sql')
	check 'the script creates nothing conditionally'  absent '^(CREATE +OR +REPLACE|CREATE .*IF +NOT +EXISTS|DROP .*IF +EXISTS)' "$script"
	check 'the script names no schema of the user'    absent '\bpublic\.[a-z_\"]|SCHEMA +public' "$script"
	check 'every C function is found by MODULE_PATHNAME' absent '\$libdir' "$script"
	check 'messages name no customer'                 absent 'err(msg|detail|hint)[a-z_]*\(.*(customer(->|_id)|row->|[>.]key\b)' src/*.c src/*/*.c
	check 'no signal-unsafe or global state of libm'  absent '\b(lgamma|tgamma|srand|rand|random|strtok|setlocale)\(' src/*.c src/*/*.c
	check 'a use of a later SQL file fails the build'  planted_use_fails
	check 'the format of C and SQL (test/format)'      well_formatted
	check 'lines in a bad format are found'            planted_lines_found
	start_cluster normal
	sql postgres -c 'CREATE SCHEMA scoring' -c 'CREATE EXTENSION customer_scoring SCHEMA scoring'
	sql postgres -At -f test/lint.sql >"$WORK/lint.out" 2>&1
	tally_tap lint "$WORK/lint.out" $?
	grep -q '^not ok' "$WORK/lint.out" && cat "$WORK/lint.out"
	figure "$(sed -n 's/^# \(.*\)$/\1/p' "$WORK/lint.out" | tail -n 1)"
}

# absent PATTERN FILE...: no line of code matches; comments may.
absent() {
	local pattern=$1; shift
	! grep -HnE "$pattern" "$@" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(--|/?\*)'
}

# The figures of test/format.exempt may be lower than they are, not higher.
well_formatted() { test/format; }

# Each rule of test/format finds a line that breaks it, in a folder of its own.
planted_lines_found() {
	local tree=$WORK/unformatted
	mkdir -p "$tree/test" "$tree/src/score" "$tree/sql/model"
	cp test/format "$tree/test/"
	printf 'int\tx;\n' >"$tree/src/score/good.c"
	printf -- '-- good\n' >"$tree/sql/model/good.sql"
	(cd "$tree" && test/format) >/dev/null || return 1
	printf '    int x;\n' >"$tree/src/score/spaces.c"
	printf 'int\tx; \n' >"$tree/src/score/end.c"
	printf 'int\tx;\t// x\n' >"$tree/src/score/comment.c"
	printf 'int\tx;' >"$tree/src/score/newline.c"
	printf '%0101d\n' 0 >"$tree/src/score/long.c"
	printf '%0121d\n' 0 >"$tree/sql/model/long.sql"
	(cd "$tree" && ! test/format) >"$WORK/format.out" || return 1
	local rule
	for rule in 'spaces.c:1: is indented with spaces' 'end.c:1: ends with a space' 'comment.c:1: has a comment with //' \
		'newline.c: does not end with one newline' 'long.c: has 1 lines that are too long' 'long.sql: has 1 lines that are too long'; do
		grep -q "$rule" "$WORK/format.out" || { echo "not found: $rule"; return 1; }
	done
}

# The build refuses a file of sql/ that uses a name of a later one.
planted_use_fails() {
	local version; version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control)
	mkdir "$WORK/planted"
	cp -r Makefile META.json customer_scoring.control sql src test "$WORK/planted/"
	rm -f "$WORK/planted/customer_scoring--$version.sql"
	make -s -C "$WORK/planted" PG_CONFIG="$PG_CONFIG" "customer_scoring--$version.sql" >"$WORK/planted.out" 2>&1 || return 1
	rm -f "$WORK/planted/customer_scoring--$version.sql"
	echo 'SELECT @extschema@.create_model(NULL, NULL);' >>"$WORK/planted/sql/score.sql"
	! make -s -C "$WORK/planted" PG_CONFIG="$PG_CONFIG" "customer_scoring--$version.sql" >"$WORK/planted.out" 2>&1 &&
		grep -q 'score.sql.* uses create_model, which sql/model/verbs.sql makes' "$WORK/planted.out"
}
