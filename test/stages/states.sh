# Tampered text, binary and serialised forms (test/states.sql).

stage_states() {
	start_cluster normal
	as_user make -s -C "$WORK/normal/test/module" PG_CONFIG="$PG_CONFIG" with_llvm=no >"$WORK/module.log" 2>&1 ||
		{ failed "the test module doesn't build"; cat "$WORK/module.log"; return; }
	# each length and each flipped bit, always the same ones, are tried under the sanitizers
	tampered_forms normal "${MUTANTS:-1000}" "$([ -n "${LONG:-}" ] && echo on || echo off)"
	check_server_log
	figure "$(tampered_figure)"
}
