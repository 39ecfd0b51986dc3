# connect_shop over shops that live in a real MariaDB, through mysql_fdw: unsigned
# numbers, doubles, tinyint, datetimes without a zone and dates without a day, in
# tables as WooCommerce, Magento and PrestaShop declare them. The totals are worked
# out by hand.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('mysql');
my ($mariadbd) = grep { -x } qw(/usr/sbin/mariadbd /usr/libexec/mariadbd);
my $control = $node->config_data('--sharedir') . '/extension/mysql_fdw.control';
plan skip_all => 'no MariaDB server here (package mariadb-server-core)' unless $mariadbd && -x '/usr/bin/mariadb-install-db';
plan skip_all => 'no client for MariaDB here (package mariadb-client-core)' unless -x '/usr/bin/mariadb';
plan skip_all => "no mysql_fdw here ($control)" unless -e $control;

# A server of its own, in the directory of the test, that listens on this machine alone.
my $dir = PostgreSQL::Test::Utils::tempdir();
my $port = PostgreSQL::Test::Cluster::get_free_port();
run_log(['/usr/bin/mariadb-install-db', '--no-defaults', "--datadir=$dir/data", '--auth-root-authentication-method=normal', '--skip-test-db'],
	'>', "$dir/install.log", '2>&1') or BAIL_OUT('mariadb-install-db: ' . slurp_file("$dir/install.log"));
# the socket of a long path would be refused
my $short = PostgreSQL::Test::Utils::tempdir_short();
my $server = fork;
if (!$server)
{
	open STDOUT, '>', "$dir/log";
	open STDERR, '>&', \*STDOUT;
	exec $mariadbd, '--no-defaults', "--datadir=$dir/data", "--socket=$short/s", "--port=$port", '--bind-address=127.0.0.1', "--pid-file=$dir/pid",
	  '--sql-mode=', '--default-time-zone=+00:00', '--character-set-server=utf8mb4', '--innodb-buffer-pool-size=16M', '--performance-schema=off';
	exit 1;
}
END { if ($server) { my $status = $?; kill 'TERM', $server; waitpid $server, 0; $? = $status; } }
sub in_mariadb { return run_log(['/usr/bin/mariadb', '--no-defaults', '-S', "$short/s", '-u', 'root', '--default-character-set=utf8mb4'], '<', \$_[0]); }
my $tries = 0;
usleep(100_000) until -S "$short/s" || $tries++ > 600;
ok(in_mariadb(q{CREATE USER fdw@'127.0.0.1' IDENTIFIED BY 'x'; GRANT SELECT ON *.* TO fdw@'127.0.0.1';}), 'a MariaDB server');

