# Live over several tables: the state of a model after random statements over three
# tables equals a rebuild. Three writers at three isolation levels write rows of their
# own about the same orders, while the owner folds, rereads and checks; and two sessions
# at one order don't wait for each other.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{LIVE_SEED} || 20261130;
my $statements = 3400;		# of each writer
my @levels = ('read committed', 'repeatable read', 'serializable');
my @models = ('net', 'net_tenants');
diag "seed $seed";

my $node = new_node('live_ledger');
$node->append_conf('postgresql.conf', "deadlock_timeout = '200ms'");
$node->start;
make_roles($node, 'app', 'reader');
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; GRANT USAGE ON SCHEMA scoring TO shopowner;
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE SCHEMA crm AUTHORIZATION shopowner; GRANT USAGE ON SCHEMA crm TO app;
	SET ROLE shopowner;
	CREATE TABLE crm.shop_order (id bigint PRIMARY KEY, writer int, email text, shop text, placed_at timestamptz, status text, deleted_at timestamptz);
	CREATE TABLE crm.payment (pid bigint, writer int, order_id bigint, amount numeric, region text) PARTITION BY LIST (region);
	CREATE TABLE crm.payment_n PARTITION OF crm.payment FOR VALUES IN ('n');
	-- a partition with its columns in another order, and one that is gone
	CREATE TABLE crm.payment_s (region text, gone int, amount numeric, order_id bigint, writer int, pid bigint);
	ALTER TABLE crm.payment_s DROP gone;
	ALTER TABLE crm.payment ATTACH PARTITION crm.payment_s FOR VALUES IN ('s');
	-- the key as another type
	CREATE TABLE crm.refund (rid bigint, writer int, order_no varchar(40), amount numeric);
	CREATE INDEX ON crm.payment (order_id);
	CREATE INDEX ON crm.refund (order_no);
	CREATE INDEX ON crm.payment (pid);
	CREATE INDEX ON crm.refund (rid);
	GRANT ALL ON ALL TABLES IN SCHEMA crm TO app;
	INSERT INTO crm.shop_order SELECT g, g % 3, 'c' || g % 40, (ARRAY['a', 'b:c'])[1 + g % 2], timestamptz '2024-01-01 00:00Z' + g * interval '1 hour', 'paid', NULL
	  FROM generate_series(1, 6000) g;
	INSERT INTO crm.payment SELECT g, g % 3, g, g, 'n' FROM generate_series(1, 6000) g;
	CREATE VIEW crm.net AS
	SELECT o.id, lower(o.email) AS customer, o.shop, o.placed_at, p.paid - COALESCE((SELECT sum(r.amount) FROM crm.refund AS r WHERE r.order_no = o.id::text), 0) AS value,
	       o.status <> 'exchanged' AS counts
	  FROM crm.shop_order AS o JOIN (SELECT order_id, sum(amount) AS paid FROM crm.payment GROUP BY order_id) AS p ON p.order_id = o.id
	 WHERE o.status <> 'cancelled' AND o.deleted_at IS NULL;
	SELECT scoring.create_model(m, 'crm.net', customer => 'customer', day => 'placed_at', value => 'value', counts => 'counts', time_zone => 'Europe/Paris', as_of => '2025-12-31',
	  event_key => 'id', live_on => '{"crm.shop_order": "id", "crm.payment": "order_id", "crm.refund": "order_no"}', tenant => t)
	  FROM (VALUES ('net', NULL), ('net_tenants', 'shop')) AS v (m, t);
	SELECT scoring.grant_reader('net', 'reader');

	-- One random statement about any orders, on the writer's rows of a table.
	CREATE PROCEDURE crm.statement(w int, INOUT next_id bigint) LANGUAGE plpgsql AS $$
	DECLARE
	  kind int := floor(random() * 22);
	  n int := CASE WHEN random() < 0.6 THEN 1 ELSE ceil(random() * 12) END;
	  any_order bigint := 1 + floor(random() * 6000)::bigint;
	  own text := format('writer = %s AND %%s BETWEEN %s AND %s', w, floor(random() * next_id), floor(random() * next_id) + 3 * n);
	BEGIN
	  IF kind < 4 THEN
	    INSERT INTO crm.payment SELECT 3 * (next_id + g) + w, w, any_order + g % 4,
	      CASE WHEN random() < 0.02 THEN 'NaN' WHEN random() < 0.02 THEN 0.00000000001 WHEN random() < 0.1 THEN -round((random() * 20)::numeric, 2) ELSE round((random() * 100)::numeric, 2) END,
	      (ARRAY['n', 's'])[1 + floor(random() * 2)::int] FROM generate_series(1, n) g;
	  ELSIF kind < 7 THEN
	    INSERT INTO crm.refund SELECT 3 * (next_id + g) + w, w, CASE WHEN random() < 0.05 THEN 'none' WHEN random() < 0.03 THEN repeat('x', 40) ELSE (any_order + g)::text END, round((random() * 10)::numeric, 2) FROM generate_series(1, n) g;
	  ELSIF kind < 9 THEN
	    EXECUTE format('UPDATE crm.payment SET %s WHERE ' || own, (ARRAY['amount = amount * 0.5', 'region = ''s''', 'order_id = order_id + 1', 'amount = NULL', 'amount = 7', 'order_id = NULL'])[1 + floor(random() * 6)::int], 'pid');
	  ELSIF kind < 10 THEN
	    EXECUTE format('DELETE FROM crm.payment WHERE ' || own, 'pid');
	  ELSIF kind < 12 THEN
	    EXECUTE format('UPDATE crm.refund SET %s WHERE ' || own, (ARRAY['amount = amount + 1', 'order_no = ''12''', 'rid = rid'])[1 + floor(random() * 3)::int], 'rid');
	  ELSIF kind < 13 THEN
	    EXECUTE format('DELETE FROM crm.refund WHERE ' || own, 'rid');
	  ELSIF kind < 18 THEN
	    EXECUTE format('UPDATE crm.shop_order SET %s WHERE writer = %s AND id BETWEEN %s AND %s', (ARRAY['status = ''cancelled''', 'status = ''paid''', 'status = ''exchanged''', 'deleted_at = now()', 'deleted_at = NULL',
	      'email = ''C'' || (id % 7)', 'email = NULL', 'shop = ''a''', 'placed_at = placed_at + interval ''20 hours''', 'placed_at = ''infinity''', 'placed_at = ''2025-01-01 23:30Z'', email = repeat(''long'', 400)',
	      'placed_at = ''2025-01-01 23:30Z'', email = ''c1'', status = ''paid'', deleted_at = NULL'])[1 + floor(random() * 12)::int], w, any_order, any_order + n);
	  ELSIF kind < 19 THEN
	    EXECUTE format('DELETE FROM crm.shop_order WHERE writer = %s AND id BETWEEN %s AND %s', w, any_order, any_order + n);
	  ELSIF kind < 20 THEN
	    INSERT INTO crm.shop_order SELECT g, w, 'c' || ceil(random() * 60), 'b:c', timestamptz '2024-05-01 00:00Z' + random() * interval '400 days', 'paid' FROM generate_series(any_order, any_order + 3 * n) g
	      WHERE g % 3 = w ON CONFLICT (id) DO UPDATE SET email = excluded.email, status = 'paid', deleted_at = NULL;
	  ELSIF kind < 21 THEN
	    INSERT INTO crm.payment_s (pid, writer, order_id, amount, region) VALUES (3 * next_id + w, w, any_order, 5, 's');
	  ELSE
	    WITH gone AS (DELETE FROM crm.refund WHERE writer = w AND rid % 17 = any_order % 17 RETURNING *)
	    INSERT INTO crm.payment SELECT rid, writer, any_order, amount, 'n' FROM gone;
	  END IF;
	  next_id := next_id + n;
	END $$;
	CREATE TABLE crm.tally (w int, kind text, n bigint);
	GRANT INSERT ON crm.tally TO app;
	CREATE PROCEDURE crm.write(w int, n int, seed float8, INOUT next_id bigint) LANGUAGE plpgsql AS $$
	DECLARE
	  done int := 0;
	  step int;
	  tally int[] := '{0,0,0}';
	BEGIN
	  PERFORM setseed(seed);
	  WHILE done < n LOOP
	    IF random() < 0.006 THEN
	      EXECUTE format('TRUNCATE crm.%s', (ARRAY['payment', 'refund', 'payment_s'])[1 + floor(random() * 3)::int]);
	      tally[1] := tally[1] + 1;
	      COMMIT;
	    END IF;
	    -- one order for all, or a TRUNCATE could meet us on a partition
	    LOCK TABLE crm.payment, crm.refund, crm.shop_order IN ROW EXCLUSIVE MODE;
	    FOR step IN 1 .. ceil(random() * 6) LOOP
	      IF random() < 0.15 THEN
	        BEGIN
	          CALL crm.statement(w, next_id);
	          CALL crm.statement(w, next_id);
	          done := done + 2;
	          IF random() < 0.6 THEN
	            RAISE EXCEPTION USING ERRCODE = 'TSTRB';
	          END IF;
	        EXCEPTION WHEN SQLSTATE 'TSTRB' THEN
	          tally[2] := tally[2] + 1;
	        END;
	      ELSE
	        CALL crm.statement(w, next_id);
	        done := done + 1;
	      END IF;
	    END LOOP;
	    IF random() < 0.15 THEN
	      ROLLBACK;
	      tally[3] := tally[3] + 1;
	    ELSE
	      COMMIT;
	    END IF;
	  END LOOP;
	  INSERT INTO crm.tally VALUES (w, 'statements', done), (w, 'truncates', tally[1]), (w, 'savepoints rolled back', tally[2]), (w, 'transactions rolled back', tally[3]);
	END $$;
});

