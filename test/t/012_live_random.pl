# The state of a live model after any history of statements equals a rebuild:
# random statements of three writers at three isolation levels, beside whoever
# folds, rereads and checks.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{LIVE_SEED} || 20261122;
my $statements = 3600;		# of each writer
my %levels = (0 => 'read committed', 1 => 'repeatable read', 2 => 'serializable');
my %models = (plain => 'crm.plain', plain_tenants => 'crm.plain', parted => 'crm.parted', parted_tenants => 'crm.parted');
diag "seed $seed";

my $node = new_node('live_random');
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

	CREATE TABLE crm.plain_accounts (account_id int PRIMARY KEY);
	CREATE TABLE crm.parted_accounts (account_id int PRIMARY KEY);
	CREATE TABLE crm.plain (order_id bigint PRIMARY KEY, region text NOT NULL, customer_id int, tenant text, ordered_on date, ordered_at timestamptz,
	  total numeric, amount float8, is_order boolean, account_id int REFERENCES crm.plain_accounts ON UPDATE CASCADE ON DELETE CASCADE, note text);
	CREATE TABLE crm.parted (LIKE crm.plain, PRIMARY KEY (order_id, region),
	  FOREIGN KEY (account_id) REFERENCES crm.parted_accounts ON UPDATE CASCADE ON DELETE CASCADE) PARTITION BY LIST (region);
	CREATE TABLE crm.parted_n PARTITION OF crm.parted FOR VALUES IN ('n');
	-- a partition with its columns in another order, and one that is gone
	CREATE TABLE crm.parted_s (note text, gone int, total numeric, amount float8, is_order boolean, account_id int, ordered_at timestamptz, ordered_on date,
	  tenant text, customer_id int, region text NOT NULL, order_id bigint NOT NULL);
	ALTER TABLE crm.parted_s DROP gone;
	ALTER TABLE crm.parted ATTACH PARTITION crm.parted_s FOR VALUES IN ('s');
	CREATE TABLE crm.parted_e PARTITION OF crm.parted FOR VALUES IN ('e') PARTITION BY HASH (order_id);
	CREATE TABLE crm.parted_e0 PARTITION OF crm.parted_e FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE crm.parted_e1 PARTITION OF crm.parted_e FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE TABLE crm.parted_rest PARTITION OF crm.parted DEFAULT;
	GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA crm TO app;
	INSERT INTO crm.plain_accounts SELECT generate_series(0, 29);
	INSERT INTO crm.parted_accounts SELECT generate_series(0, 29);

	-- Rows of writer w: customers are shared, and a few of them hot; orders are his own.
	CREATE FUNCTION crm.some_rows(w int, first_id bigint, n int) RETURNS SETOF crm.plain LANGUAGE sql VOLATILE AS $$
	  SELECT g * 3 + w, (ARRAY['n', 's', 'e', 'w', 'x'])[1 + floor(random() * 5)::int],
	         CASE WHEN r[1] < 0.03 THEN NULL WHEN r[1] < 0.25 THEN ceil(random() * 3)::int ELSE ceil(random() * 150)::int END,
	         CASE WHEN random() < 0.03 THEN NULL WHEN random() < 0.02 THEN repeat('long:', 200) ELSE (ARRAY['a', 'b', 'a:b', 'a\', 'é'])[1 + floor(random() * 5)::int] END,
	         CASE WHEN r[2] < 0.02 THEN NULL WHEN r[2] < 0.03 THEN 'infinity' WHEN r[2] < 0.04 THEN '-infinity' WHEN r[2] < 0.045 THEN '5874000-01-01' WHEN r[2] < 0.05 THEN '4714-11-24 BC' ELSE date '2022-01-01' + floor(random() * 1400)::int END,
	         CASE WHEN r[2] < 0.02 THEN NULL WHEN r[2] < 0.03 THEN 'infinity' ELSE timestamptz '2022-01-01 00:00+00' + random() * interval '1400 days' END,
	         CASE WHEN r[3] < 0.02 THEN NULL WHEN r[3] < 0.04 THEN 'NaN' WHEN r[3] < 0.05 THEN 1e30 WHEN r[3] < 0.06 THEN 'infinity' WHEN r[3] < 0.08 THEN 1.0000000001
	              WHEN r[3] < 0.15 THEN 0 WHEN r[3] < 0.25 THEN -round((random() * 100)::numeric, 2) WHEN r[3] < 0.27 THEN 1e12
	              ELSE round((random() * 1000)::numeric, floor(random() * 4)::int) END,
	         CASE WHEN r[3] < 0.02 THEN NULL WHEN r[3] < 0.04 THEN 'NaN' WHEN r[3] < 0.05 THEN 1e30 WHEN r[3] < 0.06 THEN '-infinity'
	              WHEN r[3] < 0.15 THEN 0 ELSE random() * 1000 - 100 END,
	         CASE WHEN random() < 0.05 THEN NULL ELSE random() < 0.8 END,
	         CASE WHEN random() < 0.5 THEN w + 3 * floor(random() * 4)::int END, 'new'
	    FROM (SELECT g, ARRAY[random(), random(), random()] AS r FROM generate_series(first_id, first_id + n - 1) g) AS g
	$$;

	-- One random statement; next_id is the writer's next order.
	CREATE PROCEDURE crm.statement(w int, t text, INOUT next_id bigint) LANGUAGE plpgsql AS $$
	DECLARE
	  kind int := floor(random() * CASE t WHEN 'crm.plain' THEN 21 ELSE 24 END);
	  n int := CASE WHEN random() < 0.5 THEN 1 ELSE ceil(random() * 20) END;
	  low bigint := floor(random() * next_id) * 3;
	  own text := format('order_id %% 3 = %s AND order_id BETWEEN %s AND %s', w, low, low + 3 * n);
	  rows text := format('SELECT * FROM crm.some_rows(%s, %s, %s)', w, next_id, n);
	  old_rows text := format('SELECT * FROM crm.some_rows(%s, %s, %s)', w, greatest(0, low / 3 - n), n);
	  key text := CASE t WHEN 'crm.plain' THEN 'order_id' ELSE 'order_id, region' END;
	  columns text := 'order_id, region, customer_id, tenant, ordered_on, ordered_at, total, amount, is_order, account_id, note';
	  excluded text := regexp_replace('customer_id, tenant, ordered_on, ordered_at, total, amount, is_order, note', '(\w+)', 'excluded.\1', 'g');
	BEGIN
	  IF kind < 5 THEN
	    EXECUTE format('INSERT INTO %s (%s) %s', t, columns, rows);
	    next_id := next_id + n;
	  ELSIF kind < 12 THEN
	    EXECUTE format('UPDATE %s AS orders SET %s WHERE %s', t, (ARRAY['note = note || 1', 'customer_id = customer_id % 7 + 1', 'customer_id = NULL',
	      'ordered_on = ordered_on + (random() * 40)::int, ordered_at = ordered_at + interval ''10 hours''', 'total = round(total * 0.5, 1), amount = amount * 0.5',
	      'total = -total, amount = NULL', 'is_order = NOT is_order', 'tenant = ''b''', 'region = CASE WHEN (SELECT count(*) FROM ' || t || ' AS x WHERE x.order_id = orders.order_id) > 1 THEN region ELSE (ARRAY[''n'', ''s'', ''e'', ''w''])[1 + floor(random() * 4)::int] END',
	      'account_id = NULL', 'total = ''NaN'', customer_id = 1', 'order_id = order_id', 'customer_id = 2, ordered_on = ''2025-05-05'', total = total + 1, amount = amount + 1'
	      ])[1 + floor(random() * 13)::int], own);
	  ELSIF kind < 15 THEN
	    EXECUTE format('DELETE FROM %s WHERE %s', t, own);
	  ELSIF kind < 17 THEN
	    EXECUTE format('INSERT INTO %s (%s) %s ON CONFLICT (%s) DO %s', t, columns, old_rows, key, CASE WHEN random() < 0.3 THEN 'NOTHING'
	      ELSE format('UPDATE SET (customer_id, tenant, ordered_on, ordered_at, total, amount, is_order, note) = (%s)', excluded) END);
	  ELSIF kind < 19 THEN
	    EXECUTE format('MERGE INTO %1$s AS t USING (SELECT DISTINCT ON (order_id) * FROM (%2$s) AS u ORDER BY order_id) AS s ON t.order_id = s.order_id AND %5$s
	      WHEN MATCHED AND s.is_order THEN UPDATE SET total = s.total, amount = s.amount, customer_id = s.customer_id
	      WHEN MATCHED AND s.note IS NULL THEN DO NOTHING WHEN MATCHED THEN DELETE
	      WHEN NOT MATCHED THEN INSERT (%3$s) VALUES (%4$s)', t, rows || ' UNION ALL ' || old_rows, columns, regexp_replace(columns, '(\w+)', 's.\1', 'g'),
	      CASE t WHEN 'crm.plain' THEN 'true' ELSE 't.region = s.region' END);
	    next_id := next_id + n;
	  ELSIF kind = 19 THEN
	    -- an account that goes takes its orders with it; the first four stay
	    EXECUTE format(CASE WHEN random() < 0.5 THEN 'DELETE FROM %1$s_accounts WHERE account_id %% 3 = %2$s AND account_id = %3$s'
	      ELSE 'UPDATE %1$s_accounts SET account_id = (SELECT max(account_id) + 3 FROM %1$s_accounts WHERE account_id %% 3 = %2$s) WHERE account_id = %3$s' END,
	      t, w, w + 3 * floor(random() * 4)::int);
	    EXECUTE format('INSERT INTO %s_accounts SELECT %s + 3 * i FROM generate_series(0, 3) i ON CONFLICT DO NOTHING', t, w);
	  ELSIF kind = 20 THEN
	    EXECUTE format('WITH gone AS (DELETE FROM %1$s WHERE %2$s RETURNING *) INSERT INTO %1$s (%3$s) SELECT %4$s FROM gone', t, own, columns,
	      replace(replace(columns, 'order_id', format('(%s + row_number() OVER ()) * 3 + %s', next_id, w)), 'is_order', 'NOT is_order'));
	    next_id := next_id + 5 * (n + 2);
	  ELSIF kind = 21 THEN		-- straight into a partition
	    EXECUTE format('INSERT INTO crm.parted_%1$s (%2$s) SELECT %3$s FROM (%4$s) AS r', (ARRAY['n', 's', 'e'])[1 + next_id % 3], columns,
	      replace(columns, 'region', quote_literal((ARRAY['n', 's', 'e'])[1 + next_id % 3])), rows);
	    next_id := next_id + n;
	  ELSE
	    t := (ARRAY['n', 's', 'e', 'e0', 'rest'])[1 + floor(random() * 5)::int];
	    EXECUTE format(CASE WHEN random() < 0.3 THEN 'DELETE FROM crm.parted_%s WHERE %s' ELSE 'UPDATE crm.parted_%s SET total = 7, amount = 0.1, customer_id = 3, is_order = true WHERE %s' END, t, own);
	  END IF;
	END $$;

	-- Transactions of up to six statements: most are committed, some taken back in
	-- whole or in part.
	CREATE TABLE crm.tally (w int, kind text, n bigint);
	GRANT INSERT ON crm.tally TO app;
	CREATE PROCEDURE crm.write(w int, n int, seed float8, INOUT next_id bigint) LANGUAGE plpgsql AS $$
	DECLARE
	  done int := 0;
	  step int;
	  rolled_back int := 0;
	  savepoints int := 0;
	  truncated int := 0;
	  t text;
	BEGIN
	  PERFORM setseed(seed);
	  WHILE done < n LOOP
	    t := (ARRAY['crm.plain', 'crm.parted'])[1 + floor(random() * 2)::int];
	    IF random() < 0.008 THEN
	      EXECUTE format('TRUNCATE %s', t);
	      truncated := truncated + 1;
	      done := done + 1;
	    ELSE	-- or a TRUNCATE of somebody else's could meet us on a partition
	      EXECUTE format('LOCK TABLE %s IN ROW EXCLUSIVE MODE', t);
	    END IF;
	    FOR step IN 1 .. ceil(random() * 6) LOOP
	      IF random() < 0.15 THEN
	        BEGIN
	          CALL crm.statement(w, t, next_id);
	          CALL crm.statement(w, t, next_id);
	          done := done + 2;
	          IF random() < 0.6 THEN
	            RAISE EXCEPTION USING ERRCODE = 'TSTRB';
	          END IF;
	        EXCEPTION WHEN SQLSTATE 'TSTRB' THEN
	          savepoints := savepoints + 1;
	        END;
	      ELSE
	        CALL crm.statement(w, t, next_id);
	        done := done + 1;
	      END IF;
	    END LOOP;
	    IF random() < 0.15 THEN
	      ROLLBACK;
	      rolled_back := rolled_back + 1;
	    ELSE
	      COMMIT;
	    END IF;
	  END LOOP;
	  INSERT INTO crm.tally VALUES (w, 'statements', done), (w, 'transactions rolled back', rolled_back), (w, 'savepoints rolled back', savepoints), (w, 'truncates', truncated);
	END $$;
});
$node->safe_psql('postgres', qq{SET ROLE shopowner; SELECT scoring.create_model('$_->[0]', '$_->[1]', customer => 'customer_id', live => true, as_of => '2025-12-31', $_->[2])})
  for map { my $t = $_; [ $t, "crm.$t", q{day => 'ordered_on', value => 'total'} ],
	[ "${t}_tenants", "crm.$t", q{day => 'ordered_at', value => 'amount', counts => 'is_order', tenant => 'tenant', time_zone => 'Europe/Paris'} ] } 'plain', 'parted';

