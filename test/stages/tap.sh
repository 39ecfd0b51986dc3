# test/t with the server's own PostgreSQL::Test: each test has nodes of its own.

units_tap() { (cd test/t && ls -- *.pl | sed 's/\.pl$//'); }

figure_tap() { echo "$(grep -c '^tap ' "$TOP/units") files"; }

stage_tap() {
	local name=$1 rc=0 pgxs
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
	{
		extension_settings "$WORK/normal.root"
		fast_toast
	} >"$WORK/extension.conf"
	# initdb is found before the server's own; the file runs in the directory that Perl's modules expect
	(cd "$WORK" && as_user env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE TESTDIR="$WORK" \
		PATH="$WORK/normal/test/bin:$PGBIN:/usr/bin:/bin" \
		TESTDATADIR="$WORK/tmp_check" TESTLOGDIR="$WORK/tmp_check/log" PGBIN="$PGBIN" \
		EXTENSION_CONF="$WORK/extension.conf" PG_REGRESS="$pgxs/test/regress/pg_regress" \
		SHARED_DATA="$SOURCE_DIR/../shared/data" \
		perl -I "$pgxs/test/perl" -I "$WORK/normal/test/perl" "$WORK/normal/test/t/$name.pl") >"$WORK/out" 2>"$WORK/err" || rc=$?
	tally_tap "$name" "$WORK/out" $rc
	[ $rc = 0 ] || { cat "$WORK/err"; tail -n 40 "$WORK/tmp_check/log/regress_log_$name"; return; }
	# gigabytes for all files together
	[ -n "${KEEP_WORKSPACE:-}" ] || rm -rf "$WORK/tmp_check"
}
