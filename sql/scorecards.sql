--
-- The scorecards shipped with the extension, and what usual names of kinds mean.
--

-- Names of events in the schemas of shops, mail services and analytics, as they are
-- compared: small letters, _ for spaces, dots and hyphens.
INSERT INTO @extschema@.stream_role (name, role)
SELECT pg_catalog.unnest(pg_catalog.string_to_array(r.names, ' ')), r.role FROM (VALUES
	('sent', 'sent send delivered email_sent sent_email email_send received_email email_received email_delivered '
		'email_delivery message_sent message_delivered sms_sent received_sms push_sent newsletter_sent '
		'campaign_sent'),
	('open', 'open opened opens email_open email_opened opened_email email_opens message_open message_opened '
		'newsletter_open newsletter_opened push_open push_opened'),
	('click', 'click clicked clicks email_click email_clicked clicked_email email_clicks email_link_clicked '
		'link_clicked link_click message_click message_clicked clicked_sms sms_clicked newsletter_click '
		'newsletter_clicked push_clicked'),
	('visit', 'visit visits visited page pages page_view page_viewed pageview viewed_page page_hit page_visit '
		'screen screen_view session session_start session_started site_visit active_on_site app_open login '
		'logged_in'),
	('view', 'view views product_view product_viewed viewed_product view_product view_item viewed_item item_viewed '
		'product_page product_page_view product_clicked product_click select_item list_product_viewed'),
	('basket', 'basket basket_add add_to_basket added_to_basket cart cart_add add_to_cart added_to_cart added_to_bag '
		'product_added product_added_to_cart item_added begin_checkout checkout_started started_checkout '
		'initiated_checkout cart_updated'),
	('share', 'share shared shares product_share product_shared shared_product cart_shared social_share '
		'shared_on_social referral referred recommend recommended'),
	('review', 'review reviewed reviews product_review product_reviewed reviewed_product review_submitted '
		'submitted_review wrote_review review_created'),
	('download', 'download downloaded downloads file_download file_downloaded content_download content_downloaded '
		'downloaded_content asset_download asset_downloaded whitepaper whitepaper_download ebook_download '
		'brochure_download brochure'),
	('event', 'event events event_attended attended_event event_attendance attended webinar webinar_attended '
		'attended_webinar event_registered event_registration registered_for_event webinar_registered '
		'webinar_registration trade_fair'),
	('pricing', 'pricing pricing_page pricing_view pricing_viewed viewed_pricing pricing_page_view '
		'pricing_page_viewed viewed_pricing_page prices'),
	('demo', 'demo demo_request demo_requested requested_demo request_demo demo_booked booked_demo book_demo '
		'contact_request contact_sales quote_request quote_requested meeting_booked'),
	('trial', 'trial trial_start trial_started started_trial start_trial trial_signup free_trial free_trial_started '
		'trialing'),
	('unsubscribe',
		'unsubscribe unsubscribed unsubscribes email_unsubscribe email_unsubscribed unsubscribed_from_email '
		'unsubscribed_from_email_marketing unsubscribed_from_list unsubscribed_from_sms_marketing opt_out '
		'opted_out spam spam_report spamreport marked_as_spam marked_email_as_spam email_marked_as_spam '
		'complaint complained'),
	('answer', 'answer answered answers survey_answer survey_answered survey_response survey_responded '
		'answered_survey response responded nps nps_response csat csat_response ces ces_response rating rated '
		'feedback'),
	('line', 'line lines order_line order_lines order_item line_item ordered_product product_ordered '
		'product_purchased purchased_product bought_product')
) AS r (role, names);

-- engagement: what people do besides buying. Opens weigh little, as mail programs
-- open by themselves; several on a day count once, and each kind has a cap.
INSERT INTO @extschema@.scorecard (card, version, min_points, max_points, description) VALUES
	('engagement', 1, 0, 100,
		'How much a customer does besides buying: mail, visits, baskets, reviews. Points of a month ago count half.');
