# Builds without a warning, exports and links only what it should, and carries
# one version.

stage_build() {
	local quiet; quiet="$(strict_flags) -Werror"
	# The server's flags are gcc's; clang need not know them all.
	local tolerant="$quiet -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-unused-command-line-argument"
	check "gcc: the normal build is silent" silent "$WORK/normal.log"
	check "gcc, assertions"     without_warning gcc_assert gcc "$quiet -DUSE_ASSERT_CHECKING"
	check "clang"               without_warning clang        "$CLANG" "$tolerant"
	check "clang, assertions"   without_warning clang_assert "$CLANG" "$tolerant -DUSE_ASSERT_CHECKING"
	check "a warning is seen"   planted_warning "$tolerant"
	check "bitcode for JIT"                has_bitcode
	check "no fast-math start-up code"     no_fast_math
	check "exports entry points only"      entry_points_only
	check "one version everywhere"         one_version
	figure "gcc and $(basename "$CLANG"), with and without assertions, PostgreSQL $PGMAJOR"
}

# The normal build has what gcc sees when it optimises, stage sanitize makes one with
# assertions and runs it: here the compilers read, which is a quarter of the work.
without_warning() {
	local name=$1 cc=$2 flags=$3
	copy_source "$name" && as_user make -s -k -C "$WORK/$name" PG_CONFIG="$PG_CONFIG" with_llvm=no CC="$cc -fsyntax-only" COPT="$flags" objects \
		>"$WORK/$name.log" 2>&1 || { cat "$WORK/$name.log"; return 1; }
	! grep -n 'warning:' "$WORK/$name.log"
}

planted_warning() {
	as_user sh -c "echo 'static int planted;' >>'$WORK/clang/src/module.c'"
	! as_user make -s -C "$WORK/clang" PG_CONFIG="$PG_CONFIG" with_llvm=no CC="$CLANG -fsyntax-only" COPT="$1" objects >"$WORK/planted.log" 2>&1 &&
		grep -q 'unused variable .planted' "$WORK/planted.log"
}

silent() {
	! grep -n 'warning:' "$TOP/normal.log"
}

library() { find "$TOP/normal.root" -name 'customer_scoring.so'; }

has_bitcode() { [ -n "$(find "$TOP/normal.root" -path '*/bitcode/customer_scoring.index.bc')" ]; }

no_fast_math() { ! nm "$(library)" | grep -i 'fast_math'; }

entry_points_only() {
	local symbol bad=0 symbols
	symbols=$(nm -D --defined-only "$(library)" | awk '{print $NF}')
	for symbol in $symbols; do
		case $symbol in
			Pg_magic_func | _PG_init | pg_finfo_* | _init | _fini) ;;
			*) grep -qx "pg_finfo_$symbol" <<<"$symbols" || { echo "exported: $symbol"; bad=1; } ;;
		esac
	done
	grep -qx Pg_magic_func <<<"$symbols" && [ $bad = 0 ]
}

one_version() {
	local version
	version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control)
	[ -n "$version" ] &&
		[ "$(grep -c "\"version\": \"$version\"" META.json)" = 2 ] &&
		grep -q "^## $version " CHANGELOG.md &&
		[[ $(head -n 1 debian/changelog) == "customer-scoring ($version-"[1-9]*") "* ]] &&
		[ -n "$(find "$TOP/normal.root" -name "customer_scoring--$version.sql")" ]
}
