# The views of connect_shop over the tables of four shop systems: tables of the shape
# that the shops have, every status, and one list of people and orders told by each
# shop. The histories are worked out by hand, and must be the same for every shop,
# time zone and DateStyle of a session.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The views of connect_shop, with the names that the tests below have for them.
my %recipe = (
	WooCommerce => q{
		CREATE SCHEMA woo; CREATE SCHEMA woo_hpos;
		SELECT * FROM scoring.connect_shop('woocommerce', 'public', 'woo', time_zone => 'Europe/Paris');
		SELECT * FROM scoring.connect_shop('woocommerce_hpos', 'public', 'woo_hpos', time_zone => 'Europe/Paris');
		CREATE VIEW woo_orders AS SELECT customer_key AS customer, ordered_at AS day, value, counts FROM woo.orders_in;
		CREATE VIEW woo_hpos_orders AS SELECT customer_key AS customer, ordered_at AS day, value, counts FROM woo_hpos.orders_in WHERE currency = 'EUR';
		CREATE VIEW woo_customers AS SELECT customer_key::int AS customer, country, city FROM woo.people_in;},
	Magento => q{
		CREATE SCHEMA magento;
		SELECT * FROM scoring.connect_shop('magento2', 'public', 'magento');
		CREATE VIEW magento_orders AS SELECT customer_key AS customer, ordered_at AS day, value, counts FROM magento.orders_in;},
	PrestaShop => q{
		CREATE SCHEMA presta;
		SELECT * FROM scoring.connect_shop('prestashop', 'public', 'presta', time_zone => 'Europe/Paris');
		CREATE VIEW prestashop_orders AS SELECT customer_key AS customer, ordered_at AS day, value, counts FROM presta.orders_in;});
my %shopify = map {
	my $system = $_ ? 'shopify_graphql' : 'shopify';
	$_ => qq{
		CREATE SCHEMA shopify${_}_in;
		SELECT * FROM scoring.connect_shop('$system', 'shopify$_', 'shopify${_}_in');
		CREATE VIEW shopify${_}_orders AS SELECT customer_key AS customer, ordered_at AS day, value, counts FROM shopify${_}_in.orders_in;} } ('', '_gql');