INSERT INTO @extschema@.scorecard_rule (card, "position", rule_group, role, mode, points, half_life_days, rule_min,
		rule_max, label_en, label_fr) VALUES
	('engagement', 10, 'mail', 'open', 'day', 1, 30, NULL, 10, 'Opened a message', 'Ouverture d''un message'),
	('engagement', 20, 'mail', 'click', 'day', 3, 30, NULL, 30, 'Clicked in a message', 'Clic dans un message'),
	('engagement', 30, 'site', 'visit', 'day', 2, 30, NULL, 20, 'Visited the site', 'Visite du site'),
	('engagement', 40, 'site', 'view', 'day', 2, 30, NULL, 20, 'Looked at products', 'Consultation de produits'),
	('engagement', 50, 'site', 'basket', 'day', 8, 30, NULL, 40, 'Put something into the basket', 'Ajout au panier'),
	('engagement', 60, 'advocacy', 'share', 'day', 5, 30, NULL, 20, 'Shared or recommended',
		'Partage ou recommandation'),
	('engagement', 70, 'advocacy', 'review', 'day', 6, 30, NULL, 24, 'Wrote a review', 'Rédaction d''un avis'),
	('engagement', 80, NULL, 'event', 'day', 10, 30, NULL, 40, 'Came to an event', 'Participation à un événement'),
	('engagement', 90, NULL, 'unsubscribe', 'day', -20, 30, -40, NULL, 'Unsubscribed or complained',
		'Désabonnement ou plainte');
INSERT INTO @extschema@.scorecard_group (card, rule_group, group_min, group_max) VALUES
	('engagement', 'mail', NULL, 40),
	('engagement', 'site', NULL, 60),
	('engagement', 'advocacy', NULL, 40);
INSERT INTO @extschema@.scorecard_band (card, band, language, enter, leave, label, display_order, color) VALUES
	('engagement', 'hot', 'en', 70, 60, 'Hot', 1, '#D6604D'),
	('engagement', 'hot', 'fr', 70, 60, 'Chaud', 1, '#D6604D'),
	('engagement', 'warm', 'en', 30, 25, 'Warm', 2, '#F4A582'),
	('engagement', 'warm', 'fr', 30, 25, 'Tiède', 2, '#F4A582'),
	('engagement', 'cold', 'en', 0, 0, 'Cold', 3, '#92C5DE'),
	('engagement', 'cold', 'fr', 0, 0, 'Froid', 3, '#92C5DE');

-- maturity: how near a contact of a B2B company is to a purchase.
INSERT INTO @extschema@.scorecard (card, version, min_points, max_points, description) VALUES
	('maturity', 1, 0, 100,
		'How near a contact is to a purchase (B2B): content, prices, demonstration, trial. Points of three months '
		'ago count half.');
INSERT INTO @extschema@.scorecard_rule (card, "position", rule_group, role, mode, points, half_life_days, rule_min,
		rule_max, label_en, label_fr) VALUES
	('maturity', 10, 'interest', 'download', 'day', 5, 90, NULL, 20, 'Downloaded content', 'Téléchargement de contenu'),
	('maturity', 20, 'interest', 'event', 'day', 5, 90, NULL, 20, 'Came to an event', 'Participation à un événement'),
	('maturity', 30, 'interest', 'pricing', 'day', 10, 90, NULL, 30, 'Looked at prices', 'Consultation des tarifs'),
	('maturity', 40, 'intent', 'demo', 'once', 30, 90, NULL, NULL, 'Asked for a demonstration',
		'Demande de démonstration'),
	('maturity', 50, 'intent', 'trial', 'once', 40, 90, NULL, NULL, 'Began a trial', 'Début d''un essai'),
	('maturity', 60, NULL, 'unsubscribe', 'once', -20, 90, NULL, NULL, 'Unsubscribed or complained',
		'Désabonnement ou plainte');
INSERT INTO @extschema@.scorecard_group (card, rule_group, group_min, group_max) VALUES
	('maturity', 'interest', NULL, 50);
