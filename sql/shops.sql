--
-- The systems that connect_shop knows. sql/check_shops.pl reads this file during
-- make: one INSERT for each table and system, plain literals. Columns of a source
-- are read as text, numeric, timestamptz, boolean or jsonb, whatever the copy has.
--
-- orders: order_key, account, email, ordered_at, value, status, status_group (what
-- status_map is asked where it doesn't know the status), currency, company.
-- refunds: order_key, refunded_at, amount (above zero). lines: order_key, category,
-- product, quantity, value. events: account, address (an e-mail), occurred_at, kind,
-- value, event_key, category. people: account, email, known_since, country, city,
-- company, accepts_mail.
--

-- WooCommerce by its analytics. A refund is a row with a parent and a total below zero; a row
-- with a parent and a total above zero is a part of an order for one of several vendors.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('woocommerce', 'wp_', 'shop', true,
		'WooCommerce Analytics (wc_order_stats); amounts with tax and shipping, in the currency of the order');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('woocommerce', 'stats', 'wc_order_stats', true, 'order_id key, parent_id key, date_created local,'
		' date_created_gmt utc?, total_sales number, status text, customer_id key'),
	('woocommerce', 'customers', 'wc_customer_lookup', true, 'customer_id key, email text, date_registered local?,'
		' country text?, city text?'),
	('woocommerce', 'currencies', 'wc_orders', false, 'id key, currency text'),
	('woocommerce', 'addresses', 'wc_order_addresses', false, 'order_id key, address_type text, company text?'),
	('woocommerce', 'products', 'wc_order_product_lookup', false, 'order_id key, product_id key, product_qty number,'
		' product_gross_revenue number'),
	('woocommerce', 'posts', 'posts', false, 'ID key, post_title text'),
	('woocommerce', 'relationships', 'term_relationships', false, 'object_id key, term_taxonomy_id key'),
	('woocommerce', 'taxonomies', 'term_taxonomy', false, 'term_taxonomy_id key, term_id key, taxonomy text'),
	('woocommerce', 'terms', 'terms', false, 'term_id key, name text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('woocommerce', 'orders',
		'SELECT s.order_id AS order_key, NULLIF(s.customer_id, ''0'') AS account, c.email,'
			' COALESCE(s.date_created_gmt, s.date_created) AS ordered_at, round(s.total_sales, 2) AS value, s.status,'
				' NULL AS status_group, h.currency, a.company FROM {stats} AS s LEFT JOIN {customers} AS c ON'
					' c.customer_id = s.customer_id LEFT JOIN {currencies} AS h ON h.id = s.order_id LEFT JOIN'
						' {addresses} AS a ON a.order_id = s.order_id AND a.address_type = ''billing'' WHERE'
							' COALESCE(s.parent_id, ''0'') = ''0'''),
	('woocommerce', 'refunds',
		'SELECT s.parent_id AS order_key, COALESCE(s.date_created_gmt, s.date_created) AS refunded_at,'
			' -round(s.total_sales, 2) AS amount FROM {stats} AS s WHERE COALESCE(s.parent_id, ''0'') <> ''0'' AND'
				' s.total_sales < 0'),
	('woocommerce', 'lines',
		'SELECT p.order_id AS order_key, k.category, COALESCE(t.post_title, p.product_id) AS product, p.product_qty'
			' AS quantity, p.product_gross_revenue AS value FROM {products} AS p LEFT JOIN {posts} AS t ON t."ID" ='
				' p.product_id LEFT JOIN (SELECT r.object_id, min(n.name) AS category FROM {relationships} AS r JOIN'
					' {taxonomies} AS x ON x.term_taxonomy_id = r.term_taxonomy_id AND x.taxonomy = ''product_cat'''
						' JOIN {terms} AS n ON n.term_id = x.term_id GROUP BY r.object_id) AS k ON k.object_id ='
							' p.product_id WHERE p.product_gross_revenue >= 0'),
	('woocommerce', 'people',
		'SELECT c.customer_id AS account, c.email, c.date_registered AS known_since, c.country, c.city, NULL::text AS'
			' company, NULL::boolean AS accepts_mail FROM {customers} AS c');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('woocommerce', 'wc-processing', 'order', 'paid, to be sent'),
	('woocommerce', 'wc-completed', 'order', 'paid and sent'),
	('woocommerce', 'wc-refunded', 'refund', 'everything was paid back'),
	('woocommerce', 'wc-pending', 'ignore', 'waits for payment'),
	('woocommerce', 'wc-on-hold', 'ignore', 'waits for a transfer or a check'),
	('woocommerce', 'wc-cancelled', 'ignore', 'cancelled by customer or shop'),
	('woocommerce', 'wc-failed', 'ignore', 'payment failed'),
	('woocommerce', 'wc-checkout-draft', 'ignore', 'a checkout that was not finished'),
	('woocommerce', 'auto-draft', 'ignore', 'a draft'),
	('woocommerce', 'draft', 'ignore', 'a draft'),
	('woocommerce', 'trash', 'ignore', 'deleted'),
	('woocommerce', 'wc-trash', 'ignore', 'deleted');

-- WooCommerce by its order tables (HPOS).
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('woocommerce_hpos', 'wp_', 'UTC', true,
		'WooCommerce order tables (wc_orders); amounts with tax and shipping, in the currency of the order');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('woocommerce_hpos', 'orders', 'wc_orders', true, 'id key, type text, status text, currency text, total_amount'
		' number, customer_id key, billing_email text, date_created_gmt utc, parent_order_id key'),
	('woocommerce_hpos', 'addresses', 'wc_order_addresses', false, 'order_id key, address_type text, country text?,'
		' city text?, company text?'),
	('woocommerce_hpos', 'users', 'users', false, 'ID key, user_email text, user_registered utc'),
	('woocommerce_hpos', 'products', 'wc_order_product_lookup', false, 'order_id key, product_id key, product_qty'
		' number, product_gross_revenue number'),
	('woocommerce_hpos', 'posts', 'posts', false, 'ID key, post_title text'),
	('woocommerce_hpos', 'relationships', 'term_relationships', false, 'object_id key, term_taxonomy_id key'),
	('woocommerce_hpos', 'taxonomies', 'term_taxonomy', false, 'term_taxonomy_id key, term_id key, taxonomy text'),
	('woocommerce_hpos', 'terms', 'terms', false, 'term_id key, name text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('woocommerce_hpos', 'orders',
		'SELECT o.id AS order_key, NULLIF(o.customer_id, ''0'') AS account, o.billing_email AS email,'
			' o.date_created_gmt AS ordered_at, o.total_amount AS value, o.status, NULL AS status_group, o.currency,'
				' a.company FROM {orders} AS o LEFT JOIN {addresses} AS a ON a.order_id = o.id AND a.address_type ='
					' ''billing'' WHERE o.type = ''shop_order'''),
	('woocommerce_hpos', 'refunds',
		'SELECT o.parent_order_id AS order_key, o.date_created_gmt AS refunded_at, -o.total_amount AS amount FROM'
			' {orders} AS o WHERE o.type = ''shop_order_refund'''),
	('woocommerce_hpos', 'lines',
		'SELECT p.order_id AS order_key, k.category, COALESCE(t.post_title, p.product_id) AS product, p.product_qty'
			' AS quantity, p.product_gross_revenue AS value FROM {products} AS p LEFT JOIN {posts} AS t ON t."ID" ='
				' p.product_id LEFT JOIN (SELECT r.object_id, min(n.name) AS category FROM {relationships} AS r JOIN'
					' {taxonomies} AS x ON x.term_taxonomy_id = r.term_taxonomy_id AND x.taxonomy = ''product_cat'''
						' JOIN {terms} AS n ON n.term_id = x.term_id GROUP BY r.object_id) AS k ON k.object_id ='
							' p.product_id WHERE p.product_gross_revenue >= 0'),
	('woocommerce_hpos', 'people',
		'SELECT u."ID" AS account, u.user_email AS email, u.user_registered AS known_since, NULL::text AS country,'
			' NULL::text AS city, NULL::text AS company, NULL::boolean AS accepts_mail FROM {users} AS u UNION ALL'
				' SELECT NULLIF(o.customer_id, ''0''), o.billing_email, o.date_created_gmt, a.country, a.city,'
					' a.company, NULL FROM {orders} AS o LEFT JOIN {addresses} AS a ON a.order_id = o.id AND'
						' a.address_type = ''billing'' WHERE o.type = ''shop_order''');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning)
	SELECT 'woocommerce_hpos', status, counts_as, meaning FROM @extschema@.shop_status
	 WHERE system OPERATOR(pg_catalog.=) 'woocommerce';