my $node = new_node('sources');
$node->append_conf('postgresql.conf', "TimeZone = 'Pacific/Kiritimati'\nDateStyle = 'SQL, DMY'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;');

# Sessions that print and read days their own way; the first as the server is set,
# in which the views and models are made.
my @sessions = ('', '-c TimeZone=UTC -c DateStyle=ISO,MDY', '-c TimeZone=America/Los_Angeles -c DateStyle=German -c IntervalStyle=sql_standard');

# What the rows of a view become, a customer a line.
sub histories_are
{
	my ($what, $view, $expected) = @_;
	for my $options (@sessions)
	{
		local $ENV{PGOPTIONS} = $options;
		my $zone = $node->safe_psql('postgres', qq{SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = '$view'::regclass AND attname = 'day'}) =~ /with time zone/
		  ? q{, time_zone => 'Europe/Paris'} : '';
		my $got = $node->safe_psql('postgres', qq{SELECT customer_id || ' ' || history FROM
			scoring.histories('SELECT customer::text, day, value, counts FROM $view', NULL::text$zone) ORDER BY customer_id COLLATE "C"});
		is($got, $expected =~ s/^\s+//gmr =~ s/\n\z//r, $options ? "$what: $options" : $what);
	}
}

# What a model says at the end of the year: orders and net revenue of each customer.
# A model that is there already reads the view again.
sub scores_are
{
	my ($view, $expected) = @_;
	my $got = $node->safe_psql('postgres', qq{
		SET client_min_messages = warning;
		DO \$\$ BEGIN
			IF to_regnamespace('"$view of"') IS NULL THEN
				PERFORM * FROM scoring.create_model('$view of', '$view', as_of => '2025-12-31', time_zone => 'Europe/Paris');
			ELSE
				PERFORM * FROM scoring.refresh_model('$view of');
			END IF;
		END \$\$;
		SELECT customer_key, frequency, monetary, CASE WHEN frequency = 0 THEN segment END FROM "$view of".customer_scores ORDER BY customer_key COLLATE "C"});
	is($got, $expected =~ s/^\s+//gmr =~ s/\n\z//r, "$view: orders and net revenue by customer");
}

# The people, by the keys that the shops know:
#   ann     an account, with an address in mixed case. 2 March (00:30 in Paris, still
#           1 March in UTC): 100.10, of which 30.05 come back on 10 March. 1 April:
#           50, of which 20 come back on 3 April and 30 on 5 April. 1 May: nothing to
#           pay. And orders that were never paid.
#   ben     40 as a guest on 1 February; registers; 60 on 1 June; a second account
#           with the same address in capitals: 10 on 2 June.
#   cleo    a guest all along: 15 on 1 May, 25.50 on 2 May.
#   dan, eve   two accounts without an address: 5 and 6 on 3 May. Not one person.
#   fay     two accounts, 11 on 4 May with the older one; the younger has changed its
#           address: 12 on 5 May; an order as a guest with the new address: 13 on 6 May.
#   gus     35 on 7 May, all of it back on 8 May, although the order says it is paid.
#   nobody  an order with neither account nor address: left out.
my $ann = '{2025-03-02:1:100.10,2025-03-10:0:-30.05,2025-04-01:0:50.00,2025-04-03:0:-20.00,2025-04-05:0:-30.00,2025-05-01:1:0.00}';
my $ben = '{2025-02-01:1:40,2025-06-01:1:60,2025-06-02:1:10}';
my $cleo = '{2025-05-01:1:15.00,2025-05-02:1:25.50}';
my $fay = '{2025-05-04:1:11,2025-05-05:1:12,2025-05-06:1:13}';
my $gus = '{2025-05-07:0:35,2025-05-08:0:-35}';

#
# WooCommerce: wp_wc_order_stats is in the time of the shop, amounts are doubles. A
# refund has the status its order had. Guests have numbers too.
#
$node->safe_psql('postgres', q{
	CREATE TABLE wp_wc_customer_lookup (customer_id numeric(20), user_id numeric(20), username varchar(60) NOT NULL DEFAULT '',
		first_name varchar(255) NOT NULL DEFAULT '', last_name varchar(255) NOT NULL DEFAULT '', email varchar(100),
		date_last_active timestamp, date_registered timestamp, country char(2) NOT NULL DEFAULT '', postcode varchar(20) NOT NULL DEFAULT '',
		city varchar(100) NOT NULL DEFAULT '', state varchar(100) NOT NULL DEFAULT '', PRIMARY KEY (customer_id));
	INSERT INTO wp_wc_customer_lookup (customer_id, user_id, email, country) VALUES
		(7, 70, 'Ann@X.org', 'FR'), (5, NULL, 'ben@x.org', ''), (9, 90, 'Ben@x.org', 'DE'), (12, 120, 'BEN@X.ORG ', 'BE'),
		(14, NULL, 'cleo@x.org', 'FR'), (20, 200, NULL, ''), (21, 210, '', ''), (25, 250, 'fay@x.org', ''), (30, 300, 'FAY@x.org', ''),
		(31, NULL, 'fay@x.org', ''), (35, 350, 'gus@x.org', '');
	CREATE TABLE wp_wc_order_stats (order_id numeric(20) PRIMARY KEY, parent_id numeric(20) NOT NULL DEFAULT 0, date_created timestamp,
		date_created_gmt timestamp, date_paid timestamp, date_completed timestamp, num_items_sold int NOT NULL DEFAULT 0,
		total_sales float8 NOT NULL DEFAULT 0, tax_total float8 NOT NULL DEFAULT 0, shipping_total float8 NOT NULL DEFAULT 0,
		net_total float8 NOT NULL DEFAULT 0, returning_customer boolean, status varchar(20) NOT NULL, customer_id numeric(20) NOT NULL);
	INSERT INTO wp_wc_order_stats (order_id, parent_id, date_created, total_sales, status, customer_id) VALUES
		(1, 0, '2025-03-02 00:30', 100.1, 'wc-completed', 7), (2, 1, '2025-03-10 09:00', -30.050000000000004, 'wc-completed', 7),
		(3, 0, '2025-04-01 12:00', 50, 'wc-refunded', 7), (4, 3, '2025-04-03 12:00', -20, 'wc-completed', 7), (5, 3, '2025-04-05 23:59:59', -30, 'wc-processing', 7),
		(6, 0, '2025-05-01 12:00', 0, 'wc-completed', 7),
		(10, 0, '2025-04-20', 99, 'wc-cancelled', 7), (11, 0, '2025-04-20', 98, 'wc-pending', 7), (12, 0, '2025-04-20', 97, 'wc-on-hold', 7),
		(13, 0, '2025-04-20', 96, 'wc-failed', 7), (14, 0, '2025-04-20', 95, 'wc-checkout-draft', 7), (15, 0, '2025-04-20', 94, 'auto-draft', 7),
		(16, 0, '2025-04-20', 93, 'trash', 7), (17, 0, '2025-04-20', 92, 'wc-trash', 7),
		(8, 0, '2025-04-25', 70, 'wc-refunded', 7),               -- its refund is missing
		(18, 10, '2025-04-21', -99, 'wc-cancelled', 7),           -- the refund of an order that is cancelled
		(19, 1, '2025-03-02 00:30', 60, 'wc-completed', 7),       -- a part of order 1 for one of several vendors
		(20, 0, '2025-02-01 10:00', 40, 'wc-completed', 5), (21, 0, '2025-06-01 10:00', 60, 'wc-processing', 9), (22, 0, '2025-06-02 10:00', 10, 'wc-completed', 12),
		(23, 0, '2025-05-01 10:00', 15, 'wc-completed', 14), (24, 0, '2025-05-02 10:00', 25.5, 'wc-completed', 14),
		(25, 0, '2025-05-03 10:00', 5, 'wc-completed', 20), (26, 0, '2025-05-03 10:00', 6, 'wc-completed', 21),
		(27, 0, '2025-05-04 10:00', 11, 'wc-completed', 25), (28, 0, '2025-05-05 10:00', 12, 'wc-completed', 30), (29, 0, '2025-05-06 10:00', 13, 'wc-completed', 31),
		(30, 0, '2025-05-07 10:00', 35, 'wc-completed', 35), (31, 30, '2025-05-08 10:00', -35, 'wc-completed', 35),
		(32, 0, '2025-05-09 10:00', 77, 'wc-completed', 0);

	-- The orders themselves: in UTC, accounts are WordPress users, guests have the address only.
	CREATE TABLE wp_wc_orders (id numeric(20) PRIMARY KEY, status varchar(20), currency varchar(10), type varchar(20), tax_amount numeric(26,8),
		total_amount numeric(26,8), customer_id numeric(20), billing_email varchar(320), date_created_gmt timestamp, date_updated_gmt timestamp,
		parent_order_id numeric(20), payment_method varchar(100));
	INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, parent_order_id)
	SELECT s.order_id, s.status, 'EUR', 'shop_order', round(s.total_sales::numeric, 8), coalesce(l.user_id, 0),
		CASE s.order_id WHEN 28 THEN 'fay@new.org' WHEN 29 THEN 'Fay@new.org' ELSE l.email END,
		s.date_created AT TIME ZONE 'Europe/Paris' AT TIME ZONE 'UTC', 0
	FROM wp_wc_order_stats AS s LEFT JOIN wp_wc_customer_lookup AS l USING (customer_id) WHERE s.parent_id = 0;
	INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, date_created_gmt, parent_order_id)
	SELECT s.order_id, 'wc-completed', 'EUR', 'shop_order_refund', round(s.total_sales::numeric, 8), s.date_created AT TIME ZONE 'Europe/Paris' AT TIME ZONE 'UTC', s.parent_id
	FROM wp_wc_order_stats AS s WHERE s.parent_id <> 0 AND s.total_sales < 0;
	INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, parent_order_id) VALUES
		(90, 'wc-completed', 'USD', 'shop_order', 500, 70, 'ann@x.org', '2025-05-10', 0),       -- a second currency, and its refund
		(91, 'wc-completed', 'USD', 'shop_order_refund', -50, NULL, NULL, '2025-05-11', 90),
		(92, 'wc-active', 'EUR', 'shop_subscription', 500, 70, 'ann@x.org', '2025-05-10', 0);
	UPDATE wp_wc_orders SET customer_id = 260 WHERE id = 27;      -- fay: the address belongs to accounts 260 and 300
	INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt) VALUES
		(93, 'wc-cancelled', 'EUR', 'shop_order', 1, 300, 'fay@x.org', '2025-05-03');
} . $recipe{WooCommerce});
histories_are('WooCommerce', 'woo_orders', qq{
	14 $cleo
	20 {2025-05-03:1:5}
	21 {2025-05-03:1:6}
	25 $fay
	35 $gus
	5 $ben
	7 $ann
});
scores_are('woo_orders', q{
	14|2|40.50|
	20|1|5.00|
	21|1|6.00|
	25|3|36.00|
	35|0|0.00|refunded
	5|3|110.00|
	7|2|70.05|
});
is($node->safe_psql('postgres', 'SELECT customer, trim(country) FROM woo_customers ORDER BY customer'),
	"5|BE\n7|FR\n14|FR\n20|\n21|\n25|\n35|", 'WooCommerce: a person has one row of attributes, of the youngest account');
