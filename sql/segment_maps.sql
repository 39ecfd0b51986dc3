--
-- The segment maps shipped with the extension. sql/check_segment_maps.pl reads
-- this file during make: keep to one row a line, plain literals and one INSERT
-- for every table and map.
--

-- essential: twelve rules, each of the 125 cells matches exactly one, and one
-- refinement: customers with a first order over a year ago are not new. Every map
-- has a rule for people who have bought and got everything back: they are no
-- prospects.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('essential', 1, 5, 'The default: a handful of lists to act on, from R, F and M. Total and disjoint; one refinement by tenure.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('essential', 1, 'occasional', 4, 5, 1, 2, NULL, NULL, '{"column": "tenure_days", "op": ">", "value": 365}'),
	('essential', 10, 'vip', 4, 5, 4, 5, 4, 5, NULL),
	('essential', 20, 'upsell_potential', 4, 5, 4, 5, 1, 3, NULL),
	('essential', 21, 'upsell_potential', 3, 3, 4, 5, 1, 3, NULL),
	('essential', 22, 'upsell_potential', 3, 5, 3, 3, 1, 3, NULL),
	('essential', 30, 'new_customers', 4, 5, 1, 2, NULL, NULL, NULL),
	('essential', 40, 'regular', 3, 3, 4, 5, 4, 5, NULL),
	('essential', 41, 'regular', 3, 5, 3, 3, 4, 5, NULL),
	('essential', 50, 'occasional', 3, 3, 1, 2, NULL, NULL, NULL),
	('essential', 60, 'at_risk', 1, 2, 4, 5, NULL, NULL, NULL),
	('essential', 61, 'at_risk', 1, 2, 3, 3, 4, 5, NULL),
	('essential', 70, 'lapsed', 1, 2, 3, 3, 1, 3, NULL),
	('essential', 71, 'lapsed', 1, 2, 1, 2, NULL, NULL, NULL),
	('essential', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}');
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('essential', 'vip', 'en', 'vip', 'VIP', 'Bought recently, often, and spend the most.', 'Early access, exclusive offers, private sales; no discounts needed.', 1, '#1B7837'),
	('essential', 'vip', 'fr', 'vip', 'VIP', 'Achats récents, fréquents, et montants les plus élevés.', 'Avant-premières, offres exclusives, ventes privées ; pas de remise nécessaire.', 1, '#1B7837'),
	('essential', 'upsell_potential', 'en', 'upsell', 'Upsell potential', 'Loyal and still active, but with small total spend.', 'Recommend higher-range or complementary products from their categories.', 2, '#5AAE61'),
	('essential', 'upsell_potential', 'fr', 'upsell', 'Montée en gamme', 'Fidèles et encore actifs, mais à faible dépense.', 'Recommander la gamme supérieure ou des compléments de leurs catégories.', 2, '#5AAE61'),
	('essential', 'new_customers', 'en', 'new', 'New customers', 'First order within a year, still few orders, recently active.', 'Welcome series, advice, a reason for the second order within 60 days.', 3, '#4393C3'),
	('essential', 'new_customers', 'fr', 'new', 'Nouveaux clients', 'Première commande il y a moins d''un an, encore peu d''achats, activité récente.', 'Accueil progressif, conseils, une raison de commander à nouveau sous 60 jours.', 3, '#4393C3'),
	('essential', 'regular', 'en', 'regular', 'Regular', 'Solid customers between VIP and occasional.', 'Loyalty points, keep the rhythm; watch for longer silences.', 4, '#A6DBA0'),
	('essential', 'regular', 'fr', 'regular', 'Réguliers', 'Clients solides, entre VIP et occasionnels.', 'Points de fidélité, entretenir le rythme ; surveiller les silences.', 4, '#A6DBA0'),
	('essential', 'occasional', 'en', 'regular', 'Occasional', 'One or two orders, not recent enough to be new and not gone.', 'Seasonal offers, low contact pressure.', 5, '#D9D9D9'),
	('essential', 'occasional', 'fr', 'regular', 'Occasionnels', 'Une ou deux commandes, ni nouveaux ni perdus.', 'Offres saisonnières, faible pression marketing.', 5, '#D9D9D9'),
	('essential', 'at_risk', 'en', 'at_risk', 'At risk', 'Former good customers who have gone silent.', 'Personal win-back with a time-limited advantage, highest revenue first; ask why.', 6, '#D6604D'),
	('essential', 'at_risk', 'fr', 'at_risk', 'À risque', 'Anciens bons clients devenus inactifs.', 'Réactivation personnalisée, avantage limité dans le temps, d''abord les plus gros ; demander pourquoi.', 6, '#D6604D'),
	('essential', 'lapsed', 'en', 'lapsed', 'Lapsed', 'Few orders, long ago.', 'One low-cost reactivation a year, then stop; check the retention period.', 7, '#878787'),
	('essential', 'lapsed', 'fr', 'lapsed', 'Perdus de vue', 'Peu d''achats, et anciens.', 'Une relance peu coûteuse par an, puis arrêter ; vérifier la durée de conservation.', 7, '#878787'),
	('essential', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 8, '#BDBDBD'),
	('essential', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 8, '#BDBDBD'),
	('essential', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 9, '#C2A5CF'),
	('essential', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 9, '#C2A5CF');

-- essential_hybrid: essential with six more refinements. A refinement with unknown
-- columns never applies.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('essential_hybrid', 1, 5, 'essential, refined by other scores where they are known: engagement, satisfaction, churn, propensity, basket, change.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('essential_hybrid', 1, 'occasional', 4, 5, 1, 2, NULL, NULL, '{"column": "tenure_days", "op": ">", "value": 365}'),
	('essential_hybrid', 2, 'lapsed', 1, 1, 3, 5, NULL, NULL, '{"column": "churn_probability", "op": ">", "value": 0.95}'),
	('essential_hybrid', 3, 'at_risk', 3, 3, 4, 5, 4, 5, '{"or": [{"column": "rfm_score_change", "op": "<=", "value": -0.5}, {"column": "silence_ratio", "op": ">=", "value": 3}]}'),
	('essential_hybrid', 4, 'upsell_potential', 3, 5, 3, 5, NULL, NULL, '{"column": "basket_score", "op": "<=", "value": 2}'),
	('essential_hybrid', 5, 'ambassadors', 4, 5, 4, 5, NULL, NULL, '{"and": [{"column": "satisfaction_score", "op": ">=", "value": 9}, {"column": "engagement_score", "op": ">=", "value": 70}]}'),
	('essential_hybrid', 6, 'high_potential_low_engagement', 4, 5, 4, 5, 4, 5, '{"column": "engagement_score", "op": "<", "value": 30}'),
	('essential_hybrid', 7, 'upsell_potential', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "propensity_90d", "op": ">=", "value": 0.5}, {"column": "rfm_score", "op": "between", "value": [2.5, 4]}]}'),
	('essential_hybrid', 10, 'vip', 4, 5, 4, 5, 4, 5, NULL),
	('essential_hybrid', 20, 'upsell_potential', 4, 5, 4, 5, 1, 3, NULL),
	('essential_hybrid', 21, 'upsell_potential', 3, 3, 4, 5, 1, 3, NULL),
	('essential_hybrid', 22, 'upsell_potential', 3, 5, 3, 3, 1, 3, NULL),
	('essential_hybrid', 30, 'new_customers', 4, 5, 1, 2, NULL, NULL, NULL),
	('essential_hybrid', 40, 'regular', 3, 3, 4, 5, 4, 5, NULL),
	('essential_hybrid', 41, 'regular', 3, 5, 3, 3, 4, 5, NULL),
	('essential_hybrid', 50, 'occasional', 3, 3, 1, 2, NULL, NULL, NULL),
	('essential_hybrid', 60, 'at_risk', 1, 2, 4, 5, NULL, NULL, NULL),
	('essential_hybrid', 61, 'at_risk', 1, 2, 3, 3, 4, 5, NULL),
	('essential_hybrid', 70, 'lapsed', 1, 2, 3, 3, 1, 3, NULL),
	('essential_hybrid', 71, 'lapsed', 1, 2, 1, 2, NULL, NULL, NULL),
	('essential_hybrid', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}');
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('essential_hybrid', 'ambassadors', 'en', 'vip', 'Ambassadors', 'Buy recently and often, very satisfied and strongly engaged.', 'Ask for reviews and referrals; invite them to previews and tests.', 1, '#00441B'),
	('essential_hybrid', 'ambassadors', 'fr', 'vip', 'Ambassadeurs', 'Achats récents et fréquents, très satisfaits et très engagés.', 'Demander avis et parrainages ; les inviter aux avant-premières et aux tests.', 1, '#00441B'),
	('essential_hybrid', 'vip', 'en', 'vip', 'VIP', 'Bought recently, often, and spend the most.', 'Early access, exclusive offers, private sales; no discounts needed.', 2, '#1B7837'),
	('essential_hybrid', 'vip', 'fr', 'vip', 'VIP', 'Achats récents, fréquents, et montants les plus élevés.', 'Avant-premières, offres exclusives, ventes privées ; pas de remise nécessaire.', 2, '#1B7837'),
	('essential_hybrid', 'high_potential_low_engagement', 'en', 'upsell', 'High potential, low engagement', 'Best customers by purchases who hardly react to messages.', 'Find their channel and rhythm; personal contact instead of more mail.', 3, '#80CDC1'),
	('essential_hybrid', 'high_potential_low_engagement', 'fr', 'upsell', 'Fort potentiel, peu engagés', 'Meilleurs clients par leurs achats, mais peu réactifs aux messages.', 'Trouver leur canal et leur rythme ; contact personnel plutôt que davantage de courriels.', 3, '#80CDC1'),
	('essential_hybrid', 'upsell_potential', 'en', 'upsell', 'Upsell potential', 'Loyal and still active, but with small total spend.', 'Recommend higher-range or complementary products from their categories.', 4, '#5AAE61'),
	('essential_hybrid', 'upsell_potential', 'fr', 'upsell', 'Montée en gamme', 'Fidèles et encore actifs, mais à faible dépense.', 'Recommander la gamme supérieure ou des compléments de leurs catégories.', 4, '#5AAE61'),
	('essential_hybrid', 'new_customers', 'en', 'new', 'New customers', 'First order within a year, still few orders, recently active.', 'Welcome series, advice, a reason for the second order within 60 days.', 5, '#4393C3'),
	('essential_hybrid', 'new_customers', 'fr', 'new', 'Nouveaux clients', 'Première commande il y a moins d''un an, encore peu d''achats, activité récente.', 'Accueil progressif, conseils, une raison de commander à nouveau sous 60 jours.', 5, '#4393C3'),
	('essential_hybrid', 'regular', 'en', 'regular', 'Regular', 'Solid customers between VIP and occasional.', 'Loyalty points, keep the rhythm; watch for longer silences.', 6, '#A6DBA0'),
	('essential_hybrid', 'regular', 'fr', 'regular', 'Réguliers', 'Clients solides, entre VIP et occasionnels.', 'Points de fidélité, entretenir le rythme ; surveiller les silences.', 6, '#A6DBA0'),
	('essential_hybrid', 'occasional', 'en', 'regular', 'Occasional', 'One or two orders, not recent enough to be new and not gone.', 'Seasonal offers, low contact pressure.', 7, '#D9D9D9'),
	('essential_hybrid', 'occasional', 'fr', 'regular', 'Occasionnels', 'Une ou deux commandes, ni nouveaux ni perdus.', 'Offres saisonnières, faible pression marketing.', 7, '#D9D9D9'),
	('essential_hybrid', 'at_risk', 'en', 'at_risk', 'At risk', 'Former good customers who have gone silent.', 'Personal win-back with a time-limited advantage, highest revenue first; ask why.', 8, '#D6604D'),
	('essential_hybrid', 'at_risk', 'fr', 'at_risk', 'À risque', 'Anciens bons clients devenus inactifs.', 'Réactivation personnalisée, avantage limité dans le temps, d''abord les plus gros ; demander pourquoi.', 8, '#D6604D'),
	('essential_hybrid', 'lapsed', 'en', 'lapsed', 'Lapsed', 'Few orders, long ago.', 'One low-cost reactivation a year, then stop; check the retention period.', 9, '#878787'),
	('essential_hybrid', 'lapsed', 'fr', 'lapsed', 'Perdus de vue', 'Peu d''achats, et anciens.', 'Une relance peu coûteuse par an, puis arrêter ; vérifier la durée de conservation.', 9, '#878787'),
	('essential_hybrid', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 10, '#BDBDBD'),
	('essential_hybrid', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 10, '#BDBDBD'),
	('essential_hybrid', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 11, '#C2A5CF'),
	('essential_hybrid', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 11, '#C2A5CF');

