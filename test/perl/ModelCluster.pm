# What the TAP tests of models share: a chain of shops with tenants, a model
# over it, and lists of what a model offers to readers, taken from the catalogs
# so that a view or function that is added later is tested too.
package ModelCluster;

use strict;
use warnings;
use Exporter 'import';
use Fcntl ':flock';
use IPC::Run ();
use ScoringCluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(model_node make_roles make_database make_attempt views dated_calls offers tables verbs run_as attempt digest_sql digests open_session start_script);
our @EXPORT_OK = qw(make_chain make_shop);

# A node that is not started yet, with the databases chain and shop, which make_chain
# and make_shop fill. The first one makes them, the later ones have copies.
sub model_node
{
	my ($name, %params) = @_;
	my $data = "$ENV{TEMPLATES}/models";
	open my $lock, '>', "$data.lock" or die "$data.lock: $!";
	flock $lock, LOCK_EX or die "$data.lock: $!";
	unless (-d $data)
	{
		my $node = new_node("models_of_$name");
		$node->start;
		make_roles($node);
		make_chain($node, 'chain');
		make_shop($node, 'shop');
		$node->stop;
		system_or_bail('rm', '-rf', "$data.new");
		system_or_bail('cp', '-a', $node->data_dir, "$data.new");
		# as initdb left it, for a node adds its settings
		my $settings = slurp_file("$data.new/postgresql.conf") =~ s/^# Added by PostgreSQL::Test::Cluster.*//msr;
		open my $conf, '>', "$data.new/postgresql.conf" or die "postgresql.conf: $!";
		print $conf $settings;
		close $conf;
		rename "$data.new", $data or die "$data: $!";
	}
	close $lock;
	return new_node($name, %params, data => $data);
}

# Roles are the cluster's; everything else below is one database's.
sub make_roles
{
	my ($node, @more) = @_;
	$node->safe_psql('postgres', join "\n", q{SELECT 'CREATE ROLE shopowner LOGIN' WHERE to_regrole('shopowner') IS NULL \gexec}, map { "CREATE ROLE $_ LOGIN;" } @more);
}

# public.attempt(statement): ok, or the error with its code and hint.
sub make_attempt
{
	my ($node, $database) = @_;
	$node->safe_psql($database, q{
		CREATE FUNCTION public.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE hint text; BEGIN
		  EXECUTE statement;
		  RETURN 'ok';
		EXCEPTION WHEN OTHERS THEN
		  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		  RETURN concat_ws(' ', sqlstate, sqlerrm, nullif(hint, ''));
		END $$;});
}

# The extension in schema scoring, and a schema crm of shopowner's with orders
# and customers of three tenants, one of which has the separator in its name.
sub make_database
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database") unless $database eq 'postgres';
	make_attempt($node, $database);
	$node->safe_psql($database, qq{
		CREATE SCHEMA scoring;
		CREATE EXTENSION customer_scoring SCHEMA scoring;
		GRANT USAGE ON SCHEMA scoring TO PUBLIC;
		GRANT CREATE ON DATABASE $database TO shopowner;
		CREATE SCHEMA crm AUTHORIZATION shopowner;
		SET ROLE shopowner;
		CREATE TABLE crm.orders AS
		SELECT customer_id, (ARRAY['a', 'a', 'b', 'b', 'a:b'])[1 + customer_id % 5] AS tenant, ordered_on, total
		  FROM (SELECT i * 7919 % 600 / (1 + i % 3) AS customer_id, date '2023-01-01' + (i * 104729 % 900) AS ordered_on,
		               (((i * 15485863::bigint) % 20000 - 500) / 100.0)::numeric(10, 2) AS total
		          FROM generate_series(1, 5000) i) AS o;
		INSERT INTO crm.orders VALUES (NULL, 'a', '2025-01-01', 1), (7, 'b', NULL, 1);
		CREATE TABLE crm.customers AS
		SELECT i AS customer_id, (ARRAY['a', 'a', 'b', 'b', 'a:b'])[1 + i % 5] AS tenant, (ARRAY['FR', 'DE', 'IT'])[1 + i % 3] AS country,
		       i % 7 > 0 AS agreed, date '2024-01-01' + i AS joined_on
		  FROM generate_series(0, 650) i;
		ALTER TABLE crm.customers ADD PRIMARY KEY (customer_id, tenant);
	});
}