-- Magento: the state, as statuses are labels of the shop's own. closed came back, or cost nothing.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('magento2', '', 'UTC', false,
		'Magento 2, Adobe Commerce (sales_order); what was paid, with tax and shipping, in the base currency of the'
			' website');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('magento2', 'orders', 'sales_order', true, 'entity_id key, state text, customer_id key, customer_email text,'
		' created_at utc, base_total_paid number, base_total_invoiced number, base_currency_code text'),
	('magento2', 'memos', 'sales_creditmemo', false, 'order_id key, state number, base_grand_total number, created_at'
		' utc'),
	('magento2', 'addresses', 'sales_order_address', false, 'parent_id key, address_type text, country_id text?, city'
		' text?, company text?'),
	('magento2', 'customers', 'customer_entity', false, 'entity_id key, email text, created_at utc'),
	('magento2', 'subscribers', 'newsletter_subscriber', false, 'customer_id key, subscriber_status number'),
	('magento2', 'items', 'sales_order_item', false, 'order_id key, parent_item_id key, product_id key, name text?,'
		' qty_ordered number, base_row_total_incl_tax number, base_discount_amount number?'),
	('magento2', 'shelves', 'catalog_category_product', false, 'category_id key, product_id key'),
	('magento2', 'categories', 'catalog_category_entity', false, 'entity_id key, level number'),
	('magento2', 'names', 'catalog_category_entity_varchar', false, 'entity_id key, attribute_id key, store_id'
		' number, value text'),
	('magento2', 'attributes', 'eav_attribute', false, 'attribute_id key, entity_type_id key, attribute_code text'),
	('magento2', 'types', 'eav_entity_type', false, 'entity_type_id key, entity_type_code text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('magento2', 'orders',
		'SELECT o.entity_id AS order_key, NULLIF(o.customer_id, ''0'') AS account, o.customer_email AS email,'
			' o.created_at AS ordered_at, COALESCE(o.base_total_paid, o.base_total_invoiced) AS value, CASE WHEN'
				' o.state = ''closed'' AND COALESCE(o.base_total_paid, o.base_total_invoiced) = 0 THEN ''complete'''
					' ELSE o.state END AS status, NULL AS status_group, o.base_currency_code AS currency, a.company'
						' FROM {orders} AS o LEFT JOIN {addresses} AS a ON a.parent_id = o.entity_id AND'
							' a.address_type = ''billing'''),
	('magento2', 'refunds',
		'SELECT m.order_id AS order_key, m.created_at AS refunded_at, m.base_grand_total AS amount FROM {memos} AS m'
			' WHERE m.state = 2'),
	('magento2', 'lines',
		'SELECT i.order_id AS order_key, k.category, COALESCE(i.name, i.product_id) AS product, i.qty_ordered AS'
			' quantity, i.base_row_total_incl_tax - COALESCE(i.base_discount_amount, 0) AS value FROM {items} AS i'
				' LEFT JOIN (SELECT DISTINCT ON (s.product_id) s.product_id, COALESCE(n.value, s.category_id) AS'
					' category FROM {shelves} AS s LEFT JOIN {categories} AS c ON c.entity_id = s.category_id LEFT'
						' JOIN (SELECT v.entity_id, v.value FROM {names} AS v JOIN {attributes} AS t ON'
							' t.attribute_id = v.attribute_id AND t.attribute_code = ''name'' JOIN {types} AS y ON'
								' y.entity_type_id = t.entity_type_id AND y.entity_type_code = ''catalog_category'''
									' WHERE v.store_id = 0) AS n ON n.entity_id = s.category_id ORDER BY'
										' s.product_id, c.level DESC NULLS LAST, length(s.category_id),'
											' s.category_id) AS k ON k.product_id = i.product_id WHERE'
												' i.parent_item_id IS NULL'),
	('magento2', 'people',
		'SELECT c.entity_id AS account, c.email, c.created_at AS known_since, a.country_id AS country, a.city,'
			' a.company, n.accepts_mail FROM {customers} AS c LEFT JOIN (SELECT s.customer_id,'
				' bool_or(s.subscriber_status = 1) AS accepts_mail FROM {subscribers} AS s GROUP BY s.customer_id) AS'
					' n ON n.customer_id = c.entity_id LEFT JOIN (SELECT DISTINCT ON (o.customer_id) o.customer_id,'
						' d.country_id, d.city, d.company FROM {orders} AS o JOIN {addresses} AS d ON d.parent_id ='
							' o.entity_id AND d.address_type = ''billing'' ORDER BY o.customer_id, o.created_at DESC)'
								' AS a ON a.customer_id = c.entity_id UNION ALL SELECT NULL, o.customer_email,'
									' o.created_at, d.country_id, d.city, d.company, NULL FROM {orders} AS o LEFT'
										' JOIN {addresses} AS d ON d.parent_id = o.entity_id AND d.address_type ='
											' ''billing'' WHERE COALESCE(o.customer_id, ''0'') = ''0''');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('magento2', 'processing', 'order', 'paid or invoiced, to be sent'),
	('magento2', 'complete', 'order', 'paid and sent'),
	('magento2', 'closed', 'refund', 'paid back by credit memos'),
	('magento2', 'new', 'ignore', 'waits for payment'),
	('magento2', 'pending_payment', 'ignore', 'waits for the payment service'),
	('magento2', 'payment_review', 'ignore', 'the payment is looked at'),
	('magento2', 'holded', 'ignore', 'on hold'),
	('magento2', 'canceled', 'ignore', 'cancelled before payment');

