# cmocka tests of the plain C files, as they are and under the sanitizers: clang's,
# and in the long form gcc's too, which stage sanitize has in the server.

units_unit() { echo gcc $([ -n "$QUICK" ] || echo clang_asan) $([ -z "${LONG:-}" ] || echo gcc_asan); }

figure_unit() { echo "$(ls test/unit/test_*.c | wc -l) programs, plain and with ASan and UBSan: $(units_unit | xargs)"; }

stage_unit() {
	local name=$1 cc=gcc sanitize='' rc=0
	[[ $name != clang* ]] || cc=$CLANG
	[[ $name != *asan ]] || sanitize='-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all'
	as_user make -s -C "$WORK/normal/test/unit" BUILD="build/$name" CC="$cc" SANITIZE="$sanitize" check \
		>"$WORK/$name.out" 2>"$WORK/$name.err" || rc=$?
	cat "$WORK/$name.out" "$WORK/$name.err"
	tally_tap "unit $name" "$WORK/$name.out" $rc
}