# ann: 100.10 at half past midnight in Paris as a guest, 30.05 of it back; 50 with an account, all of it back.
# ben: 60, and 10 with no day in UTC. An order of a status that nobody knows; one that nobody paid.
ok(in_mariadb(q{
CREATE DATABASE wp; USE wp;
CREATE TABLE wp_wc_order_stats (
	order_id bigint(20) unsigned NOT NULL, parent_id bigint(20) unsigned DEFAULT 0 NOT NULL, date_created datetime DEFAULT '0000-00-00 00:00:00' NOT NULL,
	date_created_gmt datetime DEFAULT '0000-00-00 00:00:00' NOT NULL, date_paid datetime DEFAULT '0000-00-00 00:00:00', date_completed datetime DEFAULT '0000-00-00 00:00:00',
	num_items_sold int(11) DEFAULT 0 NOT NULL, total_sales double DEFAULT 0 NOT NULL, tax_total double DEFAULT 0 NOT NULL, shipping_total double DEFAULT 0 NOT NULL,
	net_total double DEFAULT 0 NOT NULL, returning_customer tinyint(1) DEFAULT NULL, status varchar(20) NOT NULL, customer_id bigint(20) unsigned NOT NULL, PRIMARY KEY (order_id));
INSERT INTO wp_wc_order_stats (order_id, parent_id, date_created, date_created_gmt, total_sales, status, customer_id) VALUES
	(1, 0, '2025-03-02 00:30:00', '2025-03-01 23:30:00', 100.1, 'wc-completed', 1), (2, 1, '2025-03-10 09:00:00', '2025-03-10 08:00:00', -30.050000000000004, 'wc-completed', 1),
	(3, 0, '2025-04-01 12:00:00', '2025-04-01 10:00:00', 50, 'wc-refunded', 2), (4, 3, '2025-04-05 12:00:00', '2025-04-05 10:00:00', -50, 'wc-refunded', 2),
	(5, 0, '2025-05-01 12:00:00', '2025-05-01 10:00:00', 60, 'wc-processing', 3), (6, 0, '2025-05-02 00:30:00', DEFAULT, 10, 'wc-completed', 3),
	(7, 0, '2025-05-03 12:00:00', '2025-05-03 10:00:00', 15, 'wc-shipped', 3), (8, 0, '2025-05-03 12:00:00', '2025-05-03 10:00:00', 99, 'wc-failed', 3);
CREATE TABLE wp_wc_customer_lookup (
	customer_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, user_id bigint(20) unsigned DEFAULT NULL, username varchar(60) DEFAULT '' NOT NULL, email varchar(100) NULL DEFAULT NULL,
	date_last_active timestamp NULL DEFAULT NULL, date_registered timestamp NULL DEFAULT NULL, country char(2) DEFAULT '' NOT NULL, city varchar(100) DEFAULT '' NOT NULL, PRIMARY KEY (customer_id));
INSERT INTO wp_wc_customer_lookup (customer_id, user_id, email, date_registered, country, city) VALUES (1, NULL, 'ann@x.org', NULL, 'FR', 'Lyon'), (2, 20, 'Ann@X.org', '2025-03-15 10:00:00', 'FR', 'Orléans'), (3, 30, 'ben@x.org', '2025-01-01 00:00:00', '', '');
CREATE TABLE wp_wc_orders (
	id bigint(20) unsigned NOT NULL, status varchar(20) NULL, currency varchar(10) NULL, type varchar(20) NULL, tax_amount decimal(26,8) NULL, total_amount decimal(26,8) NULL,
	customer_id bigint(20) unsigned NULL, billing_email varchar(320) NULL, date_created_gmt datetime NULL, date_updated_gmt datetime NULL, parent_order_id bigint(20) unsigned NULL, PRIMARY KEY (id));
INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, parent_order_id)
	SELECT order_id, status, 'EUR', IF(parent_id = 0, 'shop_order', 'shop_order_refund'), total_sales, COALESCE(user_id, 0), email, IF(date_created_gmt = 0, '2025-05-01 22:30:00', date_created_gmt), parent_id
	FROM wp_wc_order_stats JOIN wp_wc_customer_lookup USING (customer_id);

CREATE DATABASE mage; USE mage;
CREATE TABLE sales_order (
	entity_id int unsigned NOT NULL AUTO_INCREMENT, state varchar(32), status varchar(32), store_id smallint unsigned, customer_id int unsigned, base_grand_total decimal(20,4), base_total_paid decimal(20,4),
	base_total_invoiced decimal(20,4), base_currency_code varchar(3), customer_email varchar(128), customer_is_guest smallint unsigned, created_at timestamp NOT NULL DEFAULT current_timestamp(), PRIMARY KEY (entity_id));
INSERT INTO sales_order (entity_id, state, customer_id, customer_email, created_at, base_currency_code, base_total_paid, base_total_invoiced) VALUES
	(1, 'complete', NULL, 'ann@x.org', '2025-03-01 23:30:00', 'EUR', 100.10, 100.10), (2, 'closed', 7, 'Ann@X.org', '2025-04-01 10:00:00', 'EUR', 50, 50), (3, 'processing', 9, 'ben@x.org', '2025-05-01 10:00:00', 'EUR', NULL, 60),
	(4, 'complete', 9, 'ben@x.org', '2025-05-01 22:30:00', 'EUR', 10, 10), (5, 'own', 9, 'ben@x.org', '2025-05-03 10:00:00', 'EUR', 15, 15), (6, 'canceled', 9, 'ben@x.org', '2025-05-03 10:00:00', 'EUR', NULL, NULL);
CREATE TABLE sales_creditmemo (entity_id int unsigned NOT NULL AUTO_INCREMENT, order_id int unsigned NOT NULL, state int, base_grand_total decimal(20,4), created_at timestamp NOT NULL DEFAULT current_timestamp(), PRIMARY KEY (entity_id));
INSERT INTO sales_creditmemo VALUES (1, 1, 2, 30.05, '2025-03-10 08:00:00'), (2, 2, 2, 50, '2025-04-05 10:00:00'), (3, 3, 3, 9, '2025-05-05 10:00:00');

CREATE DATABASE presta; USE presta;
CREATE TABLE ps_orders (
	id_order int(10) unsigned NOT NULL AUTO_INCREMENT, reference varchar(255), id_customer int(10) unsigned NOT NULL, id_address_invoice int(10) unsigned NOT NULL, current_state int(10) unsigned NOT NULL,
	conversion_rate decimal(13,6) NOT NULL DEFAULT 1, total_paid_tax_incl decimal(20,6) NOT NULL DEFAULT '0.00', invoice_date datetime NOT NULL, date_add datetime NOT NULL, PRIMARY KEY (id_order));
INSERT INTO ps_orders (id_order, id_customer, current_state, total_paid_tax_incl, conversion_rate, date_add) VALUES (1, 6, 5, 110.11, 1.1, '2025-03-02 00:30:00'), (2, 7, 7, 50, 1, '2025-04-01 12:00:00'), (3, 9, 2, 60, 1, '2025-05-01 12:00:00'),
	(4, 9, 5, 10, 1, '2025-05-02 00:30:00'), (5, 9, 99, 15, 1, '2025-05-03 12:00:00'), (6, 9, 1, 99, 1, '2025-05-03 12:00:00');
CREATE TABLE ps_order_state (id_order_state int(10) unsigned NOT NULL AUTO_INCREMENT, invoice tinyint(1) unsigned DEFAULT '0', logable tinyint(1) NOT NULL DEFAULT '0', paid tinyint(1) unsigned NOT NULL DEFAULT '0', deleted tinyint(1) unsigned NOT NULL DEFAULT '0', PRIMARY KEY (id_order_state));
INSERT INTO ps_order_state (id_order_state, paid) VALUES (1, 0), (2, 1), (5, 1), (7, 0);
CREATE TABLE ps_order_history (id_order_history int(10) unsigned NOT NULL AUTO_INCREMENT, id_employee int(10) unsigned NOT NULL, id_order int(10) unsigned NOT NULL, id_order_state int(10) unsigned NOT NULL, date_add datetime NOT NULL, PRIMARY KEY (id_order_history));
INSERT INTO ps_order_history (id_order, id_order_state, date_add) VALUES (2, 2, '2025-04-01 12:00:00'), (2, 7, '2025-04-05 12:00:00');
CREATE TABLE ps_customer (id_customer int(10) unsigned NOT NULL AUTO_INCREMENT, email varchar(255) NOT NULL, newsletter tinyint(1) unsigned NOT NULL DEFAULT '0', birthday date DEFAULT NULL, is_guest tinyint(1) NOT NULL DEFAULT '0', date_add datetime NOT NULL, company varchar(255), PRIMARY KEY (id_customer));
INSERT INTO ps_customer (id_customer, email, is_guest, newsletter) VALUES (6, 'ann@x.org', 1, 0), (7, 'Ann@X.org', 0, 1), (9, 'ben@x.org', 0, 1);
CREATE TABLE ps_order_slip (id_order_slip int(10) unsigned NOT NULL AUTO_INCREMENT, conversion_rate decimal(13,6) NOT NULL DEFAULT 1, id_order int(10) unsigned NOT NULL, total_products_tax_incl DECIMAL(20,6) NULL, total_shipping_tax_incl DECIMAL(20,6) NULL,
	amount DECIMAL(20,6) NOT NULL DEFAULT '0.000000', shipping_cost_amount DECIMAL(20,6) NOT NULL DEFAULT '0.000000', partial TINYINT(1) NOT NULL, date_add datetime NOT NULL, PRIMARY KEY (id_order_slip));
INSERT INTO ps_order_slip (id_order_slip, id_order, total_products_tax_incl, total_shipping_tax_incl, conversion_rate, date_add) VALUES (1, 1, 30, 3.055, 1.1, '2025-03-10 09:00:00');
}), 'with tables of three shops');