histories_are('WooCommerce without its analytics', 'woo_hpos_orders', qq{
	200 {2025-05-03:1:5}
	210 {2025-05-03:1:6}
	260 $fay
	350 $gus
	70 $ann
	90 $ben
	cleo\@x.org $cleo
});

#
# Magento: created_at in UTC, credit memos in three states.
#
$node->safe_psql('postgres', q{
	CREATE TABLE sales_order (entity_id int PRIMARY KEY, state varchar(32), status varchar(32), store_id smallint, customer_id int, base_grand_total numeric(20,4),
		base_total_paid numeric(20,4), base_total_invoiced numeric(20,4), base_total_refunded numeric(20,4), base_to_global_rate numeric(20,4),
		base_currency_code varchar(3), customer_email varchar(128), increment_id varchar(50), created_at timestamp NOT NULL DEFAULT now(),
		updated_at timestamp NOT NULL DEFAULT now(), customer_is_guest smallint);
	CREATE TABLE sales_creditmemo (entity_id int PRIMARY KEY, store_id smallint, base_grand_total numeric(20,4), grand_total numeric(20,4), order_id int NOT NULL,
		creditmemo_status int, state int, invoice_id int, increment_id varchar(50), created_at timestamp NOT NULL DEFAULT now());
	INSERT INTO sales_order (entity_id, state, status, customer_id, customer_email, created_at, base_total_paid, base_total_invoiced) VALUES
		(1, 'complete', 'shipped', 7, 'Ann@X.org', '2025-03-01 23:30', 100.10, 100.10), (2, 'closed', 'closed', 7, 'ann@x.org', '2025-04-01 12:00', 50, 50),
		(3, 'closed', 'closed', 7, 'ann@x.org', '2025-05-01 12:00', 0, 0),
		(10, 'canceled', 'canceled', 7, 'ann@x.org', '2025-04-20', NULL, NULL), (11, 'new', 'pending', 7, 'ann@x.org', '2025-04-20', NULL, NULL),
		(12, 'pending_payment', 'x', 7, 'ann@x.org', '2025-04-20', NULL, NULL), (13, 'holded', 'x', 7, 'ann@x.org', '2025-04-20', NULL, NULL),
		(14, 'payment_review', 'x', 7, 'ann@x.org', '2025-04-20', NULL, NULL), (15, 'processing', 'x', 7, 'ann@x.org', '2025-04-20', NULL, NULL),
		(20, 'complete', 'x', NULL, 'ben@x.org', '2025-02-01 10:00', 40, 40), (21, 'processing', 'x', 9, 'Ben@x.org', '2025-06-01 10:00', NULL, 60),
		(22, 'complete', 'x', 12, 'BEN@X.ORG ', '2025-06-02 10:00', 10, 10),
		(23, 'complete', 'x', NULL, 'cleo@x.org', '2025-05-01 10:00', 15, 15), (24, 'complete', 'x', NULL, 'Cleo@x.org', '2025-05-02 10:00', 25.50, 25.50),
		(25, 'complete', 'x', 20, NULL, '2025-05-03 10:00', 5, 5), (26, 'complete', 'x', 21, '', '2025-05-03 10:00', 6, 6),
		(27, 'complete', 'x', 25, 'fay@x.org', '2025-05-04 10:00', 11, 11), (28, 'complete', 'x', 30, 'fay@new.org', '2025-05-05 10:00', 12, 12),
		(29, 'complete', 'x', NULL, 'Fay@new.org', '2025-05-06 10:00', 13, 13), (33, 'canceled', 'x', 30, 'fay@x.org', '2025-05-03', NULL, NULL),
		(30, 'complete', 'x', 35, 'gus@x.org', '2025-05-07 10:00', 35, 35), (32, 'complete', 'x', NULL, NULL, '2025-05-09', 77, 77),
		(34, 'complete', 'x', 40, 'hal@x.org', '2025-03-01', 100, 100);
	INSERT INTO sales_creditmemo (entity_id, order_id, state, base_grand_total, created_at) VALUES
		(1, 1, 2, 30.05, '2025-03-10 09:00'), (2, 2, 2, 20, '2025-04-03 12:00'), (3, 2, 2, 30, '2025-04-05 12:00'), (4, 30, 2, 35, '2025-05-08 10:00'),
		(5, 10, 2, 99, '2025-04-21'),
		(6, 34, 2, 30, '2025-03-10'), (7, 34, 3, 40, '2025-03-11'), (8, 34, 1, 10, '2025-03-12');      -- back, cancelled, open
} . $recipe{Magento});
my $by_account = qq{
	20 {2025-05-03:1:5}
	21 {2025-05-03:1:6}
	25 $fay
	35 $gus
};
histories_are('Magento', 'magento_orders', qq{$by_account
	40 {2025-03-01:1:100,2025-03-10:0:-30}
	7 $ann
	9 $ben
	cleo\@x.org $cleo
} =~ s/\n\s*\n/\n/gr);
scores_are('magento_orders', q{
	20|1|5.00|
	21|1|6.00|
	25|3|36.00|
	35|0|0.00|refunded
	40|1|70.00|
	7|2|70.05|
	9|3|110.00|
	cleo@x.org|2|40.50|
});
is($node->safe_psql('postgres', q{SELECT reason, affected FROM "magento_orders of".data_quality WHERE reason IN ('no_customer', 'no_day', 'no_value') ORDER BY reason}),
	"no_customer|1\nno_day|0\nno_value|1", 'Magento: what is left out is counted: nobody, and nothing invoiced');