# A model with tenants, and one of tenant a alone, both with prediction.
sub make_chain
{
	my ($node, $database) = @_;
	make_database($node, $database);
	$node->safe_psql($database, q{
		SET ROLE shopowner;
		SELECT scoring.create_model('chain', 'crm.orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on',
		  value => 'total', tenant => 'tenant', customers => 'crm.customers', attributes => '{country,joined_on}', consent => 'agreed', retention_days => 320, prediction => 'mbgnbd', account => 'country', clusters => 4);
		SELECT scoring.create_model('only_a', 'SELECT customer_id, ordered_on, total FROM crm.orders WHERE tenant = ''a''', as_of => '2025-06-30',
		  customers => 'SELECT * FROM crm.customers WHERE tenant = ''a''', customers_key => 'customer_id', attributes => '{country,joined_on}', consent => 'agreed', retention_days => 320, prediction => 'mbgnbd', account => 'country', clusters => 4);
		SELECT scoring.record_changes(m) FROM unnest('{chain,only_a}'::text[]) m;
		INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-29', 500 FROM crm.customers WHERE customer_id % 11 = 0;
		SELECT scoring.refresh_model(m) FROM unnest('{chain,only_a}'::text[]) m;
		SELECT scoring.record_changes(m) FROM unnest('{chain,only_a}'::text[]) m;
		SELECT scoring.calibrate_model(m) FROM unnest('{chain,only_a}'::text[]) m;
		SELECT scoring.check_prediction(m, '2025-03-31') FROM unnest('{chain,only_a}'::text[]) m;
		SELECT scoring.set_goal(m, NULL, 'customers', 10, 'by', '2026-06-30', tenant => t) FROM (SELECT 'chain' AS m, unnest(array_agg(tenant)) AS t FROM chain._question UNION ALL SELECT 'only_a', NULL) AS v;
		SELECT scoring.start_campaign(m, 'spring', NULL::text, on_day => '2025-03-31') FROM unnest('{chain,only_a}'::text[]) m;
	});
}

# A model without tenants with two versions and recorded changes, and a live one
# over a table with changes that are pending.
sub make_shop
{
	my ($node, $database) = @_;
	make_database($node, $database);
	$node->safe_psql($database, q{
		SET ROLE shopowner;
		SELECT scoring.create_model('shop', 'SELECT * FROM crm.orders WHERE tenant = ''a''', as_of => '2025-06-30', customer => 'customer_id',
		  day => 'ordered_on', value => 'total', customers => 'crm.customers', customers_key => 'customer_id',
		  attributes => '{country,joined_on}', consent => 'agreed', retention_days => 320);
		SELECT scoring.record_changes('shop');
		INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-29', 500 FROM crm.customers WHERE customer_id % 11 = 0;
		SELECT scoring.refresh_model('shop');
		SELECT scoring.record_changes('shop');
		SELECT scoring.alter_model('shop', weights => '{2,1,1}', segment_map => 'standard');
		SELECT scoring.create_model('live_shop', 'crm.orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true,
		  customers => 'crm.customers', customers_key => 'customer_id', attributes => '{country}', retention_days => 320, prediction => 'bgnbd', clusters => 3);
		SELECT scoring.check_prediction('live_shop', '2025-03-31');
		SELECT scoring.record_changes('live_shop');
		INSERT INTO crm.orders VALUES (1, 'a', '2025-06-30', 5000), (100000, 'a', '2025-06-30', 1);
		SELECT scoring.record_changes('live_shop');
		SELECT scoring.refresh_model('shop');
		SELECT scoring.set_goal(m, NULL, 'customers', 10, 'by', '2026-06-30') FROM unnest('{shop,live_shop}'::text[]) m;
		SELECT scoring.start_campaign(m, 'spring', NULL::text, on_day => '2025-03-31') FROM unnest('{shop,live_shop}'::text[]) m;
	});
}

sub rows
{
	my ($node, $database, $sql) = @_;
	return split /\n/, $node->safe_psql($database, $sql);
}

# Those that readers are given. (propensity_check has no rows in a model without streams.)
sub views
{
	my ($node, $database, $model) = @_;
	return rows($node, $database, "SELECT oid::regclass FROM pg_class WHERE relnamespace = '$model'::regnamespace AND relkind IN ('v', 'm') AND relname !~ '^_|^propensity_check\$' ORDER BY relname");
}

# Calls of the functions of a model with the arguments that they must have, where
# those are days.
sub dated_calls
{
	my ($node, $database, $model) = @_;
	return rows($node, $database, qq{
		SELECT format('%s(%s)', p.oid::regproc, array_to_string(('{''2024-12-31'',''2025-06-30''}'::text[])[3 - least(2, pronargs - pronargdefaults):2], ', '))
		  FROM pg_proc p WHERE pronamespace = '$model'::regnamespace AND prorettype <> 'trigger'::regtype
		   AND 'date'::regtype = ALL (proargtypes[0:pronargs - pronargdefaults - 1]) ORDER BY proname});
}

sub offers { return (views(@_), dated_calls(@_)); }