# What the models must hold, said once more without any function of a model.
sub expected
{
	my ($model) = @_;
	return $model =~ /tenants/ ? qq{
		SELECT replace(replace(tenant, '\\', '\\\\'), ':', '\\:') || ':' || customer_id AS customer_key,
		       scoring.history_agg((ordered_at AT TIME ZONE 'Europe/Paris')::date, amount, is_order) AS history
		  FROM $models{$model} WHERE customer_id IS NOT NULL AND octet_length(replace(replace(tenant, '\\', '\\\\'), ':', '\\:') || ':' || customer_id) <= 1000 AND isfinite(ordered_at) AND abs(amount) <= 1e12 AND amount <> 'NaN' GROUP BY 1}
	  : qq{
		SELECT customer_id::text AS customer_key, scoring.history_agg(ordered_on, total) AS history
		  FROM $models{$model} WHERE customer_id IS NOT NULL AND ordered_on BETWEEN '4714-12-01 BC' AND '294276-12-31' AND abs(total) <= 1e12 AND min_scale(total) <= 9 GROUP BY 1};
}

sub digest
{
	my ($query) = @_;
	return qq{SELECT count(*) || ' ' || coalesce(md5(string_agg(customer_key || '=' || scoring.history_send(history)::text, ' ' ORDER BY customer_key COLLATE "C")), '-') FROM ($query) h WHERE history <> '{}'};
}