$node->append_conf('postgresql.conf', "TimeZone = 'Pacific/Kiritimati'\n");
$node->start;
$node->safe_psql('postgres', qq{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE EXTENSION mysql_fdw;
	CREATE SERVER shop FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '127.0.0.1', port '$port');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (username 'fdw', password 'x');
	CREATE SCHEMA wp; CREATE SCHEMA mage; CREATE SCHEMA presta;
	IMPORT FOREIGN SCHEMA wp FROM SERVER shop INTO wp; IMPORT FOREIGN SCHEMA mage FROM SERVER shop INTO mage; IMPORT FOREIGN SCHEMA presta FROM SERVER shop INTO presta;
	CREATE SCHEMA woo_in; CREATE SCHEMA hpos_in; CREATE SCHEMA mage_in; CREATE SCHEMA presta_in;});
sub connect_shop { return "SELECT item || ': ' || detail FROM scoring.connect_shop('$_[0]', '$_[1]', '$_[2]', time_zone => 'Europe/Paris', currency => 'EUR', model => '$_[0]') WHERE item ~ 'orders|unknown|one'"; }

# A moment that is read in the time zone of the session is refused, by tables; mysql_fdw from 2.9.2 on declares them so.
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE mage.sales_order ALTER created_at TYPE timestamptz; ALTER FOREIGN TABLE wp.wp_wc_customer_lookup ALTER date_registered TYPE timestamptz');
for ([ 'woocommerce', 'wp', 'woo_in' ], [ 'magento2', 'mage', 'mage_in' ])
{
	my $refused = 0;
	while ($refused < 3 && ($node->psql('postgres', connect_shop(@$_)))[2] =~ /reads a timestamptz in the time zone of each session\nHINT:  (ALTER FOREIGN TABLE .*;)/)
	{
		$node->safe_psql('postgres', $1);
		$refused++;
	}
	cmp_ok($refused, '>', 0, "$$_[0]: a timestamptz through mysql_fdw is refused, with what mends it");
}

