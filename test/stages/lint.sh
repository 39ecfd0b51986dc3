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

# The build refuses a file of sql/ that uses a name of a later one.
planted_use_fails() {
	local version; version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control)
	mkdir "$WORK/planted"
	cp -r Makefile META.json customer_scoring.control sql test "$WORK/planted/"
	rm -f "$WORK/planted/customer_scoring--$version.sql"
	make -s -C "$WORK/planted" PG_CONFIG="$PG_CONFIG" "customer_scoring--$version.sql" >"$WORK/planted.out" 2>&1 || return 1
	rm -f "$WORK/planted/customer_scoring--$version.sql"
	echo 'SELECT @extschema@.create_model(NULL, NULL);' >>"$WORK/planted/sql/score.sql"
	! make -s -C "$WORK/planted" PG_CONFIG="$PG_CONFIG" "customer_scoring--$version.sql" >"$WORK/planted.out" 2>&1 &&
		grep -q 'score.sql.* uses create_model, which sql/model/verbs.sql makes' "$WORK/planted.out"
}