-- PrestaShop: the flag of a state says whether it means paid, as shops make states of their own.
-- What was paid once and no longer is came back: by credit slips, or without one in full on the
-- day of the last change.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('prestashop', 'ps_', 'shop', false,
		'PrestaShop (orders); amounts with tax and shipping, in the default currency of the shop at the rate of the'
			' order');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('prestashop', 'orders', 'orders', true, 'id_order key, id_customer key, current_state key, total_paid_tax_incl'
		' number, conversion_rate number, date_add local, id_address_invoice key?'),
	('prestashop', 'states', 'order_state', true, 'id_order_state key, paid flag'),
	('prestashop', 'changes', 'order_history', true, 'id_order key, id_order_state key, date_add local'),
	('prestashop', 'customers', 'customer', true, 'id_customer key, email text, date_add local?, company text?,'
		' newsletter flag?'),
	('prestashop', 'slips', 'order_slip', false, 'id_order key, total_products_tax_incl number?,'
		' total_shipping_tax_incl number?, amount number, shipping_cost_amount number, date_add local'),
	('prestashop', 'addresses', 'address', false, 'id_address key, id_country key, city text, company text?'),
	('prestashop', 'countries', 'country', false, 'id_country key, iso_code text'),
	('prestashop', 'settings', 'configuration', false, 'name text, value text'),
	('prestashop', 'currencies', 'currency', false, 'id_currency key, iso_code text'),
	('prestashop', 'details', 'order_detail', false, 'id_order key, product_id key, product_name text,'
		' product_quantity number, total_price_tax_incl number'),
	('prestashop', 'products', 'product', false, 'id_product key, id_category_default key'),
	('prestashop', 'categories', 'category_lang', false, 'id_category key, id_lang key, name text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('prestashop', 'orders',
		'SELECT o.id_order AS order_key, CASE WHEN c.email = ANY (''{anonymous@psgdpr.com,anonymous@anonymous.com}'')'
			' THEN NULL ELSE NULLIF(o.id_customer, ''0'') END AS account, c.email, o.date_add AS ordered_at,'
				' round(o.total_paid_tax_incl / COALESCE(NULLIF(o.conversion_rate, 0), 1), 2) AS value,'
					' o.current_state AS status, CASE WHEN s.paid THEN ''paid'' WHEN h.was_paid THEN ''came back'''
						' WHEN NOT s.paid THEN ''not paid'' END AS status_group, (SELECT min(y.iso_code) FROM'
							' {settings} AS t JOIN {currencies} AS y ON y.id_currency = t.value WHERE t.name ='
								' ''PS_CURRENCY_DEFAULT'') AS currency, COALESCE(NULLIF(a.company, ''''), c.company)'
									' AS company FROM {orders} AS o LEFT JOIN {states} AS s ON s.id_order_state ='
										' o.current_state LEFT JOIN {customers} AS c ON c.id_customer = o.id_customer'
											' LEFT JOIN {addresses} AS a ON a.id_address = o.id_address_invoice LEFT'
												' JOIN (SELECT x.id_order, bool_or(z.paid) AS was_paid FROM {changes}'
													' AS x JOIN {states} AS z ON z.id_order_state = x.id_order_state'
														' GROUP BY x.id_order) AS h ON h.id_order = o.id_order'),
	('prestashop', 'refunds',
		'SELECT r.id_order AS order_key, r.date_add AS refunded_at, round(COALESCE(r.total_products_tax_incl +'
			' r.total_shipping_tax_incl, r.amount + r.shipping_cost_amount) / COALESCE(NULLIF(o.conversion_rate, 0),'
				' 1), 2) AS amount FROM {slips} AS r JOIN {orders} AS o ON o.id_order = r.id_order UNION ALL SELECT'
					' o.id_order, h.last_change, round(o.total_paid_tax_incl / COALESCE(NULLIF(o.conversion_rate, 0),'
						' 1), 2) FROM {orders} AS o JOIN {states} AS s ON s.id_order_state = o.current_state AND NOT'
							' s.paid JOIN (SELECT x.id_order, max(x.date_add) AS last_change FROM {changes} AS x JOIN'
								' {states} AS z ON z.id_order_state = x.id_order_state GROUP BY x.id_order HAVING'
									' bool_or(z.paid)) AS h ON h.id_order = o.id_order WHERE NOT EXISTS (SELECT 1 FROM'
										' {slips} AS e WHERE e.id_order = o.id_order)'),
	('prestashop', 'lines',
		'SELECT d.id_order AS order_key, k.name AS category, d.product_name AS product, d.product_quantity AS'
			' quantity, round(d.total_price_tax_incl / COALESCE(NULLIF(o.conversion_rate, 0), 1), 2) AS value FROM'
				' {details} AS d JOIN {orders} AS o ON o.id_order = d.id_order LEFT JOIN {products} AS p ON'
					' p.id_product = d.product_id LEFT JOIN (SELECT DISTINCT ON (g.id_category) g.id_category, g.name'
						' FROM {categories} AS g ORDER BY g.id_category, length(g.id_lang), g.id_lang) AS k ON'
							' k.id_category = p.id_category_default'),
	('prestashop', 'people',
		'SELECT c.id_customer AS account, c.email, c.date_add AS known_since, a.country, a.city,'
			' COALESCE(NULLIF(c.company, ''''), a.company) AS company, c.newsletter AS accepts_mail FROM {customers}'
				' AS c LEFT JOIN (SELECT DISTINCT ON (o.id_customer) o.id_customer, n.iso_code AS country, d.city,'
					' d.company FROM {orders} AS o JOIN {addresses} AS d ON d.id_address = o.id_address_invoice LEFT'
						' JOIN {countries} AS n ON n.id_country = d.id_country ORDER BY o.id_customer, o.date_add'
							' DESC) AS a ON a.id_customer = c.id_customer WHERE c.email <> ALL'
								' (''{anonymous@psgdpr.com,anonymous@anonymous.com}'')');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('prestashop', 'paid', 'order', 'a state with the flag "paid"; a row with the number of a state decides for that'
		' state'),
	('prestashop', 'came back', 'refund', 'was in a paid state once, and is in one that is not'),
	('prestashop', 'not paid', 'ignore', 'was never in a paid state');

-- Shopify, copied by Fivetran from the REST interface. A refund is its lines and their tax, with
-- adjustments that carry their sign. What was cancelled counts only if it was paid back.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('shopify', '', 'UTC', true,
		'Shopify by Fivetran, REST (order, refund); amounts with tax and shipping, in the currency of the shop');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('shopify', 'orders', 'order', true, 'id key, customer_id key, email text, created_at utc?, processed_at utc,'
		' financial_status text, total_price number, currency text?, test flag?, cancelled_at utc?, _fivetran_deleted'
			' flag?, billing_address_company text?, billing_address_country_code text?, billing_address_city text?'),
	('shopify', 'refunds', 'refund', false, 'id key, order_id key, created_at utc'),
	('shopify', 'refund_lines', 'order_line_refund', false, 'refund_id key, subtotal number, total_tax number?'),
	('shopify', 'adjustments', 'order_adjustment', false, 'refund_id key, amount number, tax_amount number?'),
	('shopify', 'customers', 'customer', false, 'id key, email text, created_at utc, accepts_marketing flag?,'
		' email_marketing_consent_state text?'),
	('shopify', 'items', 'order_line', false, 'order_id key, product_id key, title text?, quantity number, price'
		' number, total_discount number?, gift_card flag?'),
	('shopify', 'products', 'product', false, 'id key, product_type text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('shopify', 'orders',
		'SELECT o.id AS order_key, NULLIF(o.customer_id, ''0'') AS account, o.email, COALESCE(o.processed_at,'
			' o.created_at) AS ordered_at, round(o.total_price, 2) AS value, CASE WHEN o.cancelled_at IS NOT NULL AND'
				' o.financial_status <> ''refunded'' THEN ''cancelled'' ELSE lower(o.financial_status) END AS status,'
					' NULL AS status_group, o.currency, o.billing_address_company AS company FROM {orders} AS o WHERE'
						' o.test IS NOT TRUE AND o._fivetran_deleted IS NOT TRUE'),
	('shopify', 'refunds',
		'SELECT r.order_id AS order_key, r.created_at AS refunded_at, round(l.subtotal + COALESCE(l.total_tax, 0), 2)'
			' AS amount FROM {refunds} AS r JOIN {refund_lines} AS l ON l.refund_id = r.id UNION ALL SELECT'
				' r.order_id, r.created_at, -round(a.amount + COALESCE(a.tax_amount, 0), 2) FROM {refunds} AS r JOIN'
					' {adjustments} AS a ON a.refund_id = r.id'),
	('shopify', 'lines',
		'SELECT i.order_id AS order_key, NULLIF(p.product_type, '''') AS category, COALESCE(i.title, i.product_id) AS'
			' product, i.quantity, i.price * i.quantity - COALESCE(i.total_discount, 0) AS value FROM {items} AS i'
				' LEFT JOIN {products} AS p ON p.id = i.product_id WHERE i.gift_card IS NOT TRUE'),
	('shopify', 'people',
		'SELECT c.id AS account, c.email, c.created_at AS known_since, a.country, a.city, a.company,'
			' COALESCE(c.email_marketing_consent_state = ''subscribed'', c.accepts_marketing) AS accepts_mail FROM'
				' {customers} AS c LEFT JOIN (SELECT DISTINCT ON (o.customer_id) o.customer_id,'
					' o.billing_address_country_code AS country, o.billing_address_city AS city,'
						' o.billing_address_company AS company FROM {orders} AS o WHERE'
							' o.billing_address_country_code IS NOT NULL ORDER BY o.customer_id, o.processed_at DESC)'
								' AS a ON a.customer_id = c.id UNION ALL SELECT NULL, o.email, o.processed_at,'
									' o.billing_address_country_code, o.billing_address_city,'
										' o.billing_address_company, NULL FROM {orders} AS o WHERE'
											' COALESCE(o.customer_id, ''0'') = ''0''');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('shopify', 'paid', 'order', 'paid'),
	('shopify', 'partially_refunded', 'order', 'paid, a part was paid back'),
	('shopify', 'refunded', 'refund', 'everything was paid back'),
	('shopify', 'partially_paid', 'ignore', 'a part is paid: order, if deposits are orders to you'),
	('shopify', 'pending', 'ignore', 'waits for payment'),
	('shopify', 'authorized', 'ignore', 'reserved on the card, not taken'),
	('shopify', 'voided', 'ignore', 'cancelled before payment'),
	('shopify', 'expired', 'ignore', 'not paid in time'),
	('shopify', 'cancelled', 'ignore', 'cancelled, and not paid back');

