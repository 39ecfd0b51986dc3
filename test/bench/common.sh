# What the benchmarks that are scripts of their own share. Sourced after test/cluster.sh.

say() { printf '%s\n' "$*" >&2; }
sql() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }
ask() { sql -At -c "$1"; }
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# start_bench [SETTING...]: a cluster with the extension in schema scoring, serial and without
# JIT; bench.draw, bench.ms and bench.processor_ms in it.
start_bench() {
	need_postgres
	make_workspace
	build_extension bench
	start_cluster bench "shared_buffers = '512MB'" "max_wal_size = '8GB'" 'autovacuum = off' 'jit = off' \
		'max_parallel_workers_per_gather = 0' "$@"
	sql -o /dev/null <<-'END' || die "could not prepare the cluster"
		CREATE SCHEMA scoring;
		CREATE EXTENSION customer_scoring SCHEMA scoring;
		ALTER DATABASE postgres SET search_path = scoring, public;
		CREATE SCHEMA bench;
		-- a hash of the row's number stands for random(): 0 .. 1, without the ends
		CREATE FUNCTION bench.draw(i bigint, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
			$$ SELECT ((hashint8extended(i, n) & 4503599627370495) + 0.5) / 4503599627370496.0 $$;
		CREATE FUNCTION bench.ms(statement text) RETURNS numeric LANGUAGE plpgsql AS $$
		DECLARE
			began	timestamptz := clock_timestamp();
		BEGIN
			EXECUTE statement;
			RETURN 1000 * extract(epoch FROM clock_timestamp() - began);
		END $$;
		-- of this backend's processor, which other work on the machine changes least
		CREATE FUNCTION bench.processor_ms() RETURNS numeric LANGUAGE sql AS
			$$ SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 200, false), ' ', 1)::numeric / 1000000 $$;
		CREATE FUNCTION bench.processor_ms(statement text) RETURNS numeric LANGUAGE plpgsql AS $$
		DECLARE
			began	numeric := bench.processor_ms();
		BEGIN
			EXECUTE statement;
			RETURN bench.processor_ms() - began;
		END $$;
	END
}

# Milliseconds of a statement, by the clock and of the processor
timed() { ask "SELECT bench.ms(\$b\$$1\$b\$)"; }
processor() { ask "SELECT bench.processor_ms(\$b\$$1\$b\$)"; }