#
# Shopify: first without any table for refunds, then with one after the other.
#
for my $shape ('', '_gql')
{
	my ($schema, $what) = ("shopify$shape", $shape ? 'Shopify by GraphQL' : 'Shopify');
	my ($price, $status, $state) = $shape ? ('total_price_set_shop_amount', 'display_financial_status', sub { uc }) : ('total_price', 'financial_status', sub { $_ });
	my $paid = join ",\n", map { my @v = @$_; local $_ = $v[4]; $v[4] = q{'} . $state->() . q{'}; '(' . join(', ', @v) . ')' } (
		[1, 7, q{'Ann@X.org'}, q{'2025-03-01 23:30+00'}, 'partially_refunded', 100.1], [2, 7, q{'ann@x.org'}, q{'2025-04-01 12:00+00'}, 'refunded', 50],
		[3, 7, q{'ann@x.org'}, q{'2025-05-01 12:00+00'}, 'paid', 0], [11, 7, q{'ann@x.org'}, q{'2025-04-20 00:00+00'}, 'pending', 98],
		[12, 7, q{'ann@x.org'}, q{'2025-04-20 00:00+00'}, 'authorized', 97], [13, 7, q{'ann@x.org'}, q{'2025-04-20 00:00+00'}, 'voided', 96],
		[14, 7, q{'ann@x.org'}, q{'2025-04-20 00:00+00'}, 'expired', 95],
		[20, 'NULL', q{'ben@x.org'}, q{'2025-02-01 10:00+00'}, 'paid', 40], [21, 9, q{'Ben@x.org'}, q{'2025-06-01 10:00+00'}, 'paid', 60],
		[22, 12, q{'BEN@X.ORG '}, q{'2025-06-02 10:00+00'}, 'paid', 10], [23, 'NULL', q{'cleo@x.org'}, q{'2025-05-01 10:00+00'}, 'paid', 15],
		[24, 'NULL', q{'Cleo@x.org'}, q{'2025-05-02 10:00+00'}, 'paid', 25.5], [25, 20, 'NULL', q{'2025-05-03 10:00+00'}, 'paid', 5],
		[26, 21, q{''}, q{'2025-05-03 10:00+00'}, 'paid', 6], [27, 25, q{'fay@x.org'}, q{'2025-05-04 10:00+00'}, 'paid', 11],
		[28, 30, q{'fay@new.org'}, q{'2025-05-05 10:00+00'}, 'paid', 12], [29, 'NULL', q{'Fay@new.org'}, q{'2025-05-06 10:00+00'}, 'paid', 13],
		[33, 30, q{'fay@x.org'}, q{'2025-05-03 10:00+00'}, 'voided', 1], [30, 35, q{'gus@x.org'}, q{'2025-05-07 10:00+00'}, 'paid', 35],
		[32, 'NULL', 'NULL', q{'2025-05-09 10:00+00'}, 'paid', 77], [41, 50, q{'ida@x.org'}, q{'2025-05-10 10:00+00'}, 'paid', 1],
		[42, 50, q{'ida@x.org'}, q{'2025-05-10 10:00+00'}, 'paid', 2], [43, 50, q{'ida@x.org'}, q{'2025-05-10 10:00+00'}, 'paid', 3],
		[44, 50, q{'ida@x.org'}, q{'2025-05-10 10:00+00'}, 'refunded', 64.9]);
	$node->safe_psql('postgres', qq{
		CREATE SCHEMA $schema;
		CREATE TABLE $schema."order" (id bigint PRIMARY KEY, customer_id bigint, email text, created_at timestamptz, processed_at timestamptz, updated_at timestamptz,
			cancelled_at timestamptz, cancel_reason text, $status text, $price float8, test boolean, confirmed boolean, note text, number bigint,
			_fivetran_deleted boolean, _fivetran_synced timestamptz);
		INSERT INTO $schema."order" (id, customer_id, email, processed_at, $status, $price) VALUES $paid;
		UPDATE $schema."order" SET created_at = '2025-06-30', test = false;
		UPDATE $schema."order" SET cancelled_at = '2025-05-11' WHERE id IN (41, 44);     -- before anything was refunded; after
		UPDATE $schema."order" SET test = true WHERE id = 42;
		UPDATE $schema."order" SET _fivetran_deleted = true WHERE id = 43;
	} . $shopify{$shape});

	# Before the first refund: what has come in, and was not paid back.
	my $before = $ann =~ s/2025-\d\d-\d\d:0:-?[0-9.]+,//gr;
	histories_are("$what before the first refund", "${schema}_orders", qq{
		20 {2025-05-03:1:5}
		21 {2025-05-03:1:6}
		25 $fay
		35 {2025-05-07:1:35}
		50 {}
		7 $before
		9 $ben
		cleo\@x.org $cleo
	});
	scores_are("${schema}_orders", q{
		20|1|5.00|
		21|1|6.00|
		25|3|36.00|
		35|1|35.00|
		7|2|100.10|
		9|3|110.00|
		cleo@x.org|2|40.50|
	});
	$node->safe_psql('postgres', $shape ? qq{
		CREATE TABLE $schema.refund (id bigint PRIMARY KEY, order_id bigint, created_at timestamptz, note text, return_id bigint, staff_member_id bigint,
			total_refunded_set_shop_amount float8, total_refunded_set_shop_currency_code text, updated_at timestamptz, _fivetran_synced timestamptz);
		INSERT INTO $schema.refund (id, order_id, created_at, total_refunded_set_shop_amount) VALUES (1, 1, '2025-03-10 09:00+00', 30.05), (2, 2, '2025-04-03 12:00+00', 20),
			(3, 2, '2025-04-05 12:00+00', 30), (4, 30, '2025-05-08 10:00+00', 35), (5, 44, '2025-05-11 10:00+00', 64.9),
			(6, 1, '2025-03-11 09:00+00', 0);     -- taken back into stock, nothing paid back
	} : qq{
		CREATE TABLE $schema.refund (id bigint PRIMARY KEY, order_id bigint, created_at timestamptz, processed_at timestamptz, note text, restock boolean, user_id bigint, _fivetran_synced timestamptz);
		INSERT INTO $schema.refund (id, order_id, created_at) VALUES (1, 1, '2025-03-10 09:00+00'), (2, 2, '2025-04-03 12:00+00'),
			(3, 2, '2025-04-05 12:00+00'), (4, 30, '2025-05-08 10:00+00'), (5, 44, '2025-05-11 10:00+00'), (6, 1, '2025-03-11 09:00+00');
	});
	if (!$shape)
	{
		histories_are('Shopify with refunds but not yet their lines', "${schema}_orders", qq{
			20 {2025-05-03:1:5}
			21 {2025-05-03:1:6}
			25 $fay
			35 {2025-05-07:1:35}
				50 {}
			7 $before
			9 $ben
			cleo\@x.org $cleo
		});
		# Lines without tax in one currency, with it in another; refund 5 is shipping only besides.
		$node->safe_psql('postgres', qq{
			CREATE TABLE $schema.order_line_refund (id bigint PRIMARY KEY, refund_id bigint, order_line_id bigint, subtotal numeric, total_tax numeric, quantity float8, restock_type text);
			INSERT INTO $schema.order_line_refund (id, refund_id, subtotal, total_tax) VALUES (1, 1, 12.54, 2.5), (2, 1, 12.51, 2.5), (3, 2, 20, NULL), (4, 3, 25, 5), (5, 4, 35, 0), (6, 5, 50, 10);
		});
		histories_are('Shopify with lines but not yet adjustments', "${schema}_orders", qq{$by_account
			50 {2025-05-10:0:60,2025-05-11:0:-60}
			7 $ann
			9 $ben
			cleo\@x.org $cleo
		} =~ s/\n\s*\n/\n/gr);
		# Shipping that was paid back; a discrepancy in favour of the shop and back again.
		$node->safe_psql('postgres', qq{
			CREATE TABLE $schema.order_adjustment (id bigint PRIMARY KEY, order_id bigint, refund_id bigint, amount float8, tax_amount float8, kind text, reason text);
			INSERT INTO $schema.order_adjustment (id, refund_id, amount, tax_amount, kind) VALUES (1, 5, -4.1, -0.8, 'shipping_refund'), (2, 6, 3, NULL, 'refund_discrepancy'), (3, 6, -3, 0, 'refund_discrepancy');
		});
	}
	histories_are("$what with everything", "${schema}_orders", qq{$by_account
		50 {2025-05-10:0:64.90,2025-05-11:0:-64.90}
		7 $ann
		9 $ben
		cleo\@x.org $cleo
	} =~ s/\n\s*\n/\n/gr);
	scores_are("${schema}_orders", q{
		20|1|5.00|
		21|1|6.00|
		25|3|36.00|
		35|0|0.00|refunded
		50|0|0.00|refunded
		7|2|70.05|
		9|3|110.00|
		cleo@x.org|2|40.50|
	});
}