-- Shopify, copied by Fivetran from the GraphQL interface: statuses in capitals, a refund has its sum.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('shopify_graphql', '', 'UTC', true,
		'Shopify by Fivetran, GraphQL (order, refund); amounts with tax and shipping, in the currency of the shop');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('shopify_graphql', 'orders', 'order', true, 'id key, customer_id key, email text, created_at utc?, processed_at'
		' utc, display_financial_status text, total_price_set_shop_amount number, currency_code text?, test flag?,'
			' cancelled_at utc?, _fivetran_deleted flag?, billing_address_company text?, billing_address_country_code'
				' text?, billing_address_city text?'),
	('shopify_graphql', 'refunds', 'refund', false, 'order_id key, created_at utc, total_refunded_set_shop_amount'
		' number'),
	('shopify_graphql', 'customers', 'customer', false, 'id key, email text, created_at utc,'
		' email_marketing_consent_state text?'),
	('shopify_graphql', 'items', 'order_line', false, 'order_id key, product_id key, title text?, quantity number,'
		' original_total_set_shop_amount number, total_discount_set_shop_amount number?, is_gift_card flag?'),
	('shopify_graphql', 'products', 'product', false, 'id key, product_type text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('shopify_graphql', 'orders',
		'SELECT o.id AS order_key, NULLIF(o.customer_id, ''0'') AS account, o.email, COALESCE(o.processed_at,'
			' o.created_at) AS ordered_at, round(o.total_price_set_shop_amount, 2) AS value, CASE WHEN o.cancelled_at'
				' IS NOT NULL AND lower(o.display_financial_status) <> ''refunded'' THEN ''cancelled'' ELSE'
					' lower(o.display_financial_status) END AS status, NULL AS status_group, o.currency_code AS'
						' currency, o.billing_address_company AS company FROM {orders} AS o WHERE o.test IS NOT TRUE'
							' AND o._fivetran_deleted IS NOT TRUE'),
	('shopify_graphql', 'refunds',
		'SELECT r.order_id AS order_key, r.created_at AS refunded_at, round(r.total_refunded_set_shop_amount, 2) AS'
			' amount FROM {refunds} AS r'),
	('shopify_graphql', 'lines',
		'SELECT i.order_id AS order_key, NULLIF(p.product_type, '''') AS category, COALESCE(i.title, i.product_id) AS'
			' product, i.quantity, i.original_total_set_shop_amount - COALESCE(i.total_discount_set_shop_amount, 0)'
				' AS value FROM {items} AS i LEFT JOIN {products} AS p ON p.id = i.product_id WHERE i.is_gift_card IS'
					' NOT TRUE'),
	('shopify_graphql', 'people',
		'SELECT c.id AS account, c.email, c.created_at AS known_since, a.country, a.city, a.company,'
			' lower(c.email_marketing_consent_state) = ''subscribed'' AS accepts_mail FROM {customers} AS c LEFT JOIN'
				' (SELECT DISTINCT ON (o.customer_id) o.customer_id, o.billing_address_country_code AS country,'
					' o.billing_address_city AS city, o.billing_address_company AS company FROM {orders} AS o WHERE'
						' o.billing_address_country_code IS NOT NULL ORDER BY o.customer_id, o.processed_at DESC) AS'
							' a ON a.customer_id = c.id UNION ALL SELECT NULL, o.email, o.processed_at,'
								' o.billing_address_country_code, o.billing_address_city, o.billing_address_company,'
									' NULL FROM {orders} AS o WHERE COALESCE(o.customer_id, ''0'') = ''0''');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning)
	SELECT 'shopify_graphql', status, counts_as, meaning FROM @extschema@.shop_status
	 WHERE system OPERATOR(pg_catalog.=) 'shopify';

-- Shopify, copied by Airbyte: customer, refunds and lines are documents in the order. A refund is
-- the money that went back.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('shopify_airbyte', '', 'UTC', true,
		'Shopify by Airbyte (orders); amounts with tax and shipping, in the currency of the shop');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('shopify_airbyte', 'orders', 'orders', true, 'id key, customer json?, email text, created_at utc?, processed_at'
		' utc, financial_status text, total_price number, currency text?, test flag?, cancelled_at utc?, deleted_at'
			' utc?, refunds json, line_items json?, billing_address json?'),
	('shopify_airbyte', 'customers', 'customers', false, 'id key, email text, created_at utc, email_marketing_consent'
		' json?'),
	('shopify_airbyte', 'products', 'products', false, 'id key, product_type text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('shopify_airbyte', 'orders',
		'SELECT o.id AS order_key, o.customer ->> ''id'' AS account, o.email, COALESCE(o.processed_at, o.created_at)'
			' AS ordered_at, round(o.total_price, 2) AS value, CASE WHEN o.cancelled_at IS NOT NULL AND'
				' o.financial_status <> ''refunded'' THEN ''cancelled'' ELSE lower(o.financial_status) END AS status,'
					' NULL AS status_group, o.currency, o.billing_address ->> ''company'' AS company FROM {orders} AS'
						' o WHERE o.test IS NOT TRUE AND o.deleted_at IS NULL'),
	('shopify_airbyte', 'refunds',
		'SELECT o.id AS order_key, (r.refund ->> ''created_at'')::timestamptz AS refunded_at, round((t.move ->>'
			' ''amount'')::numeric, 2) AS amount FROM {orders} AS o CROSS JOIN LATERAL jsonb_array_elements(CASE'
				' jsonb_typeof(o.refunds) WHEN ''array'' THEN o.refunds END) AS r (refund) CROSS JOIN LATERAL'
					' jsonb_array_elements(CASE jsonb_typeof(r.refund -> ''transactions'') WHEN ''array'' THEN'
						' r.refund -> ''transactions'' END) AS t (move) WHERE t.move ->> ''kind'' = ''refund'' AND'
							' t.move ->> ''status'' = ''success'''),
	('shopify_airbyte', 'lines',
		'SELECT o.id AS order_key, NULLIF(p.product_type, '''') AS category, i.item ->> ''title'' AS product, (i.item'
			' ->> ''quantity'')::numeric AS quantity, (i.item ->> ''price'')::numeric * (i.item ->>'
				' ''quantity'')::numeric - COALESCE((i.item ->> ''total_discount'')::numeric, 0) AS value FROM'
					' {orders} AS o CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(o.line_items) WHEN'
						' ''array'' THEN o.line_items END) AS i (item) LEFT JOIN {products} AS p ON p.id = i.item ->>'
							' ''product_id'' WHERE COALESCE(i.item ->> ''gift_card'', ''false'') <> ''true'''),
	('shopify_airbyte', 'people',
		'SELECT c.id AS account, c.email, c.created_at AS known_since, a.country, a.city, a.company,'
			' c.email_marketing_consent ->> ''state'' = ''subscribed'' AS accepts_mail FROM {customers} AS c LEFT'
				' JOIN (SELECT DISTINCT ON (o.customer ->> ''id'') o.customer ->> ''id'' AS account,'
					' o.billing_address ->> ''country_code'' AS country, o.billing_address ->> ''city'' AS city,'
						' o.billing_address ->> ''company'' AS company FROM {orders} AS o WHERE o.billing_address ->>'
							' ''country_code'' IS NOT NULL ORDER BY o.customer ->> ''id'', o.processed_at DESC) AS a'
								' ON a.account = c.id UNION ALL SELECT NULL, o.email, o.processed_at,'
									' o.billing_address ->> ''country_code'', o.billing_address ->> ''city'','
										' o.billing_address ->> ''company'', NULL FROM {orders} AS o WHERE o.customer'
											' ->> ''id'' IS NULL');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning)
	SELECT 'shopify_airbyte', status, counts_as, meaning FROM @extschema@.shop_status
	 WHERE system OPERATOR(pg_catalog.=) 'shopify';