sub owner { return scalar run_as($node, 'postgres', 'shopowner', @_) }

# What the models must hold, said once more without the view, and without any function of a model.
my $rows = q{
	SELECT o.id, lower(o.email) AS customer, o.shop, (o.placed_at AT TIME ZONE 'Europe/Paris')::date AS day, o.status <> 'exchanged' AS counts,
	       (SELECT sum(p.amount) FROM crm.payment AS p WHERE p.order_id = o.id) - (SELECT coalesce(sum(r.amount), 0) FROM crm.refund AS r WHERE r.order_no = o.id::text) AS value
	  FROM crm.shop_order AS o WHERE o.status <> 'cancelled' AND o.deleted_at IS NULL AND isfinite(o.placed_at)};
my %expected = map { $_ => qq{SELECT customer_key, scoring.history_agg(day, value, counts) AS history FROM (SELECT }
	  . (/tenants/ ? q{replace(shop, ':', '\\:') || ':' || customer} : 'customer')
	  . qq{ AS customer_key, r.* FROM ($rows) AS r) AS r WHERE octet_length(customer_key) <= 1000 AND value <> 'NaN' AND scale(trim_scale(value)) <= 9 GROUP BY 1} } @models;

sub digest
{
	my ($query) = @_;
	return qq{SELECT count(*) || ' ' || coalesce(md5(string_agg(customer_key || '=' || history::text, ' ' ORDER BY customer_key COLLATE "C")), '-') FROM ($query) AS h WHERE history OPERATOR(scoring.<>) '{}'};
}