#
# PrestaShop: days of the shop, slips with and without totals, states of the shop's
# own, a second currency at 1.1, an order imported with a rate of 0. The key is
# the account with the smallest number.
#
$node->safe_psql('postgres', q{
	CREATE TABLE ps_order_state (id_order_state bigint PRIMARY KEY, invoice smallint DEFAULT 0, module_name varchar(255), color varchar(32), logable smallint NOT NULL DEFAULT 0,
		delivery smallint NOT NULL DEFAULT 0, shipped smallint NOT NULL DEFAULT 0, paid smallint NOT NULL DEFAULT 0, deleted smallint NOT NULL DEFAULT 0);
	INSERT INTO ps_order_state (id_order_state, paid, logable) VALUES (1, 0, 0), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 1, 1), (6, 0, 0), (7, 0, 0), (8, 0, 0), (9, 1, 0), (10, 0, 0), (13, 0, 1);
	CREATE TABLE ps_customer (id_customer bigint PRIMARY KEY, id_shop bigint NOT NULL DEFAULT 1, email varchar(255) NOT NULL, is_guest smallint NOT NULL DEFAULT 0, deleted smallint NOT NULL DEFAULT 0);
	INSERT INTO ps_customer (id_customer, email, is_guest) VALUES (7, 'Ann@X.org', 0), (5, 'ben@x.org', 1), (9, 'Ben@x.org', 0), (12, 'BEN@X.ORG', 0),
		(14, 'cleo@x.org', 1), (15, 'Cleo@x.org', 1), (35, 'gus@x.org', 0), (40, 'hal@x.org', 0), (41, 'jo@x.org', 0);
	CREATE TABLE ps_orders (id_order bigint PRIMARY KEY, reference varchar(255), id_shop bigint NOT NULL DEFAULT 1, id_customer bigint NOT NULL, id_currency bigint NOT NULL DEFAULT 1,
		current_state bigint NOT NULL, conversion_rate numeric(13,6) NOT NULL DEFAULT 1, total_paid numeric(20,6) NOT NULL DEFAULT 0, total_paid_tax_incl numeric(20,6) NOT NULL DEFAULT 0,
		total_paid_real numeric(20,6) NOT NULL DEFAULT 0, valid int NOT NULL DEFAULT 0, date_add timestamp, date_upd timestamp);
	INSERT INTO ps_orders (id_order, id_customer, current_state, total_paid_tax_incl, conversion_rate, date_add) VALUES
		(1, 7, 5, 110.11, 1.1, '2025-03-02 00:30'), (2, 7, 7, 50, 1, '2025-04-01 12:00'), (3, 7, 2, 0, 1, '2025-05-01 12:00'),
		(10, 7, 6, 99, 1, '2025-04-20'), (11, 7, 1, 98, 1, '2025-04-20'), (12, 7, 8, 97, 1, '2025-04-20'), (13, 7, 10, 96, 1, '2025-04-20'), (14, 7, 13, 95, 1, '2025-04-20'),
		(20, 5, 5, 40, 1, '2025-02-01 10:00'), (21, 9, 9, 60, 1, '2025-06-01 10:00'), (22, 12, 2, 10, 0, '2025-06-02 10:00'),
		(23, 14, 5, 15, 1, '2025-05-01 10:00'), (24, 15, 5, 25.5, 1, '2025-05-02 10:00'),
		(30, 35, 5, 35, 1, '2025-05-07 10:00'),
		(34, 40, 5, 110, 1, '2025-03-01 10:00'),
		(35, 41, 6, 80, 1, '2025-05-10 10:00'), (36, 41, 7, 20, 1, '2025-05-11 10:00'), (37, 99, 5, 7, 1, '2025-05-13');
	CREATE TABLE ps_order_history (id_order_history bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id_employee bigint NOT NULL DEFAULT 0, id_order bigint NOT NULL, id_order_state bigint NOT NULL, date_add timestamp NOT NULL);
	INSERT INTO ps_order_history (id_order, id_order_state, date_add) VALUES (1, 2, '2025-03-02 00:30'), (1, 5, '2025-03-04'),
		(2, 1, '2025-04-01 12:00'), (2, 2, '2025-04-01 13:00'), (2, 4, '2025-04-02'), (2, 7, '2025-04-06'),
		(10, 1, '2025-04-20'), (10, 6, '2025-04-22'), (11, 1, '2025-04-20'), (12, 8, '2025-04-20'), (13, 10, '2025-04-20'), (14, 13, '2025-04-20'),
		(35, 2, '2025-05-10 10:00'), (35, 6, '2025-05-12 09:00'), (36, 2, '2025-05-11 10:00'), (36, 7, '2025-05-14 09:00');
	CREATE TABLE ps_order_slip (id_order_slip bigint PRIMARY KEY, conversion_rate numeric(13,6) NOT NULL DEFAULT 1, id_customer bigint NOT NULL DEFAULT 0, id_order bigint NOT NULL,
		total_products_tax_excl numeric(20,6), total_products_tax_incl numeric(20,6), total_shipping_tax_excl numeric(20,6), total_shipping_tax_incl numeric(20,6),
		shipping_cost smallint NOT NULL DEFAULT 0, amount numeric(10,2) NOT NULL, shipping_cost_amount numeric(10,2) NOT NULL, partial smallint NOT NULL DEFAULT 0, date_add timestamp NOT NULL);
	INSERT INTO ps_order_slip (id_order_slip, id_order, total_products_tax_incl, total_shipping_tax_incl, amount, shipping_cost_amount, conversion_rate, date_add) VALUES
		(1, 1, 30, 3.055, 30, 0, 1.1, '2025-03-10 09:00'),           -- 33.055 at 1.1
		(2, 2, NULL, NULL, 15, 5, 1, '2025-04-03 12:00'), (3, 2, 30, 0, 30, 0, 1, '2025-04-05 12:00'),
		(4, 30, 30, 5, 30, 5, 1, '2025-05-08 10:00'),
		(5, 34, NULL, NULL, 30, 0, 1, '2025-03-10'), (6, 34, 8, NULL, 8, 2, 1, '2025-03-11'),
		(7, 10, 99, 0, 99, 0, 1, '2025-04-23'),                      -- of an order that nobody has paid
		(8, 36, 18, 0, 18, 0, 1, '2025-05-13');                      -- the shop keeps 2 for shipping
} . $recipe{PrestaShop});
histories_are('PrestaShop', 'prestashop_orders', qq{
	14 $cleo
	35 $gus
	40 {2025-03-01:1:110,2025-03-10:0:-30,2025-03-11:0:-10}
	41 {2025-05-10:0:80,2025-05-11:0:20,2025-05-12:0:-80,2025-05-13:0:-18}
	5 $ben
	7 $ann
	99 {2025-05-13:1:7}
});
scores_are('prestashop_orders', q{
	14|2|40.50|
	35|0|0.00|refunded
	40|1|70.00|
	41|0|2.00|refunded
	5|3|110.00|
	7|2|70.05|
	99|1|7.00|
});