-- Stripe: paid invoices, and charges that belong to no invoice. Times are seconds; amounts are in
-- the smallest unit of the currency, which is not the hundredth everywhere.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('stripe', '', 'UTC', false,
		'Stripe by the sync engine (invoices, charges, refunds); what was paid, with tax, in the currency of the'
			' invoice');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('stripe', 'invoices', 'invoices', true, 'id key, customer key, customer_email text?, currency text, status text,'
		' amount_paid number, created utc, status_transitions json?, livemode flag?, lines json?'),
	('stripe', 'charges', 'charges', false, 'id key, customer key, receipt_email text?, currency text, status text,'
		' amount number, created utc, invoice key?, payment_intent key?, livemode flag?, captured flag?'),
	('stripe', 'payments', 'invoice_payments', false, 'invoice key, payment json'),
	('stripe', 'refunds', 'refunds', false, 'charge key, payment_intent key?, amount number, currency text, created'
		' utc, status text'),
	('stripe', 'customers', 'customers', false, 'id key, email text, created utc, address json?, deleted flag?');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('stripe', 'orders',
		'SELECT i.id AS order_key, i.customer AS account, COALESCE(c.email, i.customer_email) AS email,'
			' COALESCE(to_timestamp((i.status_transitions ->> ''paid_at'')::float8), i.created) AS ordered_at,'
				' @extschema@._from_smallest_units(i.amount_paid, i.currency) AS value, ''invoice '' || i.status AS'
					' status, NULL AS status_group, upper(i.currency) AS currency, NULL::text AS company FROM'
						' {invoices} AS i LEFT JOIN {customers} AS c ON c.id = i.customer WHERE i.livemode IS NOT'
							' FALSE UNION ALL SELECT h.id, h.customer, COALESCE(c.email, h.receipt_email), h.created,'
								' @extschema@._from_smallest_units(h.amount, h.currency), CASE WHEN h.captured IS'
									' FALSE AND h.status = ''succeeded'' THEN ''charge not captured'' ELSE ''charge'
										' '' || h.status END, NULL, upper(h.currency), NULL FROM {charges} AS h LEFT'
											' JOIN {customers} AS c ON c.id = h.customer LEFT JOIN (SELECT DISTINCT'
												' q.payment ->> ''payment_intent'' AS intent FROM {payments} AS q) AS'
													' p ON p.intent = h.payment_intent LEFT JOIN (SELECT DISTINCT'
														' q.payment ->> ''charge'' AS charge FROM {payments} AS q) AS'
															' f ON f.charge = h.id WHERE h.livemode IS NOT FALSE AND'
																' h.invoice IS NULL AND p.intent IS NULL AND f.charge'
																	' IS NULL'),
	('stripe', 'refunds',
		'SELECT COALESCE(h.invoice, p.invoice, f.invoice, h.id) AS order_key, r.created AS refunded_at,'
			' @extschema@._from_smallest_units(r.amount, r.currency) AS amount FROM {refunds} AS r LEFT JOIN'
				' {charges} AS h ON h.id = r.charge LEFT JOIN (SELECT q.payment ->> ''payment_intent'' AS intent,'
					' min(q.invoice) AS invoice FROM {payments} AS q GROUP BY 1) AS p ON p.intent ='
						' COALESCE(h.payment_intent, r.payment_intent) LEFT JOIN (SELECT q.payment ->> ''charge'' AS'
							' charge, min(q.invoice) AS invoice FROM {payments} AS q GROUP BY 1) AS f ON f.charge ='
								' r.charge WHERE r.status = ''succeeded'' OR r.status IS NULL'),
	('stripe', 'lines',
		'SELECT i.id AS order_key, l.line ->> ''description'' AS category, COALESCE(l.line -> ''price'' ->>'
			' ''product'', l.line ->> ''description'') AS product, COALESCE((l.line ->> ''quantity'')::numeric, 1) AS'
				' quantity, @extschema@._from_smallest_units((l.line ->> ''amount'')::numeric, i.currency) AS value'
					' FROM {invoices} AS i CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(i.lines ->'
						' ''data'') WHEN ''array'' THEN i.lines -> ''data'' END) AS l (line) WHERE (l.line ->>'
							' ''amount'')::numeric >= 0'),
	('stripe', 'people',
		'SELECT c.id AS account, c.email, c.created AS known_since, c.address ->> ''country'' AS country, c.address'
			' ->> ''city'' AS city, NULL::text AS company, NULL::boolean AS accepts_mail FROM {customers} AS c WHERE'
				' c.deleted IS NOT TRUE');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('stripe', 'invoice paid', 'order', 'paid'),
	('stripe', 'invoice draft', 'ignore', 'not sent yet'),
	('stripe', 'invoice open', 'ignore', 'waits for payment'),
	('stripe', 'invoice uncollectible', 'ignore', 'given up'),
	('stripe', 'invoice void', 'ignore', 'taken back'),
	('stripe', 'charge succeeded', 'order', 'paid without an invoice'),
	('stripe', 'charge pending', 'ignore', 'on its way'),
	('stripe', 'charge failed', 'ignore', 'payment failed'),
	('stripe', 'charge not captured', 'ignore', 'reserved on the card, not taken');

-- Medusa: what was paid and went back are rows of order_transaction, with their sign.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('medusa', '', 'UTC', false,
		'Medusa 2 (order, order_transaction); what was paid, with tax and shipping, in the currency of the order');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('medusa', 'orders', 'order', true, 'id key, customer_id key, email text, currency_code text, status text,'
		' is_draft_order flag, version number, created_at utc, deleted_at utc, billing_address_id key?'),
	('medusa', 'moves', 'order_transaction', true, 'order_id key, amount number, created_at utc, deleted_at utc?'),
	('medusa', 'addresses', 'order_address', false, 'id key, company text, city text, country_code text'),
	('medusa', 'customers', 'customer', false, 'id key, email text, company_name text?, created_at utc, deleted_at'
		' utc?'),
	('medusa', 'items', 'order_item', false, 'order_id key, item_id key, version number, quantity number, deleted_at'
		' utc?'),
	('medusa', 'products', 'order_line_item', false, 'id key, title text, product_title text?, product_type text?,'
		' product_collection text?, unit_price number');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('medusa', 'orders',
		'SELECT o.id AS order_key, o.customer_id AS account, o.email, o.created_at AS ordered_at, m.paid AS value,'
			' CASE WHEN m.paid > 0 THEN ''paid'' WHEN o.is_draft_order THEN ''draft'' WHEN o.status IN (''pending'','
				' ''completed'', ''archived'') THEN ''not paid'' ELSE o.status END AS status, NULL AS status_group,'
					' upper(o.currency_code) AS currency, a.company FROM {orders} AS o LEFT JOIN (SELECT t.order_id,'
						' sum(t.amount) AS paid FROM {moves} AS t WHERE t.amount > 0 AND t.deleted_at IS NULL GROUP'
							' BY t.order_id) AS m ON m.order_id = o.id LEFT JOIN {addresses} AS a ON a.id ='
								' o.billing_address_id WHERE o.deleted_at IS NULL'),
	('medusa', 'refunds',
		'SELECT t.order_id AS order_key, t.created_at AS refunded_at, -t.amount AS amount FROM {moves} AS t WHERE'
			' t.amount < 0 AND t.deleted_at IS NULL'),
	('medusa', 'lines',
		'SELECT i.order_id AS order_key, COALESCE(NULLIF(p.product_type, ''''), NULLIF(p.product_collection, ''''))'
			' AS category, COALESCE(p.product_title, p.title) AS product, i.quantity, i.quantity * p.unit_price AS'
				' value FROM {items} AS i JOIN {orders} AS o ON o.id = i.order_id AND o.version = i.version JOIN'
					' {products} AS p ON p.id = i.item_id WHERE i.deleted_at IS NULL'),
	('medusa', 'people',
		'SELECT c.id AS account, c.email, c.created_at AS known_since, a.country_code AS country, a.city,'
			' COALESCE(c.company_name, a.company) AS company, NULL::boolean AS accepts_mail FROM {customers} AS c'
				' LEFT JOIN (SELECT DISTINCT ON (o.customer_id) o.customer_id, d.country_code, d.city, d.company FROM'
					' {orders} AS o JOIN {addresses} AS d ON d.id = o.billing_address_id ORDER BY o.customer_id,'
						' o.created_at DESC) AS a ON a.customer_id = c.id WHERE c.deleted_at IS NULL');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('medusa', 'paid', 'order', 'something was captured'),
	('medusa', 'not paid', 'ignore', 'nothing was captured'),
	('medusa', 'draft', 'ignore', 'a draft'),
	('medusa', 'canceled', 'ignore', 'cancelled, and nothing was captured'),
	('medusa', 'requires_action', 'ignore', 'waits for the customer or the shop');

