# libFuzzer: the committed corpus once more, then FUZZ_SECONDS of new inputs for
# each harness. The seed is printed; an input that crashes is printed as hex.

stage_fuzz() {
	local seed=${FUZZ_SEED:-$((1 + RANDOM * 32768 + RANDOM))} fuzz=$WORK/normal/test/fuzz harness runs=0 total=0
	as_user make -s -C "$fuzz" CLANG="$CLANG" || { failed "the harnesses don't build"; return; }
	for harness in "$fuzz"/build/fuzz_*; do
		harness=$(basename "$harness")
		mkdir -p "$WORK/$harness"
		[ "$(id -u)" != 0 ] || chown "$RUN_USER" "$WORK/$harness"
		fuzz "$harness: committed corpus" "$harness" "$fuzz/corpus/$harness"/*
		fuzz "$harness: seed $seed" "$harness" -max_total_time="${FUZZ_SECONDS:-3}" -seed="$seed" -timeout=10 -print_final_stats=1 \
			"$WORK/$harness" "$fuzz/corpus/$harness"
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$WORK/$harness.log")
		total=$((total + ${runs:-0}))
	done
	figure "$total executions, seed $seed"
}

# fuzz WHAT HARNESS [ARG...]
fuzz() {
	local what=$1 harness=$2 crash; shift 2
	if as_user "$WORK/normal/test/fuzz/build/$harness" -artifact_prefix="$WORK/$harness-" "$@" >"$WORK/$harness.log" 2>&1; then
		passed
	else
		failed "$what"
		tail -n 60 "$WORK/$harness.log"
		for crash in "$WORK/$harness"-*; do
			[ ! -f "$crash" ] || { echo "$crash:"; od -An -v -tx1 "$crash"; }
		done
	fi
}