sub equals_rebuild
{
	my ($when) = @_;
	for my $model (@models)
	{
		my $wanted = owner('SET search_path = scoring, pg_catalog; ' . digest($expected{$model}));
		is(owner(digest("SELECT customer_key, history FROM $model._histories")), $wanted, "$when: views of $model add up what a rebuild would ($wanted)");
		is(owner("SELECT * FROM scoring.check_model('$model')"), '', "$when: check_model finds nothing in $model");
	}
}

my @sessions;
equals_rebuild('at first');
for my $w (0 .. 2)
{
	my $script = "SET default_transaction_isolation = '$levels[$w]';\n\\set next 4000\n";
	$script .= sprintf "SET TimeZone = '%s'; CALL crm.write(%d, %d, %.6f, :next) \\gset\n\\set next :next_id\n",
	  ('UTC', 'Asia/Tokyo', 'America/New_York')[ ($_ + $w) % 3 ], $w, $statements / 4, (($seed * 31 + $w * 17 + $_ * 7) % 1000) / 1000
	  for 1 .. 4;
	push @sessions, start_script($node, 'postgres', 'app', "writer $w", $script);
}
# The owner meanwhile: whatever moment it is, nothing is missing.
push @sessions, start_script($node, 'postgres', 'shopowner', 'owner', (join '',
	(map { "SELECT 'checked', '$_', c.* FROM scoring.check_model('$_') c;\n" } @models),
	(map { "SELECT 'applied', a.differences FROM scoring.apply_changes('$_') a;\n" } @models),
	"SELECT 'refreshed', r.customers_added + r.customers_changed + r.customers_removed FROM scoring.refresh_model('net') r;\n",
	"SELECT pg_sleep(0.2);\n") x 8);