-- standard: ten segments on R and F.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('standard', 1, 5, 'The ten segments on R and F that most tutorials show. Total and disjoint; ignores M.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('standard', 10, 'champions', 5, 5, 4, 5, NULL, NULL, NULL),
	('standard', 20, 'loyal_customers', 3, 4, 4, 5, NULL, NULL, NULL),
	('standard', 30, 'potential_loyalists', 4, 5, 2, 3, NULL, NULL, NULL),
	('standard', 40, 'new_customers', 5, 5, 1, 1, NULL, NULL, NULL),
	('standard', 50, 'promising', 4, 4, 1, 1, NULL, NULL, NULL),
	('standard', 60, 'need_attention', 3, 3, 3, 3, NULL, NULL, NULL),
	('standard', 70, 'about_to_sleep', 3, 3, 1, 2, NULL, NULL, NULL),
	('standard', 80, 'at_risk', 1, 2, 3, 4, NULL, NULL, NULL),
	('standard', 90, 'cant_lose', 1, 2, 5, 5, NULL, NULL, NULL),
	('standard', 100, 'hibernating', 1, 2, 1, 2, NULL, NULL, NULL),
	('standard', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}');
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('standard', 'champions', 'en', 'vip', 'Champions', 'Bought very recently and often.', 'Reward them, offer novelties first.', 1, '#1B7837'),
	('standard', 'champions', 'fr', 'vip', 'Champions', 'Achats très récents et fréquents.', 'Les récompenser, leur réserver les nouveautés.', 1, '#1B7837'),
	('standard', 'loyal_customers', 'en', 'upsell', 'Loyal customers', 'Buy often, last order not long ago.', 'Loyalty programme, higher-range products, ask for reviews.', 2, '#5AAE61'),
	('standard', 'loyal_customers', 'fr', 'upsell', 'Clients fidèles', 'Achats fréquents, dernière commande assez récente.', 'Programme de fidélité, gamme supérieure, demander des avis.', 2, '#5AAE61'),
	('standard', 'potential_loyalists', 'en', 'upsell', 'Potential loyalists', 'Recent customers with a few orders.', 'Membership, recommendations from their categories.', 3, '#7FBC41'),
	('standard', 'potential_loyalists', 'fr', 'upsell', 'Fidèles en devenir', 'Clients récents, quelques commandes.', 'Adhésion, recommandations dans leurs catégories.', 3, '#7FBC41'),
	('standard', 'new_customers', 'en', 'new', 'New customers', 'Bought very recently, and once by the lowest frequency score.', 'Welcome series, help with the first product.', 4, '#4393C3'),
	('standard', 'new_customers', 'fr', 'new', 'Nouveaux clients', 'Achat très récent, fréquence la plus faible.', 'Accueil progressif, aide à la prise en main.', 4, '#4393C3'),
	('standard', 'promising', 'en', 'new', 'Promising', 'Bought recently, lowest frequency score.', 'A reason for the second order soon.', 5, '#92C5DE'),
	('standard', 'promising', 'fr', 'new', 'Prometteurs', 'Achat récent, fréquence la plus faible.', 'Donner vite une raison de commander à nouveau.', 5, '#92C5DE'),
	('standard', 'need_attention', 'en', 'regular', 'Need attention', 'Medium recency and frequency.', 'Limited offer based on their last orders.', 6, '#A6DBA0'),
	('standard', 'need_attention', 'fr', 'regular', 'À entretenir', 'Récence et fréquence moyennes.', 'Offre limitée, selon leurs dernières commandes.', 6, '#A6DBA0'),
	('standard', 'about_to_sleep', 'en', 'regular', 'About to sleep', 'Medium recency, few orders.', 'Reminder with popular products before they are gone.', 7, '#D9D9D9'),
	('standard', 'about_to_sleep', 'fr', 'regular', 'En perte d''activité', 'Récence moyenne, peu de commandes.', 'Rappel avec les produits les plus demandés avant qu''ils ne partent.', 7, '#D9D9D9'),
	('standard', 'at_risk', 'en', 'at_risk', 'At risk', 'Bought fairly often, but long ago.', 'Personal win-back offer; ask why.', 8, '#D6604D'),
	('standard', 'at_risk', 'fr', 'at_risk', 'À risque', 'Achats assez fréquents, mais anciens.', 'Offre de réactivation personnalisée ; demander pourquoi.', 8, '#D6604D'),
	('standard', 'cant_lose', 'en', 'at_risk', 'Can''t lose', 'Bought most often, but long ago.', 'Call them; the best offer you can make.', 9, '#B2182B'),
	('standard', 'cant_lose', 'fr', 'at_risk', 'À ne pas perdre', 'Achats les plus fréquents, mais anciens.', 'Les appeler ; la meilleure offre possible.', 9, '#B2182B'),
	('standard', 'hibernating', 'en', 'lapsed', 'Hibernating', 'Few orders, long ago.', 'One low-cost reactivation a year.', 10, '#878787'),
	('standard', 'hibernating', 'fr', 'lapsed', 'En sommeil', 'Peu d''achats, et anciens.', 'Une relance peu coûteuse par an.', 10, '#878787'),
	('standard', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 11, '#BDBDBD'),
	('standard', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 11, '#BDBDBD'),
	('standard', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 12, '#C2A5CF'),
	('standard', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 12, '#C2A5CF');

-- klaviyo: 27 codes on three bins, written as ranges.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('klaviyo', 1, 3, 'Six groups on scores of three bins, as Klaviyo publishes them (27 codes). Total and disjoint.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('klaviyo', 10, 'champions', 3, 3, 2, 3, 3, 3, NULL),
	('klaviyo', 11, 'champions', 3, 3, 3, 3, 2, 2, NULL),
	('klaviyo', 20, 'loyal', 3, 3, 3, 3, 1, 1, NULL),
	('klaviyo', 21, 'loyal', 3, 3, 2, 2, 1, 2, NULL),
	('klaviyo', 22, 'loyal', 2, 2, 3, 3, 2, 3, NULL),
	('klaviyo', 30, 'recent', 3, 3, 1, 1, NULL, NULL, NULL),
	('klaviyo', 31, 'recent', 2, 2, 2, 2, 2, 3, NULL),
	('klaviyo', 40, 'needs_attention', 2, 2, 2, 2, 1, 1, NULL),
	('klaviyo', 41, 'needs_attention', 2, 2, 1, 1, 3, 3, NULL),
	('klaviyo', 42, 'needs_attention', 1, 1, 2, 3, 3, 3, NULL),
	('klaviyo', 43, 'needs_attention', 1, 1, 3, 3, 2, 2, NULL),
	('klaviyo', 50, 'at_risk', 2, 2, 1, 1, 1, 2, NULL),
	('klaviyo', 51, 'at_risk', 1, 2, 3, 3, 1, 1, NULL),
	('klaviyo', 52, 'at_risk', 1, 1, 2, 2, 2, 2, NULL),
	('klaviyo', 60, 'inactive', 1, 1, 2, 2, 1, 1, NULL),
	('klaviyo', 61, 'inactive', 1, 1, 1, 1, NULL, NULL, NULL),
	('klaviyo', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}');
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('klaviyo', 'champions', 'en', 'vip', 'Champions', 'Recent, frequent, highest spend.', 'Early access and thanks instead of discounts.', 1, '#1B7837'),
	('klaviyo', 'champions', 'fr', 'vip', 'Champions', 'Achats récents, fréquents, montants les plus élevés.', 'Accès anticipé et remerciements plutôt que remises.', 1, '#1B7837'),
	('klaviyo', 'loyal', 'en', 'upsell', 'Loyal', 'Order often, recently or not long ago.', 'Loyalty programme, complementary products.', 2, '#5AAE61'),
	('klaviyo', 'loyal', 'fr', 'upsell', 'Fidèles', 'Commandes fréquentes, récentes ou assez récentes.', 'Programme de fidélité, produits complémentaires.', 2, '#5AAE61'),
	('klaviyo', 'recent', 'en', 'new', 'Recent', 'Bought recently, still few orders.', 'Welcome series and a reason for the next order.', 3, '#4393C3'),
	('klaviyo', 'recent', 'fr', 'new', 'Récents', 'Achats récents, encore peu nombreux.', 'Accueil progressif et une raison de commander à nouveau.', 3, '#4393C3'),
	('klaviyo', 'needs_attention', 'en', 'regular', 'Needs attention', 'Good by one score, weakening by another.', 'Recall their favourite categories with a limited offer.', 4, '#A6DBA0'),
	('klaviyo', 'needs_attention', 'fr', 'regular', 'À entretenir', 'Bons sur un critère, en baisse sur un autre.', 'Rappeler leurs catégories favorites avec une offre limitée.', 4, '#A6DBA0'),
	('klaviyo', 'at_risk', 'en', 'at_risk', 'At risk', 'Used to order, silent for a while.', 'Win-back offer with a deadline.', 5, '#D6604D'),
	('klaviyo', 'at_risk', 'fr', 'at_risk', 'À risque', 'Commandaient, mais silencieux depuis un moment.', 'Offre de réactivation à durée limitée.', 5, '#D6604D'),
	('klaviyo', 'inactive', 'en', 'lapsed', 'Inactive', 'Few orders, long ago.', 'One last reactivation, then stop.', 6, '#878787'),
	('klaviyo', 'inactive', 'fr', 'lapsed', 'Inactifs', 'Peu d''achats, et anciens.', 'Une dernière relance, puis arrêter.', 6, '#878787'),
	('klaviyo', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 7, '#BDBDBD'),
	('klaviyo', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 7, '#BDBDBD'),
	('klaviyo', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 8, '#C2A5CF'),
	('klaviyo', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 8, '#C2A5CF');

-- shopify_names: R and fm_score = (f_score + m_score) / 2, in steps of a half.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('shopify_names', 1, 5, 'Shopify''s eleven names on R and FM = (F + M) / 2. The ranges are ours: Shopify''s are not public. Total and disjoint.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('shopify_names', 10, 'champions', 4, 5, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": ">=", "value": 4}'),
	('shopify_names', 20, 'loyal', 4, 5, NULL, NULL, NULL, NULL, '{"and": [{"column": "fm_score", "op": ">=", "value": 3}, {"column": "fm_score", "op": "<", "value": 4}]}'),
	('shopify_names', 21, 'loyal', 3, 3, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": ">=", "value": 4}'),
	('shopify_names', 30, 'active', 4, 5, NULL, NULL, NULL, NULL, '{"and": [{"column": "fm_score", "op": ">=", "value": 2}, {"column": "fm_score", "op": "<", "value": 3}]}'),
	('shopify_names', 31, 'active', 3, 3, NULL, NULL, NULL, NULL, '{"and": [{"column": "fm_score", "op": ">=", "value": 3}, {"column": "fm_score", "op": "<", "value": 4}]}'),
	('shopify_names', 40, 'new', 5, 5, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": "<", "value": 2}'),
	('shopify_names', 50, 'promising', 4, 4, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": "<", "value": 2}'),
	('shopify_names', 60, 'needs_attention', 3, 3, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": "<", "value": 3}'),
	('shopify_names', 70, 'previously_loyal', 1, 2, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": ">=", "value": 4}'),
	('shopify_names', 80, 'at_risk', 2, 2, NULL, NULL, NULL, NULL, '{"and": [{"column": "fm_score", "op": ">=", "value": 2.5}, {"column": "fm_score", "op": "<", "value": 4}]}'),
	('shopify_names', 81, 'at_risk', 1, 1, NULL, NULL, NULL, NULL, '{"and": [{"column": "fm_score", "op": ">=", "value": 3}, {"column": "fm_score", "op": "<", "value": 4}]}'),
	('shopify_names', 90, 'almost_lost', 2, 2, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": "<", "value": 2.5}'),
	('shopify_names', 100, 'dormant', 1, 1, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": "<", "value": 3}'),
	('shopify_names', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}');
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('shopify_names', 'champions', 'en', 'vip', 'Champions', 'Bought recently; highest frequency and spend.', 'Exclusive offers, referral programme.', 1, '#1B7837'),
	('shopify_names', 'champions', 'fr', 'vip', 'Champions', 'Achat récent ; fréquence et dépense les plus élevées.', 'Offres exclusives, parrainage.', 1, '#1B7837'),
	('shopify_names', 'loyal', 'en', 'upsell', 'Loyal', 'Frequency and spend above average, still active.', 'Higher-range products, loyalty points.', 2, '#5AAE61'),
	('shopify_names', 'loyal', 'fr', 'upsell', 'Fidèles', 'Fréquence et dépense supérieures à la moyenne, encore actifs.', 'Gamme supérieure, points de fidélité.', 2, '#5AAE61'),
	('shopify_names', 'active', 'en', 'regular', 'Active', 'Bought fairly recently, medium frequency and spend.', 'Recommend what goes with their last orders.', 3, '#A6DBA0'),
	('shopify_names', 'active', 'fr', 'regular', 'Actifs', 'Achat assez récent, fréquence et dépense moyennes.', 'Recommander ce qui complète leurs dernières commandes.', 3, '#A6DBA0'),
	('shopify_names', 'new', 'en', 'new', 'New', 'Bought very recently, little so far.', 'Welcome series, advice on first use.', 4, '#4393C3'),
	('shopify_names', 'new', 'fr', 'new', 'Nouveaux', 'Achat très récent, encore peu d''achats.', 'Accueil progressif, conseils de prise en main.', 4, '#4393C3'),
	('shopify_names', 'promising', 'en', 'new', 'Promising', 'Bought recently, little so far.', 'A reason for the second order.', 5, '#92C5DE'),
	('shopify_names', 'promising', 'fr', 'new', 'Prometteurs', 'Achat récent, encore peu d''achats.', 'Une raison de passer la deuxième commande.', 5, '#92C5DE'),
	('shopify_names', 'needs_attention', 'en', 'regular', 'Needs attention', 'Medium recency, low frequency and spend.', 'Limited offer to bring them back into rhythm.', 6, '#D9D9D9'),
	('shopify_names', 'needs_attention', 'fr', 'regular', 'À entretenir', 'Récence moyenne, fréquence et dépense faibles.', 'Offre limitée pour relancer le rythme.', 6, '#D9D9D9'),
	('shopify_names', 'previously_loyal', 'en', 'at_risk', 'Previously loyal', 'Highest frequency and spend, but long ago.', 'Personal contact, best win-back offer.', 7, '#B2182B'),
	('shopify_names', 'previously_loyal', 'fr', 'at_risk', 'Anciens fidèles', 'Fréquence et dépense les plus élevées, mais anciennes.', 'Contact personnel, meilleure offre de réactivation.', 7, '#B2182B'),
	('shopify_names', 'at_risk', 'en', 'at_risk', 'At risk', 'Medium frequency and spend, silent for long.', 'Win-back with a time-limited advantage.', 8, '#D6604D'),
	('shopify_names', 'at_risk', 'fr', 'at_risk', 'À risque', 'Fréquence et dépense moyennes, silencieux depuis longtemps.', 'Réactivation avec avantage limité dans le temps.', 8, '#D6604D'),
	('shopify_names', 'almost_lost', 'en', 'lapsed', 'Almost lost', 'Low frequency and spend, silent for long.', 'One low-cost reactivation.', 9, '#A8A8A8'),
	('shopify_names', 'almost_lost', 'fr', 'lapsed', 'Presque perdus', 'Fréquence et dépense faibles, silencieux depuis longtemps.', 'Une relance peu coûteuse.', 9, '#A8A8A8'),
	('shopify_names', 'dormant', 'en', 'lapsed', 'Dormant', 'Little bought, and longest ago.', 'Stop mailing; check the retention period.', 10, '#878787'),
	('shopify_names', 'dormant', 'fr', 'lapsed', 'Dormants', 'Peu d''achats, les plus anciens.', 'Arrêter les envois ; vérifier la durée de conservation.', 10, '#878787'),
	('shopify_names', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 11, '#BDBDBD'),
	('shopify_names', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 11, '#BDBDBD'),
	('shopify_names', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 12, '#C2A5CF'),
	('shopify_names', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 12, '#C2A5CF');

-- rfm_r: the published ranges overlap and the first match wins. These rules
-- are the same result without overlaps; what the published map leaves open
-- is the last rule.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('rfm_r', 1, 5, 'Example map of the R package rfm 0.3.0, for comparison. There the first match wins; here the same result as disjoint ranges. Its holes are other.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('rfm_r', 10, 'champions', 5, 5, 5, 5, 5, 5, NULL),
	('rfm_r', 20, 'potential_loyalist', 5, 5, 3, 4, 5, 5, NULL),
	('rfm_r', 21, 'potential_loyalist', 3, 5, 3, 5, 2, 4, NULL),
	('rfm_r', 22, 'potential_loyalist', 3, 4, 3, 5, 5, 5, NULL),
	('rfm_r', 30, 'loyal_customers', 3, 4, 2, 2, 2, 4, NULL),
	('rfm_r', 31, 'loyal_customers', 2, 2, 2, 4, 2, 4, NULL),
	('rfm_r', 40, 'promising', 3, 4, 2, 2, 5, 5, NULL),
	('rfm_r', 41, 'promising', 3, 4, 1, 1, 3, 5, NULL),
	('rfm_r', 50, 'new_customers', 5, 5, 3, 3, 1, 1, NULL),
	('rfm_r', 51, 'new_customers', 5, 5, 1, 2, NULL, NULL, NULL),
	('rfm_r', 52, 'new_customers', 4, 4, 1, 3, 1, 1, NULL),
	('rfm_r', 53, 'new_customers', 4, 4, 1, 1, 2, 2, NULL),
	('rfm_r', 60, 'cant_lose_them', 2, 2, 3, 4, 5, 5, NULL),
	('rfm_r', 61, 'cant_lose_them', 1, 1, 3, 4, 4, 5, NULL),
	('rfm_r', 70, 'at_risk', 2, 2, 2, 2, 5, 5, NULL),
	('rfm_r', 71, 'at_risk', 1, 2, 5, 5, 4, 5, NULL),
	('rfm_r', 72, 'at_risk', 1, 1, 2, 2, 4, 5, NULL),
	('rfm_r', 80, 'need_attention', 2, 2, 5, 5, 3, 3, NULL),
	('rfm_r', 81, 'need_attention', 1, 1, 3, 5, 3, 3, NULL),
	('rfm_r', 90, 'about_to_sleep', 3, 3, 1, 1, 2, 2, NULL),
	('rfm_r', 91, 'about_to_sleep', 2, 3, 1, 3, 1, 1, NULL),
	('rfm_r', 92, 'about_to_sleep', 2, 2, 1, 1, 2, 4, NULL),
	('rfm_r', 100, 'lost', 1, 1, NULL, NULL, 1, 2, NULL),
	('rfm_r', 101, 'lost', 1, 1, 2, 2, 3, 3, NULL),
	('rfm_r', 102, 'lost', 1, 1, 1, 1, 3, 5, NULL),
	('rfm_r', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}'),
	('rfm_r', 900, 'other', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('rfm_r', 'champions', 'en', 'vip', 'Champions', 'Best by all three scores.', 'Reward them; no discounts needed.', 1, '#1B7837'),
	('rfm_r', 'champions', 'fr', 'vip', 'Champions', 'Les meilleurs sur les trois scores.', 'Les récompenser ; pas de remise nécessaire.', 1, '#1B7837'),
	('rfm_r', 'potential_loyalist', 'en', 'upsell', 'Potential loyalists', 'Recent and fairly frequent, with medium spend or more.', 'Loyalty programme, recommendations.', 2, '#7FBC41'),
	('rfm_r', 'potential_loyalist', 'fr', 'upsell', 'Fidèles en devenir', 'Récents et assez fréquents, dépense au moins moyenne.', 'Programme de fidélité, recommandations.', 2, '#7FBC41'),
	('rfm_r', 'loyal_customers', 'en', 'upsell', 'Loyal customers', 'Medium in all three scores.', 'Higher-range products, ask for reviews.', 3, '#5AAE61'),
	('rfm_r', 'loyal_customers', 'fr', 'upsell', 'Clients fidèles', 'Moyens sur les trois scores.', 'Gamme supérieure, demander des avis.', 3, '#5AAE61'),
	('rfm_r', 'promising', 'en', 'new', 'Promising', 'Few orders, but good spend and fairly recent.', 'A reason for the next order.', 4, '#92C5DE'),
	('rfm_r', 'promising', 'fr', 'new', 'Prometteurs', 'Peu de commandes, mais bonne dépense et assez récentes.', 'Une raison de commander à nouveau.', 4, '#92C5DE'),
	('rfm_r', 'new_customers', 'en', 'new', 'New customers', 'Bought recently, few orders.', 'Welcome series.', 5, '#4393C3'),
	('rfm_r', 'new_customers', 'fr', 'new', 'Nouveaux clients', 'Achat récent, peu de commandes.', 'Accueil progressif.', 5, '#4393C3'),
	('rfm_r', 'cant_lose_them', 'en', 'at_risk', 'Can''t lose them', 'Spent much and ordered often, long ago.', 'Call them; the best offer you can make.', 6, '#B2182B'),
	('rfm_r', 'cant_lose_them', 'fr', 'at_risk', 'À ne pas perdre', 'Dépense élevée et commandes fréquentes, mais anciennes.', 'Les appeler ; la meilleure offre possible.', 6, '#B2182B'),
	('rfm_r', 'at_risk', 'en', 'at_risk', 'At risk', 'Spent much, long ago.', 'Personal win-back offer.', 7, '#D6604D'),
	('rfm_r', 'at_risk', 'fr', 'at_risk', 'À risque', 'Dépense élevée, mais ancienne.', 'Offre de réactivation personnalisée.', 7, '#D6604D'),
	('rfm_r', 'need_attention', 'en', 'regular', 'Need attention', 'Ordered often, but not lately.', 'Limited offer based on their last orders.', 8, '#A6DBA0'),
	('rfm_r', 'need_attention', 'fr', 'regular', 'À entretenir', 'Commandes fréquentes, mais pas récentes.', 'Offre limitée, selon leurs dernières commandes.', 8, '#A6DBA0'),
	('rfm_r', 'about_to_sleep', 'en', 'regular', 'About to sleep', 'Few orders, recency below average.', 'Reminder with popular products.', 9, '#D9D9D9'),
	('rfm_r', 'about_to_sleep', 'fr', 'regular', 'En perte d''activité', 'Peu de commandes, récence sous la moyenne.', 'Rappel avec les produits les plus demandés.', 9, '#D9D9D9'),
	('rfm_r', 'lost', 'en', 'lapsed', 'Lost', 'Longest ago by recency.', 'One low-cost reactivation, then stop.', 10, '#878787'),
	('rfm_r', 'lost', 'fr', 'lapsed', 'Perdus', 'Achats les plus anciens.', 'Une relance peu coûteuse, puis arrêter.', 10, '#878787'),
	('rfm_r', 'other', 'en', 'other', 'Other', 'Score combinations that the published map leaves open.', 'Look at them one by one, or use a total map.', 11, '#E0E0E0'),
	('rfm_r', 'other', 'fr', 'other', 'Autres', 'Combinaisons de scores que la carte publiée laisse ouvertes.', 'Les examiner au cas par cas, ou utiliser une carte complète.', 11, '#E0E0E0'),
	('rfm_r', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 12, '#BDBDBD'),
	('rfm_r', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 12, '#BDBDBD'),
	('rfm_r', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 13, '#C2A5CF'),
	('rfm_r', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 13, '#C2A5CF');

-- pymc_quartile: named codes on four bins, written as ranges; the rest is the
-- last rule.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('pymc_quartile', 1, 4, 'Quartile map of pymc-marketing, for comparison. The codes it does not name are other.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('pymc_quartile', 10, 'premium', 3, 4, 3, 4, 3, 4, NULL),
	('pymc_quartile', 20, 'repeat', 2, 3, 3, 3, 2, 2, NULL),
	('pymc_quartile', 21, 'repeat', 2, 2, 3, 4, 3, 4, NULL),
	('pymc_quartile', 22, 'repeat', 1, 1, 4, 4, 3, 3, NULL),
	('pymc_quartile', 30, 'top_spender', 3, 4, 1, 2, 3, 4, NULL),
	('pymc_quartile', 31, 'top_spender', 2, 2, 2, 2, 4, 4, NULL),
	('pymc_quartile', 32, 'top_spender', 1, 1, 2, 4, 4, 4, NULL),
	('pymc_quartile', 33, 'top_spender', 1, 1, 3, 3, 3, 3, NULL),
	('pymc_quartile', 40, 'at_risk', 2, 4, 1, 2, 2, 2, NULL),
	('pymc_quartile', 41, 'at_risk', 2, 2, 2, 2, 3, 3, NULL),
	('pymc_quartile', 42, 'at_risk', 2, 2, 1, 1, 4, 4, NULL),
	('pymc_quartile', 43, 'at_risk', 1, 1, 3, 3, 2, 2, NULL),
	('pymc_quartile', 44, 'at_risk', 1, 1, 2, 2, 2, 3, NULL),
	('pymc_quartile', 50, 'inactive', 2, 4, 1, 1, 1, 1, NULL),
	('pymc_quartile', 51, 'inactive', 1, 1, 1, 1, NULL, NULL, NULL),
	('pymc_quartile', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}'),
	('pymc_quartile', 900, 'other', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('pymc_quartile', 'premium', 'en', 'vip', 'Premium', 'High by all three scores.', 'Exclusive offers, early access.', 1, '#1B7837'),
	('pymc_quartile', 'premium', 'fr', 'vip', 'Premium', 'Élevés sur les trois scores.', 'Offres exclusives, accès anticipé.', 1, '#1B7837'),
	('pymc_quartile', 'repeat', 'en', 'upsell', 'Repeat', 'Order often, with medium recency.', 'Loyalty programme, complementary products.', 2, '#5AAE61'),
	('pymc_quartile', 'repeat', 'fr', 'upsell', 'Acheteurs réguliers', 'Commandes fréquentes, récence moyenne.', 'Programme de fidélité, produits complémentaires.', 2, '#5AAE61'),
	('pymc_quartile', 'top_spender', 'en', 'regular', 'Top spenders', 'High spend with few orders, or long ago.', 'Personal advice; bring the next order forward.', 3, '#A6DBA0'),
	('pymc_quartile', 'top_spender', 'fr', 'regular', 'Gros paniers', 'Dépense élevée, mais commandes rares ou anciennes.', 'Conseil personnalisé ; avancer la prochaine commande.', 3, '#A6DBA0'),
	('pymc_quartile', 'at_risk', 'en', 'at_risk', 'At risk', 'Low to medium scores, slipping away.', 'Win-back with a time-limited advantage.', 4, '#D6604D'),
	('pymc_quartile', 'at_risk', 'fr', 'at_risk', 'À risque', 'Scores faibles à moyens, en train de partir.', 'Réactivation avec avantage limité dans le temps.', 4, '#D6604D'),
	('pymc_quartile', 'inactive', 'en', 'lapsed', 'Inactive', 'Lowest frequency, mostly small spend.', 'One low-cost reactivation a year.', 5, '#878787'),
	('pymc_quartile', 'inactive', 'fr', 'lapsed', 'Inactifs', 'Fréquence la plus faible, dépense souvent faible.', 'Une relance peu coûteuse par an.', 5, '#878787'),
	('pymc_quartile', 'other', 'en', 'other', 'Other', 'Score combinations that the published map leaves open.', 'Look at them one by one, or use a total map.', 6, '#E0E0E0'),
	('pymc_quartile', 'other', 'fr', 'other', 'Autres', 'Combinaisons de scores que la carte publiée laisse ouvertes.', 'Les examiner au cas par cas, ou utiliser une carte complète.', 6, '#E0E0E0'),
	('pymc_quartile', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 7, '#BDBDBD'),
	('pymc_quartile', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 7, '#BDBDBD'),
	('pymc_quartile', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 8, '#C2A5CF'),
	('pymc_quartile', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 8, '#C2A5CF');

-- predictive: thirds of the lifetime value by the risk of churn (below 0.3, from
-- 0.7 on), in models with prediction. R, F and M decide nothing.
INSERT INTO @extschema@.segment_map (map, version, bins, description) VALUES
	('predictive', 1, 5, 'Nine segments by prediction: thirds of clv_12m (clv_score) by churn_probability below 0.3, below 0.7, above. For models with prediction.');
INSERT INTO @extschema@.segment_rule (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
	('predictive', 1, 'key', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 3}, {"column": "churn_probability", "op": "<", "value": 0.3}]}'),
	('predictive', 2, 'key_watch', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 3}, {"column": "churn_probability", "op": "<", "value": 0.7}]}'),
	('predictive', 3, 'key_leaving', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 3}, {"column": "churn_probability", "op": ">=", "value": 0.7}]}'),
	('predictive', 4, 'core', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 2}, {"column": "churn_probability", "op": "<", "value": 0.3}]}'),
	('predictive', 5, 'core_watch', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 2}, {"column": "churn_probability", "op": "<", "value": 0.7}]}'),
	('predictive', 6, 'core_leaving', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 2}, {"column": "churn_probability", "op": ">=", "value": 0.7}]}'),
	('predictive', 7, 'minor', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 1}, {"column": "churn_probability", "op": "<", "value": 0.3}]}'),
	('predictive', 8, 'minor_watch', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 1}, {"column": "churn_probability", "op": "<", "value": 0.7}]}'),
	('predictive', 9, 'minor_leaving', NULL, NULL, NULL, NULL, NULL, NULL, '{"and": [{"column": "clv_score", "op": "=", "value": 1}, {"column": "churn_probability", "op": ">=", "value": 0.7}]}'),
	('predictive', 800, 'refunded', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "score_reason", "op": "=", "value": "all_refunded"}'),
	('predictive', 900, 'unpredicted', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO @extschema@.segment_label (map, segment, language, role, label, description, action, display_order, color) VALUES
	('predictive', 'key', 'en', 'vip', 'Key customers', 'High expected value, and very probably still with us.', 'Care for them personally; early access; no discounts needed.', 1, '#1B7837'),
	('predictive', 'key', 'fr', 'vip', 'Clients clés', 'Forte valeur attendue, et très probablement toujours clients.', 'Attention personnelle, avant-premières ; pas de remise nécessaire.', 1, '#1B7837'),
	('predictive', 'key_watch', 'en', 'at_risk', 'Key, to watch', 'High expected value, but it is open whether they are still customers.', 'Contact them before others do: a personal offer now.', 2, '#D6604D'),
	('predictive', 'key_watch', 'fr', 'at_risk', 'Clients clés à surveiller', 'Forte valeur attendue, mais fidélité incertaine.', 'Les contacter avant les autres : une offre personnelle maintenant.', 2, '#D6604D'),
	('predictive', 'key_leaving', 'en', 'at_risk', 'Key, leaving', 'Would be worth much, and are probably gone already.', 'Win back one by one, highest clv_12m first; ask why.', 3, '#B2182B'),
	('predictive', 'key_leaving', 'fr', 'at_risk', 'Clients clés sur le départ', 'Vaudraient beaucoup, et sont probablement déjà partis.', 'Reconquête au cas par cas, par clv_12m décroissante ; demander pourquoi.', 3, '#B2182B'),
	('predictive', 'core', 'en', 'upsell', 'Core', 'Medium expected value, and very probably still with us.', 'Recommend higher-range or complementary products.', 4, '#5AAE61'),
	('predictive', 'core', 'fr', 'upsell', 'Clientèle de base', 'Valeur attendue moyenne, et très probablement toujours clients.', 'Recommander la gamme supérieure ou des compléments.', 4, '#5AAE61'),
	('predictive', 'core_watch', 'en', 'regular', 'Core, to watch', 'Medium expected value, open whether they are still customers.', 'A reminder with a reason to come back soon.', 5, '#A6DBA0'),
	('predictive', 'core_watch', 'fr', 'regular', 'Base à surveiller', 'Valeur attendue moyenne, fidélité incertaine.', 'Un rappel avec une raison de revenir bientôt.', 5, '#A6DBA0'),
	('predictive', 'core_leaving', 'en', 'at_risk', 'Core, leaving', 'Medium expected value, probably gone already.', 'One win-back campaign with a time-limited advantage.', 6, '#F4A582'),
	('predictive', 'core_leaving', 'fr', 'at_risk', 'Base sur le départ', 'Valeur attendue moyenne, probablement déjà partis.', 'Une campagne de réactivation à durée limitée.', 6, '#F4A582'),
	('predictive', 'minor', 'en', 'regular', 'Minor', 'Low expected value, very probably still with us.', 'Keep the contact cheap: newsletter, seasonal offers.', 7, '#D9D9D9'),
	('predictive', 'minor', 'fr', 'regular', 'Petits clients', 'Faible valeur attendue, très probablement toujours clients.', 'Contact peu coûteux : lettre d''information, offres saisonnières.', 7, '#D9D9D9'),
	('predictive', 'minor_watch', 'en', 'lapsed', 'Minor, to watch', 'Low expected value, open whether they are still customers.', 'One low-cost reactivation.', 8, '#BABABA'),
	('predictive', 'minor_watch', 'fr', 'lapsed', 'Petits à surveiller', 'Faible valeur attendue, fidélité incertaine.', 'Une relance peu coûteuse.', 8, '#BABABA'),
	('predictive', 'minor_leaving', 'en', 'lapsed', 'Minor, leaving', 'Low expected value, probably gone.', 'Leave them in peace; check the retention period.', 9, '#878787'),
	('predictive', 'minor_leaving', 'fr', 'lapsed', 'Petits sur le départ', 'Faible valeur attendue, probablement partis.', 'Les laisser tranquilles ; vérifier la durée de conservation.', 9, '#878787'),
	('predictive', 'unpredicted', 'en', 'other', 'Not predicted', 'No prediction: none asked for, or too little data.', 'See prediction_reason.', 10, '#F7F7F7'),
	('predictive', 'unpredicted', 'fr', 'other', 'Sans prédiction', 'Pas de prédiction : non demandée, ou trop peu de données.', 'Voir prediction_reason.', 10, '#F7F7F7'),
	('predictive', 'prospects', 'en', 'prospect', 'Prospects', 'Known but no order yet.', 'First-order offer if consent is given.', 11, '#BDBDBD'),
	('predictive', 'prospects', 'fr', 'prospect', 'Prospects', 'Connus, sans commande.', 'Offre de première commande, s''ils y consentent.', 11, '#BDBDBD'),
	('predictive', 'refunded', 'en', 'other', 'Refunded', 'Have bought, and got everything back: no order is left.', 'Ask what went wrong; no first-order offer.', 12, '#C2A5CF'),
	('predictive', 'refunded', 'fr', 'other', 'Remboursés', 'Ont acheté, et tout leur a été remboursé : plus aucune commande.', 'Demander ce qui n''a pas convenu ; pas d''offre de première commande.', 12, '#C2A5CF');

UPDATE @extschema@.segment_label SET label = @extschema@._french_spaces(label),
	description = @extschema@._french_spaces(description), action = @extschema@._french_spaces(action)
 WHERE language OPERATOR(pg_catalog.=) 'fr';

-- From here on nothing can be inserted or changed, not even by the owner: a map
-- to edit is made with create_segment_map. NOT VALID spares the rows above.
ALTER TABLE @extschema@.segment_map ADD CONSTRAINT shipped_maps_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.segment_rule ADD CONSTRAINT shipped_maps_are_read_only CHECK (false) NOT VALID;
ALTER TABLE @extschema@.segment_label ADD CONSTRAINT shipped_maps_are_read_only CHECK (false) NOT VALID;