sub held
{
	my ($model) = @_;
	return qq{SELECT customer_key, scoring.sum(history) AS history FROM (SELECT customer_key, history FROM $model.customer_histories UNION ALL SELECT customer_key, difference FROM $model.pending) u GROUP BY 1};
}

sub equals_rebuild
{
	my ($when) = @_;
	for my $model (sort keys %models)
	{
		my $wanted = run_as($node, 'postgres', 'shopowner', 'SET search_path = scoring, pg_catalog; ' . digest(expected($model)));
		is(run_as($node, 'postgres', 'shopowner', 'SET search_path = scoring, pg_catalog; ' . digest(held($model))), $wanted, "$when: $model holds what a rebuild would ($wanted)");
		is(run_as($node, 'postgres', 'shopowner', "SELECT * FROM scoring.check_model('$model')"), '', "$when: check_model finds nothing in $model");
	}
}

# COPY of a writer's own orders.
sub copy_block
{
	my ($w, $round) = @_;
	my $base = 1_000_000_000 + $round * 100;
	return join '', map { my $t = $_; "COPY crm.$t (order_id, region, customer_id, tenant, ordered_on, ordered_at, total, amount, is_order) FROM STDIN;\n"
		  . join('', map { join("\t", ($base + $_) * 3 + $w, ('n', 's', 'e', 'w')[ $_ % 4 ], $_ % 9 ? $_ % 40 : '\N', 'b', '2025-02-0' . (1 + $_ % 9), "2025-02-0" . (1 + $_ % 9) . ' 23:30+00', $_ % 13 ? $_ / 4 : 'NaN', $_ / 8, 't') . "\n" } 1 .. 25)
		  . "\\.\n" } 'plain', 'parted';
}

