# test/t with the server's own PostgreSQL::Test: each test has nodes of its own.

# 058_majors is for test/matrix dumps.
units_tap() { (cd test/t && ls -- *.pl | sed 's/\.pl$//' | { if [ -n "${EARLIER_MAJOR:-}" ]; then cat; else grep -vx 058_majors; fi; }); }

figure_tap() { echo "$(grep -c '^tap ' "$TOP/units") files"; }

# earlier_version VERSION: a released version, from the history of this repository, built and
# installed below $WORK/VERSION.root; with little optimization, as its speed is no matter.
# Says why if it can't be.
earlier_version() {
	local version=$1 commit
	commit=$(sed -n "s/^$version //p" test/upgrade/versions)
	git -C "$SOURCE_DIR" -c safe.directory='*' rev-parse -q --verify "$commit^{commit}" >/dev/null 2>&1 ||
		{ echo "no history of this repository with version $version: a shallow clone, or an archive"; return 1; }
	mkdir "$WORK/$version"
	git -C "$SOURCE_DIR" -c safe.directory='*' archive "$commit" | tar -C "$WORK/$version" --no-same-owner -xf -
	[ "$(id -u)" != 0 ] || chown -R "$RUN_USER:" "$WORK/$version"
	make_extension "$version" with_llvm=no CFLAGS='-O0 -fPIC' ||
		{ failed "version $version can't be built" >&2; tail -n 20 "$WORK/$version.log" >&2; echo 'see above'; return 1; }
}

# with_small_disks COMMAND...: as the unprivileged user, with three disks of memory below $SMALL_DISKS. They are
# mounts of this command alone, and end with its processes, however these do.
with_small_disks() {
	local private=(unshare --mount)
	[ "$(id -u)" = 0 ] || private+=(--user --map-current-user --keep-caps)
	as_user mkdir -p "$SMALL_DISKS"/{data,temp,wal}
	WORK=$WORK RUN_USER=$RUN_USER PGBIN=$PGBIN SMALL_DISKS=$SMALL_DISKS "${private[@]}" bash -c "$(declare -f as_user)"'
		for disk in data:96m temp:16m wal:64m; do
			mount -t tmpfs -o "size=${disk#*:},mode=700,uid=$(id -u "$RUN_USER")" tmpfs "$SMALL_DISKS/${disk%:*}" || exit
		done
		as_user env SMALL_DISKS="$SMALL_DISKS" "$@"' bash "$@"
}

stage_tap() {
	local name=$1 rc=0 pgxs reason version user=as_user SMALL_DISKS=$WORK/disks
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
	{
		extension_settings "$WORK/normal.root"
		fast_toast
	} >"$WORK/extension.conf"
	if [ "$name" = 006_upgrade ]; then
		for version in $(sed -n 's/^\([0-9.]*\) .*/\1/p' test/upgrade/versions); do
			reason=$(earlier_version "$version") && extension_settings "$WORK/$version.root" >"$WORK/$version.conf" || skipped "$name: $reason"
		done
	fi
	if [ "$name" = 058_majors ] && [ -n "${EARLIER_MAJOR:-}" ]; then
		copy_source earlier
		PG_CONFIG=/usr/lib/postgresql/$EARLIER_MAJOR/bin/pg_config make_extension earlier with_llvm=no ||
			{ failed "the extension can't be built for PostgreSQL $EARLIER_MAJOR"; tail -n 20 "$WORK/earlier.log"; return; }
		(PG_CONFIG=/usr/lib/postgresql/$EARLIER_MAJOR/bin/pg_config PGBIN=/usr/lib/postgresql/$EARLIER_MAJOR/bin
			extension_settings "$WORK/earlier.root") >"$WORK/earlier.conf"
	fi
	if [ "$name" = 056_disk_full ]; then
		reason=$(with_small_disks true 2>&1) || { skipped "$name: $(tail -n 1 <<<"$reason")"; return; }
		user=with_small_disks
	fi
	# initdb is found before the server's own; the file runs in the directory that Perl's modules expect
	(cd "$WORK" && $user env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE TESTDIR="$WORK" \
		PATH="$WORK/normal/test/bin:$PGBIN:/usr/bin:/bin" \
		TESTDATADIR="$WORK/tmp_check" TESTLOGDIR="$WORK/tmp_check/log" PGBIN="$PGBIN" \
		EXTENSION_CONF="$WORK/extension.conf" PG_REGRESS="$pgxs/test/regress/pg_regress" \
		SHARED_DATA="${SHARED_DATA:-$SOURCE_DIR/../shared/data}" \
		perl -I "$pgxs/test/perl" -I "$WORK/normal/test/perl" "$WORK/normal/test/t/$name.pl") >"$WORK/out" 2>"$WORK/err" || rc=$?
	tally_tap "$name" "$WORK/out" $rc
	[ $rc = 0 ] || { cat "$WORK/err"; tail -n 40 "$WORK/tmp_check/log/regress_log_$name"; return; }
	# gigabytes for all files together
	[ -n "${KEEP_WORKSPACE:-}" ] || rm -rf "$WORK/tmp_check"
}