# A date without a day is an error of the wrapper, until the column is declared as text.
my ($rc, $out, $err) = $node->psql('postgres', connect_shop('woocommerce', 'wp', 'woo_in'));
like($err, qr/out of range: "0000-00-00 00:00:00"/, 'a date without a day is no timestamp');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE wp.wp_wc_order_stats ALTER date_created_gmt TYPE text, ALTER date_created TYPE text; ALTER FOREIGN TABLE presta.ps_customer ALTER date_add TYPE text;');

# By hand: 100.10 - 30.05 + 50 - 50 + 60 + 10 = 140.05 of ann and ben; the orders of ann, and two of ben. The rate of 1.1 makes 110.11 of 100.10, 33.055 of 30.05.
my %unknown = (woocommerce => 'wc-shipped', woocommerce_hpos => 'wc-shipped', magento2 => 'own', prestashop => '99');
for ([ 'woocommerce', 'wp', 'woo_in', 1 ], [ 'woocommerce_hpos', 'wp', 'hpos_in', 20 ], [ 'magento2', 'mage', 'mage_in', 7 ], [ 'prestashop', 'presta', 'presta_in', 6 ])
{
	my ($system, $from, $into, $ann) = @$_;
	my $report = $node->safe_psql('postgres', connect_shop($system, $from, $into));
	like($report, qr/^orders in EUR: 3 of 2 customers and 3 corrections, 2025-03-02 to 2025-05-02, net 140\.050*$/m, "$system: orders, customers, days and net revenue");
	like($report, qr/^unknown status \Q$unknown{$system}\E: 1, without a value/m, "$system: the status that nobody knows");
	is($node->safe_psql('postgres', "SELECT customer_key, count(*) FILTER (WHERE counts), round(sum(value), 2) FROM $into.orders_in WHERE value IS NOT NULL GROUP BY 1 ORDER BY sum(value) DESC"),
		"$ann|1|70.05\n" . ($system eq 'woocommerce' ? 3 : $system eq 'woocommerce_hpos' ? 30 : 9) . "|2|70.00", "$system: by person") or diag $report;
	my $call = $node->safe_psql('postgres', "SELECT detail FROM scoring.connect_shop('$system', '$from', '$into', time_zone => 'Europe/Paris', currency => 'EUR', model => '$system') WHERE item = 'next'");
	$node->safe_psql('postgres', $call);
	is($node->safe_psql('postgres', "SELECT sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM $system.customer_scores"), '3|2|140.05', "$system: a model has the same");
	is($node->safe_psql('postgres', "SELECT last_order_on FROM $system.customer_scores WHERE customer_key = '$ann'"), '2025-03-02', "$system: half past midnight is of that day in Paris");
}
is($node->safe_psql('postgres', q{SELECT city FROM woo_in.people_in WHERE customer_key = '1'}), 'Orléans', 'letters come through');
$node->stop;
done_testing();