INSERT INTO @extschema@.scorecard_band (card, band, language, enter, leave, label, display_order, color) VALUES
	('maturity', 'SQL', 'en', 70, 55, 'Sales qualified', 1, '#1B7837'),
	('maturity', 'SQL', 'fr', 70, 55, 'Prêt pour la vente', 1, '#1B7837'),
	('maturity', 'MQL', 'en', 40, 30, 'Marketing qualified', 2, '#5AAE61'),
	('maturity', 'MQL', 'fr', 40, 30, 'Qualifié par le marketing', 2, '#5AAE61'),
	('maturity', 'lead', 'en', 10, 5, 'Lead', 3, '#A6DBA0'),
	('maturity', 'lead', 'fr', 10, 5, 'Piste', 3, '#A6DBA0'),
	('maturity', 'prospect', 'en', 0, 0, 'Prospect', 4, '#BDBDBD'),
	('maturity', 'prospect', 'fr', 0, 0, 'Prospect', 4, '#BDBDBD');

-- qualification: who a contact is, whatever they do. The lists are an example: copy
-- the card, and name the sectors and countries that you sell to.
INSERT INTO @extschema@.scorecard (card, version, min_points, max_points, description) VALUES
	('qualification', 1, 0, 100,
		'Who a contact is (B2B): sector, size, budget, role, country. An example: copy it, and name your own sectors '
		'and countries.');
INSERT INTO @extschema@.scorecard_rule (card, "position", mode, points, conditions, label_en, label_fr) VALUES
	('qualification', 10, 'fit', 20, '{"column": "sector", "op": "in", "value": ["industry", "retail", "services"]}',
		'Sector', 'Secteur'),
	('qualification', 20, 'fit', 15, '{"column": "size", "op": ">=", "value": 50}', 'At least 50 employees',
		'Au moins 50 salariés'),
	('qualification', 30, 'fit', 10, '{"column": "size", "op": ">=", "value": 250}', 'At least 250 employees',
		'Au moins 250 salariés'),
	('qualification', 40, 'fit', 25, '{"column": "budget", "op": ">=", "value": 10000}', 'Budget', 'Budget'),
	('qualification', 50, 'fit', 20,
		'{"column": "role", "op": "in", "value": ["owner", "director", "manager", "buyer"]}', 'Role in the company',
		'Fonction dans l''entreprise'),
	('qualification', 60, 'fit', 10, '{"column": "country", "op": "in", "value": ["BE", "CH", "FR", "LU"]}',
		'Country', 'Pays');
INSERT INTO @extschema@.scorecard_band (card, band, language, enter, leave, label, display_order, color) VALUES
	('qualification', 'A', 'en', 70, 70, 'A: the customers we look for', 1, '#1B7837'),
	('qualification', 'A', 'fr', 70, 70, 'A : les clients recherchés', 1, '#1B7837'),
	('qualification', 'B', 'en', 40, 40, 'B: they may fit', 2, '#A6DBA0'),
	('qualification', 'B', 'fr', 40, 40, 'B : profil possible', 2, '#A6DBA0'),
	('qualification', 'C', 'en', 0, 0, 'C: not for us', 3, '#D9D9D9'),
	('qualification', 'C', 'fr', 0, 0, 'C : hors cible', 3, '#D9D9D9');

UPDATE @extschema@.scorecard_rule SET label_fr = @extschema@._french_spaces(label_fr);
UPDATE @extschema@.scorecard_band SET label = @extschema@._french_spaces(label)
 WHERE language OPERATOR(pg_catalog.=) 'fr';

-- From here on nothing can be inserted or changed, not even by the owner: a card
-- to edit is made with create_scorecard. NOT VALID spares the rows above.
ALTER TABLE @extschema@.scorecard ADD CONSTRAINT shipped_cards_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.scorecard_rule ADD CONSTRAINT shipped_cards_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.scorecard_group ADD CONSTRAINT shipped_cards_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.scorecard_band ADD CONSTRAINT shipped_cards_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.stream_role ADD CONSTRAINT shipped_names_are_read_only CHECK (false) NOT VALID;
