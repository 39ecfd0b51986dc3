# Orders and two streams, all live, after any history of statements: random
# statements of two writers over three tables, several in a transaction, beside
# an owner who folds in, reads again and checks. Then the models hold what their
# sources do.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{LIVE_SEED} || 20261129;
my $statements = 5200;		# of each writer
my %levels = (0 => 'read committed', 1 => 'repeatable read');
diag "seed $seed";

my $node = new_node('live_streams');
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE shopowner LOGIN;
	CREATE ROLE app LOGIN;
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	GRANT USAGE ON SCHEMA scoring TO shopowner;
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE SCHEMA crm AUTHORIZATION shopowner;
	SET ROLE shopowner;
	GRANT USAGE ON SCHEMA crm TO app;

	-- One shape for all three, so that one generator of statements does.
	CREATE TABLE crm.orders (id bigint PRIMARY KEY, customer_id int, tenant text, day date, at timestamptz,
	  kind text, n int, total numeric, amount float8, is_event boolean, note text);
	CREATE TABLE crm.visits (LIKE crm.orders, PRIMARY KEY (id));
	CREATE TABLE crm.answers (LIKE crm.orders, PRIMARY KEY (id)) PARTITION BY HASH (id);
	CREATE TABLE crm.answers_0 PARTITION OF crm.answers FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE crm.answers_1 PARTITION OF crm.answers FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA crm TO app;

	CREATE FUNCTION crm.some_rows(w int, first_id bigint, n int) RETURNS SETOF crm.orders LANGUAGE sql VOLATILE AS $$
	  SELECT g * 2 + w,
	         CASE WHEN r[1] < 0.03 THEN NULL WHEN r[1] < 0.25 THEN ceil(random() * 3)::int ELSE ceil(random() * 120)::int END,
	         CASE WHEN random() < 0.03 THEN NULL WHEN random() < 0.02 THEN repeat('long:', 200) ELSE (ARRAY['a', 'a:b', 'a\', 'é'])[1 + floor(random() * 4)::int] END,
	         CASE WHEN r[2] < 0.02 THEN NULL WHEN r[2] < 0.03 THEN 'infinity' WHEN r[2] < 0.04 THEN '4714-11-24 BC' ELSE date '2023-01-01' + floor(random() * 1200)::int END,
	         CASE WHEN r[2] < 0.02 THEN NULL WHEN r[2] < 0.03 THEN '-infinity' ELSE timestamptz '2023-01-01 00:00+00' + random() * interval '1200 days' END,
	         CASE WHEN r[4] < 0.05 THEN NULL WHEN r[4] < 0.1 THEN '' WHEN r[4] < 0.12 THEN repeat('k', 70) WHEN r[4] < 0.15 THEN 'other'
	              ELSE (ARRAY['open', 'click', 'Added to Cart', 'é', 'a:b', '7:x'])[1 + floor(random() * 6)::int] END,
	         CASE WHEN r[4] < 0.05 THEN NULL ELSE floor(random() * 4)::int END,
	         CASE WHEN r[3] < 0.02 THEN NULL WHEN r[3] < 0.04 THEN 'NaN' WHEN r[3] < 0.05 THEN 1e30 WHEN r[3] < 0.07 THEN 1.0000000001
	              WHEN r[3] < 0.15 THEN 0 WHEN r[3] < 0.25 THEN -round((random() * 100)::numeric, 2) ELSE round((random() * 1000)::numeric, floor(random() * 4)::int) END,
	         CASE WHEN r[3] < 0.02 THEN NULL WHEN r[3] < 0.04 THEN 'NaN' WHEN r[3] < 0.05 THEN 1e30 ELSE random() * 1000 - 100 END,
	         CASE WHEN random() < 0.05 THEN NULL ELSE random() < 0.8 END, 'new'
	    FROM (SELECT g, ARRAY[random(), random(), random(), random()] AS r FROM generate_series(first_id, first_id + n - 1) AS g) AS g
	$$;

	-- One random statement on one of the tables; next_id is the writer's next row.
	CREATE PROCEDURE crm.statement(w int, t text, INOUT next_id bigint) LANGUAGE plpgsql AS $$
	DECLARE
	  what int := floor(random() * 19);
	  n int := CASE WHEN random() < 0.5 THEN 1 ELSE ceil(random() * 15) END;
	  low bigint := floor(random() * next_id) * 2;
	  own text := format('id %% 2 = %s AND id BETWEEN %s AND %s', w, low, low + 2 * n);
	  rows text := format('SELECT * FROM crm.some_rows(%s, %s, %s)', w, next_id, n);
	BEGIN
	  IF what < 6 THEN
	    EXECUTE format('INSERT INTO %s %s', t, rows);
	    next_id := next_id + n;
	  ELSIF what < 12 THEN
	    EXECUTE format('UPDATE %s AS o SET %s WHERE %s', t, (ARRAY['note = note || 1', 'customer_id = customer_id % 7 + 1', 'customer_id = NULL',
	      'day = day + (random() * 40)::int, at = at + interval ''10 hours''', 'total = round(total * 0.5, 1), amount = amount * 0.5',
	      'total = -total, amount = NULL', 'is_event = NOT is_event', 'tenant = ''b''', 'kind = ''open'', n = 2', 'kind = NULL, n = NULL',
	      'kind = upper(kind)', 'total = ''NaN'', customer_id = 1', 'id = id'])[1 + floor(random() * 13)::int], own);
	  ELSIF what < 15 THEN
	    EXECUTE format('DELETE FROM %s WHERE %s', t, own);
	  ELSIF what < 17 THEN
	    EXECUTE format('INSERT INTO %s SELECT * FROM crm.some_rows(%s, %s, %s) ON CONFLICT (id) DO %s', t, w, greatest(0, low / 2 - n), n,
	      CASE WHEN random() < 0.3 THEN 'NOTHING' ELSE 'UPDATE SET customer_id = excluded.customer_id, day = excluded.day, kind = excluded.kind, n = excluded.n, total = excluded.total' END);
	  ELSIF what = 17 THEN		-- from one stream into another
	    EXECUTE format('WITH gone AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO crm.visits
	      SELECT (%s + row_number() OVER ()) * 2 + %s, customer_id, tenant, day, at, kind, n, total, amount, is_event, note FROM gone', t, own, next_id, w);
	    next_id := next_id + 3 * (n + 2);
	  ELSE						-- straight into a partition
	    EXECUTE format('UPDATE crm.answers_%s SET n = 5, kind = ''part'', customer_id = 3 WHERE %s', (random() * 1)::int, own);
	  END IF;
	END $$;

	CREATE TABLE crm.tally (w int, what text, n bigint);
	GRANT INSERT ON crm.tally TO app;
	CREATE PROCEDURE crm.write(w int, n int, seed float8, INOUT next_id bigint) LANGUAGE plpgsql AS $$
	DECLARE
	  tables text[] := '{crm.orders,crm.visits,crm.answers}';
	  done int := 0;
	  rolled_back int := 0;
	  savepoints int := 0;
	  truncated int := 0;
	BEGIN
	  PERFORM setseed(seed);
	  WHILE done < n LOOP
	    -- all three, in one order: the transactions write to them in any
	    IF random() < 0.012 THEN
	      LOCK TABLE crm.orders, crm.visits, crm.answers IN ACCESS EXCLUSIVE MODE;
	      EXECUTE format('TRUNCATE %s', tables[1 + floor(random() * 3)::int]);
	      truncated := truncated + 1;
	      done := done + 1;
	    ELSE
	      LOCK TABLE crm.orders, crm.visits, crm.answers IN ROW EXCLUSIVE MODE;
	    END IF;
	    FOR step IN 1 .. ceil(random() * 12) LOOP
	      IF random() < 0.1 THEN
	        BEGIN
	          CALL crm.statement(w, tables[1 + floor(random() * 3)::int], next_id);
	          CALL crm.statement(w, tables[1 + floor(random() * 3)::int], next_id);
	          done := done + 2;
	          IF random() < 0.6 THEN
	            RAISE EXCEPTION USING ERRCODE = 'TSTRB';
	          END IF;
	        EXCEPTION WHEN SQLSTATE 'TSTRB' THEN
	          savepoints := savepoints + 1;
	        END;
	      ELSE
	        CALL crm.statement(w, tables[1 + floor(random() * 3)::int], next_id);
	        done := done + 1;
	      END IF;
	    END LOOP;
	    IF random() < 0.12 THEN
	      ROLLBACK;
	      rolled_back := rolled_back + 1;
	    ELSE
	      COMMIT;
	    END IF;
	  END LOOP;
	  INSERT INTO crm.tally VALUES (w, 'statements', done), (w, 'transactions rolled back', rolled_back), (w, 'savepoints rolled back', savepoints), (w, 'truncates', truncated);
	END $$;
});
# The visits of the first model have more kinds than it allows.
run_as($node, 'postgres', 'shopowner', $_) for split /;\n/, q{
	SELECT count(*) FROM scoring.create_model('plain', 'crm.orders', customer => 'customer_id', day => 'day', value => 'total', as_of => '2025-12-31', live => true);
	SELECT count(*) FROM scoring.add_stream('plain', 'visits', 'crm.visits', customer => 'customer_id', day => 'at', kind => 'kind', value => 'amount', counts => 'is_event',
	  time_zone => 'Europe/Paris', kinds => 4, live => true);
	SELECT count(*) FROM scoring.add_stream('plain', 'answers', 'crm.answers', customer => 'customer_id', day => 'day', kind => 'n', live => true);
	SELECT count(*) FROM scoring.create_model('tenants', 'crm.orders', customer => 'customer_id', day => 'day', value => 'total', tenant => 'tenant', as_of => '2025-12-31', live => true);
	SELECT count(*) FROM scoring.add_stream('tenants', 'visits', 'crm.visits', customer => 'customer_id', day => 'day', live => true);
	SELECT count(*) FROM scoring.add_stream('tenants', 'answers', 'crm.answers', customer => 'customer_id', day => 'day', kind => 'kind', value => 'total', live => true)};

# What the models must hold, said once more without any function of a model: the
# key, the stream and the expressions for kind and history of the rows that count.
my $tenant = q{replace(replace(tenant, '\\', '\\\\'), ':', '\\:') || ':' || customer_id};
my $day = q{day BETWEEN '4714-12-01 BC' AND '294276-12-31'};
my $text = q{CASE WHEN octet_length(kind) <= 63 THEN kind ELSE '' END};
my %streams = (
	plain => [ [ 1, 'crm.visits', 'customer_id::text', $text, q{scoring.history_agg((at AT TIME ZONE 'Europe/Paris')::date, amount, is_event)}, q{isfinite(at) AND abs(amount) <= 1e12 AND amount <> 'NaN'} ],
		[ 2, 'crm.answers', 'customer_id::text', 'n::text', 'scoring.history_agg(day, 1)', $day ] ],
	tenants => [ [ 1, 'crm.visits', $tenant, q{''}, 'scoring.history_agg(day, 1)', $day ],
		[ 2, 'crm.answers', $tenant, $text, 'scoring.history_agg(day, total)', "$day AND abs(total) <= 1e12 AND min_scale(total) <= 9" ] ]);

sub expected
{
	my ($model) = @_;
	return qq{SELECT r.customer_key, scoring.stream_histories_agg(r.stream_no, coalesce(k.kind_no, 0), r.history) AS held FROM (}
	  . join(' UNION ALL ', map { "SELECT $_->[0] AS stream_no, $_->[2] AS customer_key, $_->[3] AS kind, $_->[4] AS history FROM $_->[1]
		WHERE customer_id IS NOT NULL AND octet_length($_->[2]) <= 1000 AND $_->[5] GROUP BY 1, 2, 3" } @{ $streams{$model} })
	  . qq{) AS r LEFT JOIN $model.stream_kind AS k ON k.stream_no = r.stream_no AND k.kind = r.kind GROUP BY 1};
}

sub held
{
	my ($model) = @_;
	return qq{SELECT customer_key, scoring.sum(s) AS held FROM (SELECT customer_key, streams AS s FROM $model.stream_histories UNION ALL
		SELECT p.customer_key, scoring.stream_histories_agg(p.stream_no, coalesce(k.kind_no, 0), p.difference) FROM $model.pending_events AS p
		LEFT JOIN $model.stream_kind AS k ON k.stream_no = p.stream_no AND k.kind = p.kind GROUP BY 1) AS u GROUP BY 1};
}

sub digest
{
	my ($query) = @_;
	return qq{SET search_path = scoring, pg_catalog; SELECT count(*) || ' ' || coalesce(md5(string_agg(customer_key || '=' || held::text, ' ' ORDER BY customer_key COLLATE "C")), '-') FROM ($query) AS h WHERE held <> '{}'};
}

sub equals_sources
{
	my ($when) = @_;
	for my $model (sort keys %streams)
	{
		my $wanted = run_as($node, 'postgres', 'shopowner', digest(expected($model)));
		is(run_as($node, 'postgres', 'shopowner', digest(held($model))), $wanted, "$when: $model holds what its sources do ($wanted)");
		is(run_as($node, 'postgres', 'shopowner', "SELECT * FROM scoring.check_model('$model')"), '', "$when: check_model finds nothing in $model");
	}
}

sub copy_block
{
	my ($w, $round) = @_;
	my $base = 1_000_000_000 + $round * 100;
	return join '', map { my $t = $_; "COPY crm.$t (id, customer_id, tenant, day, at, kind, n, total, amount, is_event) FROM STDIN;\n"
		  . join('', map { join("\t", ($base + $_) * 2 + $w, $_ % 9 ? $_ % 40 : '\N', 'b', '2025-02-0' . (1 + $_ % 9), '2025-02-0' . (1 + $_ % 9) . ' 23:30+00',
				$_ % 5 ? 'copied' : '\N', $_ % 3, $_ % 13 ? $_ / 4 : 'NaN', $_ / 8, 't') . "\n" } 1 .. 25) . "\\.\n" } 'orders', 'visits', 'answers';
}

my $rounds = 4;
my @sessions;
for my $w (sort keys %levels)
{
	my $script = "\\set ON_ERROR_STOP 0\nSET default_transaction_isolation = '$levels{$w}';\n\\set next 20\n";
	for my $round (1 .. $rounds)
	{
		$script .= sprintf "SET TimeZone = '%s'; CALL crm.write(%d, %d, %.6f, :next) \\gset\n\\set next :next_id\n",
		  ('UTC', 'Asia/Tokyo', 'America/New_York')[ ($round + $w) % 3 ], $w, $statements / $rounds, (($seed * 31 + $w * 17 + $round * 7) % 1000) / 1000;
		$script .= copy_block($w, $round);
	}
	push @sessions, start_script($node, 'postgres', 'app', "writer $w", $script);
}
push @sessions, start_script($node, 'postgres', 'shopowner', 'owner', (join '',
	(map { "SELECT 'checked', '$_', c.* FROM scoring.check_model('$_') c;\n" } sort keys %streams),
	(map { "SELECT 'applied', a.differences FROM scoring.apply_changes('$_') a;\nSELECT pg_sleep(0.2);\n" } sort keys %streams),
	(map { "SELECT 'refreshed', r.stream, r.customers_added + r.customers_changed + r.customers_removed FROM scoring.refresh_model('$_') r;\n" } sort keys %streams)) x 6);

my $owner;
for my $session (@sessions)
{
	$session->{run}->finish;
	is($session->{err}, '', "$session->{name} met no error");
	$owner = $session->{out} if $session->{name} eq 'owner';
}
unlike($owner, qr/^checked/m, 'check_model found nothing while others were writing');
my $folded = 0;
$folded += $1 while $owner =~ /^applied\|(\d+)/mg;
cmp_ok($folded, '>', 100, "$folded differences were folded in meanwhile");
my $tally = $node->safe_psql('postgres', q{SELECT string_agg(n || ' ' || what, ', ') FROM (SELECT what, sum(n) AS n FROM crm.tally GROUP BY what ORDER BY what) AS t});
diag "$tally; " . $node->safe_psql('postgres', q{SELECT 'left: ' || (SELECT count(*) FROM crm.orders) || ' orders, ' || (SELECT count(*) FROM crm.visits) || ' visits, ' || (SELECT count(*) FROM crm.answers) || ' answers, ' || (SELECT count(*) FROM plain.pending_events) || ' pending'});
cmp_ok($node->safe_psql('postgres', q{SELECT sum(n) FROM crm.tally WHERE what = 'statements'}), '>=', 10000, "random statements: $tally");
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT 1 FROM crm.tally GROUP BY w, what HAVING sum(n) = 0) AS t}), '0', 'every writer did all of that');

equals_sources('after all statements');
run_as($node, 'postgres', 'shopowner', "SELECT scoring.apply_changes('$_')") for sort keys %streams;
is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT 1 FROM $_.pending_events UNION ALL SELECT 1 FROM $_.pending" } sort keys %streams), '', 'apply_changes leaves nothing pending');
equals_sources('after apply_changes');
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE kind_no > 4) || ' ' || count(*) FILTER (WHERE kind_no > 0) FROM plain.stream_kind WHERE stream_no = 1}), '0 4', 'no more kinds than are allowed');
cmp_ok($node->safe_psql('postgres', q{SELECT cardinality(kinds_beyond) FROM plain.stream WHERE stream_no = 1}), '>', 2, 'and the others are named');
is(run_as($node, 'postgres', 'shopowner', "SELECT stream, customers_added, customers_changed, customers_removed FROM scoring.refresh_model('$_')"),
	"orders|0|0|0\nvisits|0|0|0\nanswers|0|0|0", "reading all again changes nothing in $_") for sort keys %streams;
is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT operation || reason FROM $_.rejects WHERE needs_rebuild" } sort keys %streams), '', 'no statement asked for a rebuild');

done_testing();
