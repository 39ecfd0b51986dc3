# test/t with the server's own PostgreSQL::Test: each test has nodes of its own.

stage_tap() {
	local file name rc pgxs
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
	extension_settings "$WORK/normal.root" >"$WORK/extension.conf"
	for file in "$WORK"/normal/test/t/*.pl; do
		name=$(basename "$file" .pl)
		rc=0
		mkdir "$WORK/$name"
		[ "$(id -u)" != 0 ] || chown "$RUN_USER" "$WORK/$name"
		(cd "$WORK/$name" && as_user env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE TESTDIR="$WORK/$name" \
			TESTDATADIR="$WORK/$name/tmp_check" TESTLOGDIR="$WORK/$name/tmp_check/log" PGBIN="$PGBIN" \
			EXTENSION_CONF="$WORK/extension.conf" PG_REGRESS="$pgxs/test/regress/pg_regress" \
			SHARED_DATA="$SOURCE_DIR/../shared/data" \
			perl -I "$pgxs/test/perl" -I "$WORK/normal/test/perl" "$file") >"$WORK/$name.out" 2>"$WORK/$name.err" || rc=$?
		tally_tap "$name" "$WORK/$name.out" $rc
		[ $rc = 0 ] || { cat "$WORK/$name.err"; tail -n 40 "$WORK/$name/tmp_check/log/regress_log_$name"; }
	done
	figure "$(ls "$WORK"/normal/test/t/*.pl | wc -l) files"
}
