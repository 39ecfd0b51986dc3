# The archive of make dist is complete and becomes a Debian package, which works.
# With LONG=1, test/packages installs and removes one in a chroot.

units_packages() { echo deb; [ -z "${LONG:-}" ] || echo chroot; }

figure_packages() { cat "$TOP/packages/deb/figure" 2>/dev/null; }

stage_packages() { "packages_$1"; }

packages_chroot() {
	local rc=0
	TMPDIR=$WORK test/packages >"$WORK/out" 2>"$WORK/err" || rc=$?
	tally_tap test/packages "$WORK/out" $rc
	[ $rc = 0 ] || { grep -v '^ok' "$WORK/out"; tail -n 20 "$WORK/err"; }
}

packages_deb() {
	local package missing=() tree deb
	for package in git unzip debhelper build-essential postgresql-server-dev-all; do
		have_package "$package" || missing+=("$package")
	done
	if [ ${#missing[@]} != 0 ]; then skipped "packages: no ${missing[*]}"; return; fi
	git rev-parse -q --verify HEAD >/dev/null 2>&1 || { skipped 'packages: make dist needs the git repository'; return; }
	check 'make dist' make_archive
	tree=$(cd "$WORK" && echo customer_scoring-*/)
	check 'META.json is what PGXN wants' perl test/meta.pl "$WORK/$tree"
	check 'a fault of META.json is found' planted_meta_fails
	check 'pages of the archive link to what is in it' links_lead_somewhere "$WORK/$tree"
	check 'the Debian package builds' build_deb "$WORK/$tree"
	deb=$(ls "$WORK"/postgresql-*-customer-scoring_*.deb)
	check 'it has what it should have' deb_contents "$deb"
	check 'it depends on what it links' deb_depends "$deb"
	check 'a server can use it' deb_works "$deb"
	figure "$(basename "$deb")"
}

make_archive() {
	make -s PG_CONFIG="$PG_CONFIG" DISTDIR="$WORK" dist >"$WORK/dist.log" 2>&1 || { cat "$WORK/dist.log"; return 1; }
	chmod 644 "$WORK"/customer_scoring-*.zip
	(cd "$WORK" && as_user unzip -q -d "$WORK" customer_scoring-*.zip)
}

planted_meta_fails() {
	local planted
	mkdir -p "$WORK/meta/docs"
	cp customer_scoring.control LICENSE README.md CHANGELOG.md META.json "$WORK/meta/"
	mkdir -p "$WORK/meta/debian"
	cp debian/pgversions "$WORK/meta/debian/"
	perl test/meta.pl "$WORK/meta" || return 1
	for planted in 's/"version": "0/"version": "1/' 's/"license": "postgresql"/"license": "PostgreSQL"/' 's/15\.0\.0/14.0.0/' \
		's/"maintainer"/"keeper"/' 's/README.md/READYOU.md/' '$s/}/},/'
	do
		sed "$planted" META.json >"$WORK/meta/META.json"
		cmp -s META.json "$WORK/meta/META.json" && { echo "$planted changes nothing"; return 1; }
		! perl test/meta.pl "$WORK/meta" >/dev/null 2>&1 || { echo "$planted is not found"; return 1; }
	done
}

links_lead_somewhere() {
	local page target bad=0
	while IFS=: read -r page target; do
		target=${target#](}
		target=${target%%[#)]*}
		[ -z "$target" ] || [ -e "$(dirname "$page")/$target" ] || { echo "$page: $target"; bad=1; }
	done < <(find "$1" -name '*.md' -exec grep -HoE '\]\([^): ]+\)' {} +)
	return $bad
}

# Not optimised, and without bitcode: that takes two thirds of the time.
build_deb() {
	(cd "$1" && as_user env -u MAKEFLAGS PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec 'pg_buildext updatecontrol
		DEB_BUILD_OPTIONS="noopt noautodbgsym" MAKEFLAGS=with_llvm=no dpkg-buildpackage -us -uc -b -j2') >"$WORK/deb.log" 2>&1 ||
		{ tail -n 40 "$WORK/deb.log"; return 1; }
}

deb_contents() {
	local major version
	major=$(basename "$1" | cut -d- -f2)
	version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control)
	dpkg-deb -c "$1" | awk '$1 !~ /^d/ { print $6 }' | sort >"$WORK/contents"
	{
		echo "./usr/lib/postgresql/$major/lib/customer_scoring.so"
		printf "./usr/share/postgresql/$major/extension/%s\n" customer_scoring.control "customer_scoring--$version.sql" \
			$(for step in sql/updates/from_*.sql; do step=${step##*from_}; echo "customer_scoring--${step%.sql}--$version.sql"; done)
		printf "./usr/share/doc/postgresql-$major-customer-scoring/%s\n" copyright changelog.gz changelog.Debian.gz README.md.gz \
			$(git ls-files docs) $(find examples -type f ! -path '*/node_modules/*')
	} | sort >"$WORK/contents.expected"
	# debhelper compresses no small file
	diff <(sed 's/\.gz$//' "$WORK/contents.expected") <(sed 's/\.gz$//' "$WORK/contents") &&
		[ "$(dpkg-deb --field "$1" Version)" = "$version-1" ]
}

deb_depends() {
	local depends library package
	depends=$(dpkg-deb --field "$1" Depends)
	echo "$depends"
	for package in "$(basename "$1" | cut -d- -f1-2)" libc6 liblapack3 liblbfgs0; do
		grep -qE "(^|, )$package( |,|$)" <<<"$depends" || return 1
	done
}

deb_works() {
	[ "$(basename "$1" | cut -d- -f2)" = "$PGMAJOR" ] || { echo "PostgreSQL $PGMAJOR can't use it" ; return 0; }
	mkdir "$WORK/unpacked.root"
	dpkg-deb -x "$1" "$WORK/unpacked.root"
	chmod 755 "$WORK/unpacked.root"
	start_cluster unpacked
	sql postgres -At >"$WORK/deb.out" <<-'END'
		CREATE SCHEMA scoring;
		CREATE EXTENSION customer_scoring SCHEMA scoring;
		SELECT scoring.segment(5, 5, 5, 'essential'), scoring.history_agg(date '2025-01-02', 3);
	END
	check_server_log
	stop_cluster
	[ "$(<"$WORK/deb.out")" = 'vip|{2025-01-02:1:3}' ] || { cat "$WORK/deb.out"; return 1; }
}