# Everything with rows or values of its own in a model's schema.
sub tables
{
	my ($node, $database, $model) = @_;
	return rows($node, $database, "SELECT oid::regclass FROM pg_class WHERE relnamespace = '$model'::regnamespace AND relkind NOT IN ('v', 'm', 'i', 'I', 'c') ORDER BY relname");
}

# Calls of all verbs: functions that take a model's name first. Other arguments
# without a default name nothing.
sub verbs
{
	my ($node, $database, $model) = @_;
	return rows($node, $database, qq{
		SELECT format('scoring.%I(%L%s)', proname, '$model', (SELECT string_agg(CASE WHEN t IN ('text'::regtype, 'name'::regtype) THEN ', ''public''' ELSE ', NULL' END, '')
		                FROM unnest(proargtypes[1:pronargs - pronargdefaults - 1]) t))
		  FROM pg_proc WHERE pronamespace = 'scoring'::regnamespace AND proargtypes[0] = 'text'::regtype AND proargnames[1] = 'model' AND provolatile = 'v'
		   AND proname NOT LIKE '\\_%' ORDER BY proname});
}

# Standard output of SQL in a session that the role opens itself; who wants the
# messages too may have errors.
sub run_as
{
	my ($node, $database, $role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql($database, $sql, extra_params => [ '-U', $role ]);
	return ($out, $err) if wantarray;
	die "role $role: $err" if $err =~ /ERROR|FATAL/;
	return $out;
}

# What a statement leads to: ok, or SQLSTATE, message and hint.
sub attempt
{
	my ($node, $database, $role, @statements) = @_;
	return split /\n/, scalar run_as($node, $database, $role,
		join ' ', map { "SELECT replace(public.attempt(\$sql\$$_\$sql\$), chr(10), ' ');" } @statements);
}

# SQL for rows and checksum of each of these items of FROM. OFFSET 0: or the planner
# would repeat what a view computes, where the row is written down and where it is sorted.
sub digest_sql
{
	return join "\n", map { "SELECT \$sql\$$_\$sql\$ || ' ' || count(*) || ' ' || coalesce(md5(string_agg(j, chr(10) ORDER BY j COLLATE \"C\")), '-')"
		. " FROM (SELECT (to_jsonb(t) - 'checked_at')::text AS j FROM $_ t OFFSET 0) AS r;" } @_;
}

# ... and these, as a role
sub digests
{
	my ($node, $database, $role, @items) = @_;
	return scalar run_as($node, $database, $role, digest_sql(@items));
}

# A session that stays open: send() does not wait for the answer, answer() does
# and returns output and messages since the last one.
sub open_session
{
	my ($node, $database, $role) = @_;
	my $self = bless { in => '', out => '', err => '', n => 0 }, 'ModelCluster::Session';
	$self->{run} = IPC::Run::start([ 'psql', '-X', '-At', '-q', '-d', $node->connstr($database), '-U', $role ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, IPC::Run::timeout(600));
	$self->{pid} = $self->ask('SELECT pg_backend_pid();');
	return $self;
}

# psql with a script as this role, beside others: $session->{run}->finish waits for its end.
sub start_script
{
	my ($node, $database, $role, $name, $script) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$name.sql";
	append_to_file($file, $script);
	my %session = (name => $name, out => '', err => '');
	$session{run} = IPC::Run::start([ 'psql', '-X', '-q', '-At', '-U', $role, '-d', $node->connstr($database), '-f', $file ], '>', \$session{out}, '2>', \$session{err},
		IPC::Run::timeout(300));
	return \%session;
}

package ModelCluster::Session;

sub send
{
	my ($self, $sql) = @_;
	$self->{n}++;
	$self->{in} .= "$sql\n\\echo done $self->{n}\n\\warn done $self->{n}\n";
	$self->{run}->pump_nb;
}

sub is_done
{
	my ($self) = @_;
	$self->{run}->pump_nb;
	# with the end of its line, or the rest of it would begin the next answer
	return $self->{out} =~ /^done $self->{n}\n/m && $self->{err} =~ /done $self->{n}\n/m;
}

# Messages so far.
sub messages
{
	my ($self) = @_;
	$self->{run}->pump_nb;
	return $self->{err};
}

sub answer
{
	my ($self) = @_;
	$self->{run}->pump until $self->is_done;
	my ($out, $err) = @$self{qw(out err)};
	@$self{qw(out err)} = ('', '');
	s/\n?done \d+\n//g for $out, $err;
	return wantarray ? ($out, $err) : $out;
}

sub ask
{
	my ($self, $sql) = @_;
	$self->send($sql);
	return $self->answer;
}

# The end of a session whose backend is gone already, or of any other.
sub close
{
	my ($self) = @_;
	$self->{in} .= "\\q\n";
	eval { $self->{run}->finish };
	return $self->{err};
}

1;
