# Tampered text, binary and serialised forms (test/states.sql).

stage_states() {
	start_cluster normal
	as_user make -s -C "$WORK/normal/test/module" PG_CONFIG="$PG_CONFIG" with_llvm=no >"$WORK/module.log" 2>&1 ||
		{ failed "the test module doesn't build"; cat "$WORK/module.log"; return; }
	tampered_forms normal "${MUTANTS:-1000}"
	check_server_log
	figure "$(tampered_figure)"
}