my $out;
for my $session (@sessions)
{
	$session->{run}->finish;
	is($session->{err}, '', "$session->{name} met no error");
	$out = $session->{out} if $session->{name} eq 'owner';
}
unlike($out, qr/^checked/m, 'check_model found nothing while others were writing') or diag $out;
my $folded = 0;
$folded += $1 while $out =~ /^applied\|(\d+)/mg;
cmp_ok($folded, '>', 100, "$folded differences were folded in meanwhile");
my $tally = $node->safe_psql('postgres', q{SELECT string_agg(n || ' ' || kind, ', ') FROM (SELECT kind, sum(n) AS n FROM crm.tally GROUP BY kind ORDER BY kind) t});
diag "$tally; " . $node->safe_psql('postgres', q{SELECT 'left: ' || (SELECT count(*) FROM crm.shop_order) || ' orders, ' || (SELECT count(*) FROM crm.payment) || ' payments, ' || (SELECT count(*) FROM crm.refund)
	|| ' refunds, ' || (SELECT count(*) FROM net.touched) || ' touched'});
cmp_ok($node->safe_psql('postgres', q{SELECT sum(n) FROM crm.tally WHERE kind = 'statements'}), '>=', 10000, "random statements: $tally");
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT 1 FROM crm.tally GROUP BY kind HAVING sum(n) = 0) t}), '0', 'and all of that');

$node->safe_psql('postgres', q{SET ROLE app; UPDATE crm.shop_order SET status = 'paid', deleted_at = NULL WHERE id % 5 = 1; INSERT INTO crm.payment SELECT 0, 0, id, 3, 'n' FROM crm.shop_order WHERE id % 7 = 2});
equals_rebuild('after all statements');
owner("SELECT scoring.apply_changes('$_')") for @models;
is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT customer_key FROM $_.pending UNION ALL SELECT event FROM $_.touched" } @models), '', 'apply_changes leaves nothing');
equals_rebuild('after apply_changes');
my $left_out = owner(q{SELECT needs FROM net.model_status});
owner(q{SELECT scoring.refresh_model('net')});
is(owner(q{SELECT needs FROM net.model_status}), $left_out, "what is left out was counted: $left_out");
is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT operation || reason FROM $_.rejects WHERE needs_rebuild" } @models), '', 'no statement asked for a rebuild');

# Two sessions at two orders, in different order: nobody waits, nobody fails.
$node->safe_psql('postgres', q{SET ROLE app; TRUNCATE crm.shop_order, crm.payment, crm.refund;
	INSERT INTO crm.shop_order VALUES (1, 0, 'x', 'a', '2025-01-01', 'paid'), (2, 0, 'y', 'a', '2025-01-01', 'paid'); INSERT INTO crm.payment VALUES (1, 0, 1, 10, 'n'), (2, 0, 2, 20, 'n')});
