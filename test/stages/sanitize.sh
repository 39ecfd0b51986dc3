# The regression tests (those of models with LONG=1), and tampered forms (test/states.sql), with the extension
# built for AddressSanitizer and UndefinedBehaviorSanitizer and with its assertions, in
# the server as the distribution ships it. Before that, memory errors planted in a test module must
# be reported: a stage that can't see is a failed one.

stage_sanitize() {
	local flags='-O1 -g1 -DUSE_ASSERT_CHECKING -U_FORTIFY_SOURCE -fno-omit-frame-pointer -fno-wrapv -fno-sanitize-recover=all'
	flags+=' -fsanitize=address,undefined,float-cast-overflow'
	(build_extension sanitized with_llvm=no COPT="$flags") || { failed "the extension doesn't build with sanitizers"; return; }
	as_user make -s -C "$WORK/sanitized/test/module" PG_CONFIG="$PG_CONFIG" with_llvm=no COPT="$flags" >"$WORK/module.log" 2>&1 ||
		{ failed "the test module doesn't build"; cat "$WORK/module.log"; return; }
	as_user gcc -shared -fPIC -O1 -o "$WORK/nonls.so" "$WORK/sanitized/test/sanitize/nonls.c"
	SERVER_ENV=(
		LD_PRELOAD="$(gcc -print-file-name=libasan.so) $WORK/nonls.so"
		ASAN_OPTIONS="detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:disable_coredump=1:log_path=$WORK/asan"
		UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
	)

	start_cluster sanitized 'jit = off' 'restart_after_crash = on'
	planted heap  'ERROR: AddressSanitizer'
	planted stack 'index 16 out of bounds'
	planted shift 'shift exponent 48 is too large'
	planted cast  'outside the range of representable values'
	stop_cluster
	rm -f "$WORK"/asan.[0-9]* "$WORK/server.log"

	start_cluster sanitized 'jit = off'
	regress sanitizers '' sanitized
	[ -z "${LONG:-}" ] || regress sanitized_models '' models
	tampered_forms sanitized "${MUTANTS:-400}" on
	stop_cluster
	check_server_log
	for report in "$WORK"/asan.[0-9]*; do
		[ ! -f "$report" ] || { failed "AddressSanitizer: $(basename "$report")"; head -n 60 "$report"; }
	done
	figure "$(count ok) checks: 4 planted errors seen, then the regression tests$([ -z "${LONG:-}" ] || echo ', models too'), $(tampered_figure)"
}

# planted KIND PATTERN: the error is committed, the report must match.
planted() {
	local i
	sql postgres -c "CREATE FUNCTION test_$1(text) RETURNS void AS '$WORK/sanitized/test/module/test_module', 'test_memory_error' LANGUAGE c" \
		-c "SELECT test_$1('$1')" >/dev/null 2>&1
	if grep -qsE "$2" "$WORK"/asan.[0-9]* "$WORK/server.log"; then passed
	else failed "sanitize is blind: a planted $1 error was not reported"; tail -n 5 "$WORK/server.log"
	fi
	for i in $(seq 100); do "$PGBIN/pg_isready" -q && sql postgres -c 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.1; done
}