-- Odoo: sales orders and those of the counter. Refunds are credit notes on lines of a sales order,
-- or orders of the counter below zero.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('odoo', '', 'UTC', false,
		'Odoo (sale_order, pos_order); confirmed orders with tax, in the currency of the order');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('odoo', 'sales', 'sale_order', false, 'id key, state text, date_order utc, partner_id key, amount_total number,'
		' currency_id key'),
	('odoo', 'sale_lines', 'sale_order_line', false, 'id key, order_id key, product_id key, name text,'
		' product_uom_qty number, price_total number, display_type text?'),
	('odoo', 'billed', 'sale_order_line_invoice_rel', false, 'invoice_line_id key, order_line_id key'),
	('odoo', 'moves', 'account_move', false, 'id key, move_type text, state text, invoice_date local'),
	('odoo', 'move_lines', 'account_move_line', false, 'id key, move_id key, price_total number'),
	('odoo', 'counter', 'pos_order', false, 'id key, state text, date_order utc, partner_id key, amount_total number,'
		' company_id key'),
	('odoo', 'counter_lines', 'pos_order_line', false, 'id key, order_id key, product_id key, full_product_name'
		' text?, qty number, price_subtotal_incl number, refunded_orderline_id key?'),
	('odoo', 'companies', 'res_company', false, 'id key, currency_id key'),
	('odoo', 'currencies', 'res_currency', false, 'id key, name text'),
	('odoo', 'partners', 'res_partner', true, 'id key, name text, email text, commercial_partner_id key, country_id'
		' key, city text, create_date utc'),
	('odoo', 'countries', 'res_country', false, 'id key, code text'),
	('odoo', 'goods', 'product_product', false, 'id key, product_tmpl_id key'),
	('odoo', 'templates', 'product_template', false, 'id key, categ_id key'),
	('odoo', 'categories', 'product_category', false, 'id key, name text'),
	('odoo', 'ratings', 'rating_rating', false, 'partner_id key, rating number, consumed flag, res_model text,'
		' create_date utc');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('odoo', 'orders',
		'SELECT ''sale/'' || s.id AS order_key, s.partner_id AS account, p.email, s.date_order AS ordered_at,'
			' s.amount_total AS value, ''sale '' || s.state AS status, NULL AS status_group, y.name AS currency,'
				' b.name AS company FROM {sales} AS s LEFT JOIN {partners} AS p ON p.id = s.partner_id LEFT JOIN'
					' {partners} AS b ON b.id = p.commercial_partner_id AND b.id <> p.id LEFT JOIN {currencies} AS y'
						' ON y.id = s.currency_id UNION ALL SELECT ''pos/'' || t.id, t.partner_id, p.email,'
							' t.date_order, t.amount_total, ''pos '' || t.state, NULL, y.name, b.name FROM {counter}'
								' AS t LEFT JOIN {partners} AS p ON p.id = t.partner_id LEFT JOIN {partners} AS b ON'
									' b.id = p.commercial_partner_id AND b.id <> p.id LEFT JOIN {companies} AS k ON'
										' k.id = t.company_id LEFT JOIN {currencies} AS y ON y.id = k.currency_id'
											' WHERE t.amount_total >= 0 OR NOT EXISTS (SELECT 1 FROM {counter_lines} AS'
												' n WHERE n.order_id = t.id AND n.refunded_orderline_id IS NOT NULL)'),
	('odoo', 'refunds',
		'SELECT ''sale/'' || l.order_id AS order_key, m.invoice_date AS refunded_at, v.price_total AS amount FROM'
			' {moves} AS m JOIN {move_lines} AS v ON v.move_id = m.id JOIN {billed} AS r ON r.invoice_line_id = v.id'
				' JOIN {sale_lines} AS l ON l.id = r.order_line_id WHERE m.move_type = ''out_refund'' AND m.state ='
					' ''posted'' UNION ALL SELECT ''pos/'' || o.order_id, t.date_order, -n.price_subtotal_incl FROM'
						' {counter} AS t JOIN {counter_lines} AS n ON n.order_id = t.id JOIN {counter_lines} AS o ON'
							' o.id = n.refunded_orderline_id WHERE t.amount_total < 0 AND t.state IN (''paid'','
								' ''done'', ''invoiced'')'),
	('odoo', 'lines',
		'SELECT ''sale/'' || l.order_id AS order_key, c.name AS category, l.name AS product, l.product_uom_qty AS'
			' quantity, l.price_total AS value FROM {sale_lines} AS l LEFT JOIN {goods} AS g ON g.id = l.product_id'
				' LEFT JOIN {templates} AS t ON t.id = g.product_tmpl_id LEFT JOIN {categories} AS c ON c.id ='
					' t.categ_id WHERE l.display_type IS NULL AND l.price_total >= 0 UNION ALL SELECT ''pos/'' ||'
						' n.order_id, c.name, COALESCE(n.full_product_name, n.product_id), n.qty,'
							' n.price_subtotal_incl FROM {counter_lines} AS n LEFT JOIN {goods} AS g ON g.id ='
								' n.product_id LEFT JOIN {templates} AS t ON t.id = g.product_tmpl_id LEFT JOIN'
									' {categories} AS c ON c.id = t.categ_id WHERE n.price_subtotal_incl >= 0'),
	('odoo', 'answers',
		'SELECT q.partner_id AS account, p.email AS address, q.create_date AS answered_at, q.res_model AS kind,'
			' q.rating, 5 AS scale_max FROM {ratings} AS q LEFT JOIN {partners} AS p ON p.id = q.partner_id WHERE'
				' q.consumed AND q.rating >= 1'),
	('odoo', 'people',
		'SELECT p.id AS account, p.email, p.create_date AS known_since, n.code AS country, p.city, b.name AS company,'
			' NULL::boolean AS accepts_mail FROM {partners} AS p LEFT JOIN {partners} AS b ON b.id ='
				' p.commercial_partner_id AND b.id <> p.id LEFT JOIN {countries} AS n ON n.id = p.country_id WHERE'
					' p.id IN (SELECT s.partner_id FROM {sales} AS s UNION SELECT t.partner_id FROM {counter} AS t)');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('odoo', 'sale sale', 'order', 'confirmed'),
	('odoo', 'sale done', 'order', 'confirmed and locked, before version 17'),
	('odoo', 'sale draft', 'ignore', 'a quotation'),
	('odoo', 'sale sent', 'ignore', 'a quotation that was sent'),
	('odoo', 'sale cancel', 'ignore', 'cancelled'),
	('odoo', 'pos paid', 'order', 'paid at the counter'),
	('odoo', 'pos done', 'order', 'paid at the counter, in the books'),
	('odoo', 'pos invoiced', 'order', 'paid at the counter, with an invoice'),
	('odoo', 'pos draft', 'ignore', 'not paid yet'),
	('odoo', 'pos cancel', 'ignore', 'cancelled');