my $scores = q{SELECT string_agg(customer_key || ' ' || monetary, ', ' ORDER BY customer_key) FROM net.customer_scores};
for my $level (@levels)
{
	my ($one, $two, $reader) = map { open_session($node, 'postgres', $_) } 'app', 'app', 'reader';
	$node->safe_psql('postgres', q{SET ROLE app; UPDATE crm.shop_order SET email = lower(email); DELETE FROM crm.refund});
	is(scalar $reader->ask("$scores;"), 'x 10.00, y 20.00', "$level: at first");
	$_->ask("SET lock_timeout = '5s'; BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM crm.refund;") for $one, $two;
	$reader->ask("BEGIN ISOLATION LEVEL REPEATABLE READ; $scores;");
	is(join('', $one->ask(q{UPDATE crm.shop_order SET email = 'X' WHERE id = 1; SELECT 1;})), '1', "$level: one changes the first order");
	is(join('', $two->ask(q{INSERT INTO crm.refund VALUES (1, 0, '2', 1); INSERT INTO crm.refund VALUES (1, 0, '1', 2); SELECT 1;})), '1', "$level: the other refunds the second and the first");
	is(join('', $one->ask(q{UPDATE crm.shop_order SET email = 'z' WHERE id = 2; SELECT 1;})), '1', "$level: one changes the second");
	owner(q{SELECT scoring.apply_changes('net')});
	$one->ask('COMMIT;');
	owner(q{SELECT scoring.apply_changes('net')}) if $level ne 'repeatable read';
	my ($result, $error) = $two->ask('COMMIT; SELECT 1;');
	is($result . $error, '1', "$level: both are committed");
	is(scalar $reader->ask("$scores;"), 'x 10.00, y 20.00', "$level: who looked before sees what was");
	$reader->ask('COMMIT;');
	is(scalar $reader->ask("$scores;"), 'x 8.00, z 19.00', "$level: then what both have done");
	is(owner(q{SELECT * FROM scoring.check_model('net')}), '', "$level: as a rebuild would");
	$node->safe_psql('postgres', q{SET ROLE app; UPDATE crm.shop_order SET email = 'y' WHERE id = 2});
	$_->close for $one, $two, $reader;
}

# Who makes triggers wants all three tables, and writers take them in any order.
# (on_error => 'raise' reads all of them, so it comes neither first nor last.)
for my $call (q{alter_model('net', live => false)}, q{alter_model('net', live => true)}, q{alter_model('net', on_error => 'raise')}, q{alter_model('net', on_error => 'reject')}, q{drop_model('net')})
{
	my ($writer, $owner) = (open_session($node, 'postgres', 'app'), open_session($node, 'postgres', 'shopowner'));
	is(scalar $writer->ask(q{BEGIN; INSERT INTO crm.refund VALUES (9, 0, '2', 0); SELECT 1;}), '1', "$call: somebody writes one table");
	$owner->send("SELECT count(*) > 0 FROM scoring.$call;");
	ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE NOT granted}), 'it waits');
	is(join('', $writer->ask(q{UPDATE crm.shop_order SET status = 'sent' WHERE id = 1; INSERT INTO crm.payment VALUES (9, 0, 2, 0, 'n'); SELECT 2;})), '2', 'and they go on with the others');
	is(join('', $writer->ask(q{COMMIT; SELECT 3;})), '3', 'no deadlock');
	is(join('', $owner->answer), 't', 'and it is done');
	$_->close for $writer, $owner;
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_trigger WHERE tgfoid::regproc::text ~ '^net[.]'}), '0', 'nothing is left on the tables');
is(owner(q{SELECT * FROM scoring.check_model('net_tenants')}), '', 'the other model is as a rebuild would be');
done_testing();