my $rounds = 6;
my @sessions;
for my $w (sort keys %levels)
{
	my $script = "\\set ON_ERROR_STOP 0\nSET default_transaction_isolation = '$levels{$w}';\n\\set next 1\n";
	for my $round (1 .. $rounds)
	{
		my $part = $statements / $rounds;
		$script .= sprintf "SET TimeZone = '%s'; CALL crm.write(%d, %d, %.6f, :next) \\gset\n\\set next :next_id\n",
		  ('UTC', 'Asia/Tokyo', 'America/New_York')[ ($round + $w) % 3 ], $w, $part, (($seed * 31 + $w * 17 + $round * 7) % 1000) / 1000;
		$script .= copy_block($w, $round);
	}
	push @sessions, start_script($node, 'postgres', 'app', "writer $w", $script);
}
# The owner meanwhile: whatever moment it is, nothing is missing.
# A model a transaction: two of them in one would wait for a source while they hold
# tables that a transaction wants which has truncated that source.
push @sessions, start_script($node, 'postgres', 'shopowner', 'owner', (join '',
	(map { "SELECT 'checked', '$_', c.* FROM scoring.check_model('$_') c;\n" } qw(plain parted plain_tenants parted_tenants)),
	(map { "SELECT 'applied', a.differences FROM scoring.apply_changes('$_') a;\n" } qw(plain parted plain_tenants parted_tenants)),
	(map { "SELECT 'refreshed', r.customers_added + r.customers_changed + r.customers_removed FROM scoring.refresh_model('$_') r;\n" } qw(plain parted_tenants)),
	"SELECT pg_sleep(0.3);\n") x 12);

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
my $tally = $node->safe_psql('postgres', q{SELECT string_agg(n || ' ' || kind, ', ') FROM (SELECT kind, sum(n) AS n FROM crm.tally GROUP BY kind ORDER BY kind) t});
diag "$tally; " . $node->safe_psql('postgres', q{SELECT 'left: ' || (SELECT count(*) FROM crm.plain) || ' and ' || (SELECT count(*) FROM crm.parted) || ' orders, ' || (SELECT count(*) FROM plain.pending) || ' pending'});
cmp_ok($node->safe_psql('postgres', q{SELECT sum(n) FROM crm.tally WHERE kind = 'statements'}), '>=', 10000, "random statements: $tally");
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT 1 FROM crm.tally GROUP BY w, kind HAVING sum(n) = 0) t}), '0', 'every writer did all of that');

equals_rebuild('after all statements');
run_as($node, 'postgres', 'shopowner', "SELECT scoring.apply_changes('$_')") for sort keys %models;
is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT 1 FROM $_.pending" } sort keys %models), '', 'apply_changes leaves nothing pending');
equals_rebuild('after apply_changes');
is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT operation || reason FROM $_.rejects WHERE needs_rebuild" } sort keys %models), '', 'no statement asked for a rebuild');

done_testing();