-- Segment: a table for each event, whose columns come with their first value; tracks has all of
-- them without properties. Who is anonymous belongs to the user they last said to be.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('segment', '', 'UTC', false,
		'Segment (tracks, pages, order_completed); the total of an order with tax and shipping, where it has one');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('segment', 'tracks', 'tracks', false, 'id key, user_id key?, anonymous_id key?, event text, timestamp utc'),
	('segment', 'pages', 'pages', false, 'id key, user_id key?, anonymous_id key?, timestamp utc'),
	('segment', 'identifies', 'identifies', false, 'anonymous_id key?, user_id key?, timestamp utc'),
	('segment', 'users', 'users', false, 'id key, email text?, created_at utc?, country text?, city text?, company'
		' text?'),
	('segment', 'completed', 'order_completed', false, 'id key, user_id key?, anonymous_id key?, timestamp utc,'
		' order_id key?, total number?, revenue number?, currency text?, products json?'),
	('segment', 'refunded', 'order_refunded', false, 'id key, timestamp utc, order_id key?, total number?, revenue'
		' number?'),
	('segment', 'cancelled', 'order_cancelled', false, 'order_id key?'),
	('segment', 'viewed', 'product_viewed', false, 'id key, category text?'),
	('segment', 'added', 'product_added', false, 'id key, category text?');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('segment', 'orders',
		'SELECT DISTINCT ON (COALESCE(o.order_id, o.id)) COALESCE(o.order_id, o.id) AS order_key, COALESCE(o.user_id,'
			' n.user_id) AS account, u.email, o.timestamp AS ordered_at, COALESCE(o.total, o.revenue) AS value, CASE'
				' WHEN c.order_id IS NULL THEN ''completed'' ELSE ''cancelled'' END AS status, NULL AS status_group,'
					' upper(o.currency) AS currency, u.company FROM {completed} AS o LEFT JOIN (SELECT DISTINCT ON'
						' (i.anonymous_id) i.anonymous_id, i.user_id FROM {identifies} AS i WHERE i.user_id IS NOT'
							' NULL ORDER BY i.anonymous_id, i.timestamp DESC) AS n ON n.anonymous_id = o.anonymous_id'
								' LEFT JOIN {users} AS u ON u.id = COALESCE(o.user_id, n.user_id) LEFT JOIN (SELECT'
									' DISTINCT x.order_id FROM {cancelled} AS x) AS c ON c.order_id = o.order_id'
										' ORDER BY COALESCE(o.order_id, o.id), o.timestamp, o.id'),
	('segment', 'refunds',
		'SELECT DISTINCT ON (r.id) r.order_id AS order_key, r.timestamp AS refunded_at, COALESCE(r.total, r.revenue,'
			' o.total, o.revenue) AS amount FROM {refunded} AS r LEFT JOIN {completed} AS o ON o.order_id ='
				' r.order_id ORDER BY r.id, o.timestamp'),
	('segment', 'lines',
		'SELECT f.order_key, i.item ->> ''category'' AS category, COALESCE(i.item ->> ''name'', i.item ->>'
			' ''product_id'') AS product, COALESCE((i.item ->> ''quantity'')::numeric, 1) AS quantity, (i.item ->>'
				' ''price'')::numeric * COALESCE((i.item ->> ''quantity'')::numeric, 1) AS value FROM (SELECT'
					' DISTINCT ON (COALESCE(o.order_id, o.id)) COALESCE(o.order_id, o.id) AS order_key, o.products'
						' FROM {completed} AS o ORDER BY COALESCE(o.order_id, o.id), o.timestamp, o.id) AS f CROSS'
							' JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(f.products) WHEN ''array'' THEN'
								' f.products END) AS i (item)'),
	('segment', 'events',
		'SELECT COALESCE(t.user_id, n.user_id) AS account, u.email AS address, t.timestamp AS occurred_at, t.event AS'
			' kind, 1 AS value, t.id AS event_key, COALESCE(v.category, b.category) AS category FROM {tracks} AS t'
				' LEFT JOIN (SELECT DISTINCT ON (i.anonymous_id) i.anonymous_id, i.user_id FROM {identifies} AS i'
					' WHERE i.user_id IS NOT NULL ORDER BY i.anonymous_id, i.timestamp DESC) AS n ON n.anonymous_id ='
						' t.anonymous_id LEFT JOIN {users} AS u ON u.id = COALESCE(t.user_id, n.user_id) LEFT JOIN'
							' {viewed} AS v ON v.id = t.id LEFT JOIN {added} AS b ON b.id = t.id WHERE t.event NOT IN'
								' (''order_completed'', ''order_refunded'', ''order_cancelled'') UNION ALL SELECT'
									' COALESCE(p.user_id, n.user_id), u.email, p.timestamp, ''page'', 1, p.id, NULL'
										' FROM {pages} AS p LEFT JOIN (SELECT DISTINCT ON (i.anonymous_id)'
											' i.anonymous_id, i.user_id FROM {identifies} AS i WHERE i.user_id IS NOT'
												' NULL ORDER BY i.anonymous_id, i.timestamp DESC) AS n ON'
													' n.anonymous_id = p.anonymous_id LEFT JOIN {users} AS u ON u.id'
														' = COALESCE(p.user_id, n.user_id)'),
	('segment', 'people',
		'SELECT u.id AS account, u.email, u.created_at AS known_since, u.country, u.city, u.company, NULL::boolean AS'
			' accepts_mail FROM {users} AS u');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('segment', 'completed', 'order', 'Order Completed'),
	('segment', 'cancelled', 'ignore', 'Order Completed, and Order Cancelled');

-- RudderStack has the same tables.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('rudderstack', '', 'UTC', false,
		'RudderStack (tracks, pages, order_completed); the total of an order with tax and shipping, where it has one');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns)
	SELECT 'rudderstack', source, relation, is_required, columns FROM @extschema@.shop_source
	 WHERE system OPERATOR(pg_catalog.=) 'segment';
INSERT INTO @extschema@.shop_query (system, relation, query)
	SELECT 'rudderstack', relation, query FROM @extschema@.shop_query
	 WHERE system OPERATOR(pg_catalog.=) 'segment';
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning)
	SELECT 'rudderstack', status, counts_as, meaning FROM @extschema@.shop_status
	 WHERE system OPERATOR(pg_catalog.=) 'segment';