# A session with habits of its own reads the same orders.
for my $view (qw(woo_orders magento_orders shopify_orders shopify_gql_orders prestashop_orders))
{
	for my $options (@sessions)
	{
		local $ENV{PGOPTIONS} = $options;
		is($node->safe_psql('postgres', qq{SELECT status, customers_added, customers_changed, customers_removed FROM scoring.refresh_model('$view of')}),
			'refreshed|0|0|0', "$view: refreshed, nothing to write $options");
	}
}

# A past day is what it was: ann on the day after the first refund of order 2.
is($node->safe_psql('postgres', qq{SELECT frequency, monetary FROM "$_ of".customer_scores_at('2025-04-04') WHERE customer_key IN ('7', 'ann\@x.org')}),
	'1|100.05', "$_: 4 April") for qw(woo_orders magento_orders shopify_orders shopify_gql_orders prestashop_orders);

#
# A crowd: 2,000 orders of 150 people, as accounts and as guests, told by every
# shop, against the same orders told plainly.
#
$node->safe_psql('postgres', q{
	TRUNCATE wp_wc_customer_lookup, wp_wc_order_stats, wp_wc_orders, sales_order, sales_creditmemo, shopify."order", shopify.refund, shopify.order_line_refund,
		shopify.order_adjustment, shopify_gql."order", shopify_gql.refund, ps_order_state, ps_customer, ps_orders, ps_order_history, ps_order_slip;
	CREATE FUNCTION draw(what text, i bigint) RETURNS float8 LANGUAGE sql AS $$ SELECT (hashtextextended(what, i) & 1048575) / 1048576.0::float8 $$;
	CREATE FUNCTION utc(paris timestamp) RETURNS timestamp LANGUAGE sql AS $$ SELECT paris AT TIME ZONE 'Europe/Paris' AT TIME ZONE 'UTC' $$;
	-- what: 0 paid, 1 never paid, 2 came back wholly
	CREATE TABLE truth AS SELECT i, 1 + floor(150 * draw('person', i))::int AS p, draw('guest', i) < 0.4 AS guest,
		CASE WHEN draw('what', i) < 0.15 THEN 1 WHEN draw('what', i) < 0.3 THEN 2 ELSE 0 END AS what,
		(1 + floor(10000 * draw('value', i)))::numeric / 100 AS value, timestamp '2024-01-01' + draw('at', i) * interval '600 days' AS at
	FROM generate_series(1, 2000) AS i;
	CREATE TABLE back AS SELECT row_number() OVER (ORDER BY i, n) AS k, i, at + (1 + 20 * n * draw('back', i)) * interval '1 day' AS at,
		CASE WHEN what < 2 THEN round(value / 3, 2) WHEN n = 1 THEN round(value / 4, 2) ELSE value - round(value / 4, 2) END AS amount
	FROM truth, generate_series(1, 2) AS n WHERE what = 2 OR n = 1 AND i % 5 = 0;
	DELETE FROM back WHERE amount = 0;
	CREATE VIEW crowd AS SELECT p AS customer, at AS day, value, what = 0 AS counts FROM truth WHERE what <> 1
		UNION ALL SELECT p, b.at, -amount, false FROM back AS b JOIN truth USING (i) WHERE what <> 1;

	INSERT INTO wp_wc_customer_lookup (customer_id, user_id, email)
		SELECT p, p, 'P' || p || '@x.org' FROM generate_series(1, 150) AS p UNION ALL SELECT 1000 + p, NULL, 'p' || p || '@X.org' FROM generate_series(1, 150) AS p;
	INSERT INTO wp_wc_order_stats (order_id, parent_id, date_created, total_sales, status, customer_id)
		SELECT i, 0, at, value, CASE what WHEN 0 THEN (ARRAY['wc-completed', 'wc-processing'])[1 + i % 2] WHEN 2 THEN 'wc-refunded'
			ELSE (ARRAY['wc-cancelled', 'wc-failed', 'wc-pending', 'wc-on-hold'])[1 + i % 4] END, CASE WHEN guest THEN 1000 + p ELSE p END FROM truth
		UNION ALL SELECT 100000 + k, i, at, -amount, 'wc-completed', 1 FROM back;
	INSERT INTO wp_wc_orders (id, type, status, currency, total_amount, customer_id, billing_email, date_created_gmt, parent_order_id)
		SELECT i, 'shop_order', CASE what WHEN 0 THEN 'wc-completed' WHEN 1 THEN 'wc-cancelled' ELSE 'wc-refunded' END, 'EUR', value,
			CASE WHEN guest THEN 0 ELSE p END, CASE WHEN guest THEN 'P' ELSE 'p' END || p || '@x.org', utc(at), 0 FROM truth
		UNION ALL SELECT 100000 + k, 'shop_order_refund', 'wc-completed', 'EUR', -amount, NULL, NULL, utc(at), i FROM back;
	INSERT INTO sales_order (entity_id, customer_id, customer_email, created_at, state, base_total_paid, base_total_invoiced)
		SELECT i, CASE WHEN NOT guest THEN p END, CASE WHEN guest THEN 'P' ELSE 'p' END || p || '@x.org', utc(at),
			CASE what WHEN 0 THEN 'complete' WHEN 1 THEN 'canceled' ELSE 'closed' END, CASE WHEN i % 2 = 0 THEN value END, value FROM truth;
	INSERT INTO sales_creditmemo (entity_id, order_id, created_at, state, base_grand_total)
		SELECT 10 * k + state, i, utc(at), state, amount FROM back, generate_series(1, 3) AS state;
	INSERT INTO shopify."order" (id, customer_id, email, processed_at, financial_status, total_price)
		SELECT i, CASE WHEN NOT guest THEN p END, CASE WHEN guest THEN 'P' ELSE 'p' END || p || '@x.org', at AT TIME ZONE 'Europe/Paris',
			CASE what WHEN 0 THEN CASE WHEN i % 5 = 0 THEN 'partially_refunded' ELSE 'paid' END WHEN 1 THEN 'voided' ELSE 'refunded' END, value FROM truth;
	INSERT INTO shopify.refund (id, order_id, created_at) SELECT k, i, at AT TIME ZONE 'Europe/Paris' FROM back;
	INSERT INTO shopify.order_line_refund (id, refund_id, subtotal, total_tax) SELECT k, k, round(amount / 1.2, 2), amount - round(amount / 1.2, 2) + 1 FROM back;
	INSERT INTO shopify.order_adjustment (id, refund_id, amount, tax_amount) SELECT k, k, 0.8, 0.2 FROM back;
	INSERT INTO shopify_gql."order" (id, customer_id, email, processed_at, display_financial_status, total_price_set_shop_amount)
		SELECT id, customer_id, email, processed_at, upper(financial_status), total_price FROM shopify."order";
	INSERT INTO shopify_gql.refund (id, order_id, created_at, total_refunded_set_shop_amount) SELECT k, i, at AT TIME ZONE 'Europe/Paris', amount FROM back;
	INSERT INTO ps_order_state (id_order_state, paid) VALUES (1, 0), (2, 1), (7, 0);
	INSERT INTO ps_customer (id_customer, email) SELECT customer_id, trim(email) FROM wp_wc_customer_lookup;
	INSERT INTO ps_orders (id_order, id_customer, current_state, total_paid_tax_incl, date_add)
		SELECT i, CASE WHEN guest THEN 1000 + p ELSE p END, CASE what WHEN 0 THEN 2 WHEN 1 THEN 1 ELSE 7 END, value, at FROM truth;
	INSERT INTO ps_order_history (id_order, id_order_state, date_add)
		SELECT i, CASE WHEN what = 1 THEN 1 ELSE 2 END, at FROM truth UNION ALL SELECT i, 7, at + interval '100 days' FROM truth WHERE what = 2;
	INSERT INTO ps_order_slip (id_order_slip, id_order, total_products_tax_incl, total_shipping_tax_incl, amount, shipping_cost_amount, date_add)
		SELECT k, i, CASE WHEN k % 2 = 0 THEN amount END, CASE WHEN k % 3 = 0 THEN 0 END, amount, 0, at FROM back;
});
for my $view (qw(woo_orders woo_hpos_orders magento_orders shopify_orders shopify_gql_orders prestashop_orders))
{
	my $zone = q{, time_zone => 'Europe/Paris'};
	is($node->safe_psql('postgres', qq{
		SELECT count(*) FILTER (WHERE a.history::text = b.history::text) > 100 AND count(*) FILTER (WHERE a.history::text IS DISTINCT FROM b.history::text) = 0
		FROM scoring.histories('SELECT customer::text, day, value, counts FROM crowd', NULL::text) AS a
		FULL JOIN scoring.histories('SELECT substring(customer::text, ''[0-9]+''), day, value, counts FROM $view', NULL::text$zone) AS b USING (customer_id)}), 't', "$view: a crowd");
	is($node->safe_psql('postgres', qq{SELECT (SELECT sum(value) FROM $view) - (SELECT sum(value) FROM crowd)}) + 0, 0, "$view: the sum");
}

done_testing();
