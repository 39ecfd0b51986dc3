# cmocka tests of the plain C files, as they are and under the sanitizers.

stage_unit() {
	local sanitize='-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all'
	unit gcc        gcc
	unit gcc_asan   gcc "$sanitize"
	unit clang_asan "$CLANG" "$sanitize"
	figure "$(ls "$WORK"/normal/test/unit/test_*.c | wc -l) programs, built 3 times, twice with ASan and UBSan"
}

unit() {
	local name=$1 cc=$2 sanitize=${3-} rc=0
	as_user make -s -C "$WORK/normal/test/unit" BUILD="build/$name" CC="$cc" SANITIZE="$sanitize" PG_CONFIG="$PG_CONFIG" check \
		>"$WORK/$name.out" 2>"$WORK/$name.err" || rc=$?
	cat "$WORK/$name.out" "$WORK/$name.err"
	tally_tap "unit $name" "$WORK/$name.out" $rc
}