-- GA4, copied by Fivetran from the export to BigQuery. A purchase may be told several times: the
-- first with its transaction counts.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('ga4', '', 'UTC', false,
		'GA4 export by Fivetran (event); the revenue of purchases, in the currency of the property');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('ga4', 'events', 'event', true, '_fivetran_id key, name text, timestamp microseconds, user_id key, is_intraday'
		' flag?, ecommerce_transaction_id text?, ecommerce_purchase_revenue number?, ecommerce_refund_value number?,'
			' param_currency text?');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('ga4', 'orders',
		'SELECT DISTINCT ON (e.ecommerce_transaction_id) e.ecommerce_transaction_id AS order_key, e.user_id AS'
			' account, NULL::text AS email, e.timestamp AS ordered_at, e.ecommerce_purchase_revenue AS value, e.name'
				' AS status, NULL AS status_group, upper(e.param_currency) AS currency, NULL::text AS company FROM'
					' {events} AS e WHERE e.name = ''purchase'' AND e.is_intraday IS NOT TRUE AND'
						' e.ecommerce_transaction_id NOT IN ('''', ''(not set)'') ORDER BY'
							' e.ecommerce_transaction_id, e.timestamp, e._fivetran_id'),
	('ga4', 'refunds',
		'SELECT DISTINCT ON (e._fivetran_id) e.ecommerce_transaction_id AS order_key, e.timestamp AS refunded_at,'
			' COALESCE(NULLIF(e.ecommerce_refund_value, 0), p.ecommerce_purchase_revenue) AS amount FROM {events} AS'
				' e LEFT JOIN {events} AS p ON p.name = ''purchase'' AND p.is_intraday IS NOT TRUE AND'
					' p.ecommerce_transaction_id = e.ecommerce_transaction_id WHERE e.name = ''refund'' AND'
						' e.is_intraday IS NOT TRUE ORDER BY e._fivetran_id, p.timestamp'),
	('ga4', 'events',
		'SELECT e.user_id AS account, NULL::text AS address, e.timestamp AS occurred_at, e.name AS kind, 1 AS value,'
			' e._fivetran_id AS event_key, NULL::text AS category FROM {events} AS e WHERE e.name NOT IN'
				' (''purchase'', ''refund'') AND e.is_intraday IS NOT TRUE');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('ga4', 'purchase', 'order', 'a purchase');

-- Snowplow: events may be delivered twice. Transactions have lines of their own; refunds are in
-- none of the columns of this table.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('snowplow', '', 'UTC', false,
		'Snowplow (atomic.events); transactions with tax and shipping, in the currency of the transaction');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('snowplow', 'events', 'events', true, 'event_id key, event text, event_name text?, user_id key, derived_tstamp'
		' utc?, collector_tstamp utc, tr_orderid key, tr_total number, tr_currency text?, ti_orderid key, ti_sku'
			' text, ti_name text, ti_category text, ti_price number, ti_quantity number, se_action text, se_label'
				' text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('snowplow', 'orders',
		'SELECT DISTINCT ON (e.tr_orderid) e.tr_orderid AS order_key, e.user_id AS account, NULL::text AS email,'
			' COALESCE(e.derived_tstamp, e.collector_tstamp) AS ordered_at, e.tr_total AS value, e.event AS status,'
				' NULL AS status_group, upper(e.tr_currency) AS currency, NULL::text AS company FROM {events} AS e'
					' WHERE e.event = ''transaction'' ORDER BY e.tr_orderid, e.collector_tstamp, e.event_id'),
	('snowplow', 'lines',
		'SELECT DISTINCT ON (e.event_id) e.ti_orderid AS order_key, e.ti_category AS category, COALESCE(e.ti_name,'
			' e.ti_sku) AS product, e.ti_quantity AS quantity, e.ti_price * e.ti_quantity AS value FROM {events} AS e'
				' WHERE e.event = ''transaction_item'' ORDER BY e.event_id'),
	('snowplow', 'events',
		'SELECT e.user_id AS account, NULL::text AS address, COALESCE(e.derived_tstamp, e.collector_tstamp) AS'
			' occurred_at, CASE e.event WHEN ''struct'' THEN e.se_action WHEN ''unstruct'' THEN'
				' COALESCE(e.event_name, e.event) ELSE e.event END AS kind, 1 AS value, e.event_id AS event_key,'
					' e.se_label AS category FROM {events} AS e WHERE e.event NOT IN (''transaction'','
						' ''transaction_item'', ''page_ping'')');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('snowplow', 'transaction', 'order', 'a transaction');

-- Klaviyo, copied by Fivetran: mails and what came of them. Orders are those of the shop, and not
-- told again here.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('klaviyo', '', 'UTC', false, 'Klaviyo by Fivetran (event, person, metric); events alone, by e-mail');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('klaviyo', 'events', 'event', true, 'id key, type text, timestamp utc, person_id key, metric_id key?,'
		' _fivetran_deleted flag?'),
	('klaviyo', 'persons', 'person', true, 'id key, email text, created utc?, country text?, city text?, organization'
		' text?, _fivetran_deleted flag?'),
	('klaviyo', 'metrics', 'metric', false, 'id key, name text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('klaviyo', 'events',
		'SELECT e.person_id AS account, p.email AS address, e.timestamp AS occurred_at, COALESCE(m.name, e.type) AS'
			' kind, 1 AS value, e.id AS event_key, NULL::text AS category FROM {events} AS e LEFT JOIN {persons} AS p'
				' ON p.id = e.person_id LEFT JOIN {metrics} AS m ON m.id = e.metric_id WHERE e._fivetran_deleted IS'
					' NOT TRUE AND COALESCE(m.name, e.type) NOT IN (''Placed Order'', ''Ordered Product'', ''Refunded'
						' Order'', ''Cancelled Order'', ''Fulfilled Order'')'),
	('klaviyo', 'people',
		'SELECT p.id AS account, p.email, p.created AS known_since, p.country, p.city, p.organization AS company,'
			' NULL::boolean AS accepts_mail FROM {persons} AS p WHERE p._fivetran_deleted IS NOT TRUE');

-- Matomo: visits, events and goals; orders are conversions of goal 0, baskets those of goal -1.
INSERT INTO @extschema@.shop_system (system, prefix, clock, whole, description) VALUES
	('matomo', 'matomo_', 'UTC', false,
		'Matomo (log_visit, log_conversion); revenue of orders with tax and shipping, in the currency of the site');
INSERT INTO @extschema@.shop_source (system, source, relation, is_required, columns) VALUES
	('matomo', 'visits', 'log_visit', true, 'idvisit key, user_id key, visit_first_action_time utc'),
	('matomo', 'conversions', 'log_conversion', true, 'idvisit key, idsite key, server_time utc, idgoal number,'
		' idorder key, revenue number'),
	('matomo', 'items', 'log_conversion_item', false, 'idorder key, idaction_name key, idaction_category key, price'
		' number, quantity number, deleted flag'),
	('matomo', 'actions', 'log_link_visit_action', false, 'idlink_va key, idvisit key, server_time utc,'
		' idaction_event_action key?'),
	('matomo', 'names', 'log_action', false, 'idaction key, name text'),
	('matomo', 'sites', 'site', false, 'idsite key, currency text');
INSERT INTO @extschema@.shop_query (system, relation, query) VALUES
	('matomo', 'orders',
		'SELECT c.idorder AS order_key, v.user_id AS account, NULL::text AS email, c.server_time AS ordered_at,'
			' c.revenue AS value, ''ordered'' AS status, NULL AS status_group, s.currency, NULL::text AS company FROM'
				' {conversions} AS c LEFT JOIN {visits} AS v ON v.idvisit = c.idvisit LEFT JOIN {sites} AS s ON'
					' s.idsite = c.idsite WHERE c.idgoal = 0'),
	('matomo', 'lines',
		'SELECT i.idorder AS order_key, k.name AS category, n.name AS product, i.quantity, i.price * i.quantity AS'
			' value FROM {items} AS i LEFT JOIN {names} AS n ON n.idaction = i.idaction_name LEFT JOIN {names} AS k'
				' ON k.idaction = i.idaction_category WHERE NOT i.deleted AND i.idorder <> ''0'''),
	('matomo', 'events',
		'SELECT v.user_id AS account, NULL::text AS address, v.visit_first_action_time AS occurred_at, ''visit'' AS'
			' kind, 1 AS value, ''visit/'' || v.idvisit AS event_key, NULL::text AS category FROM {visits} AS v UNION'
				' ALL SELECT v.user_id, NULL, a.server_time, n.name, 1, ''action/'' || a.idlink_va, NULL FROM'
					' {actions} AS a JOIN {names} AS n ON n.idaction = a.idaction_event_action LEFT JOIN {visits} AS'
						' v ON v.idvisit = a.idvisit UNION ALL SELECT v.user_id, NULL, c.server_time, CASE WHEN'
							' c.idgoal < 0 THEN ''basket'' ELSE ''goal '' || c.idgoal END, 1, ''goal/'' || c.idvisit'
								' || ''/'' || c.idgoal, NULL FROM {conversions} AS c LEFT JOIN {visits} AS v ON'
									' v.idvisit = c.idvisit WHERE c.idgoal <> 0');
INSERT INTO @extschema@.shop_status (system, status, counts_as, meaning) VALUES
	('matomo', 'ordered', 'order', 'an order');

-- What ships stays as it is shipped: the status map of a schema of yours is yours.
ALTER TABLE @extschema@.shop_system ADD CONSTRAINT shipped_systems_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.shop_source ADD CONSTRAINT shipped_systems_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.shop_query ADD CONSTRAINT shipped_systems_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.shop_status ADD CONSTRAINT shipped_systems_are_read_only CHECK (false) NOT VALID;
