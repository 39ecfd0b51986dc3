-- Prediction: buy-till-you-die models of orders, the Gamma-Gamma model of spend,
-- lifetime value. Fits are jsonb documents that describe themselves.

-- ---- what a history says ----

CREATE FUNCTION @extschema@.btyd(
  history @extschema@.history, as_of pg_catalog.date, unit_days pg_catalog.int4 DEFAULT 7,
  OUT x pg_catalog.int4, OUT t_x pg_catalog.float8, OUT t pg_catalog.float8, OUT m pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_summary'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'For models of orders: x repeat days up to as_of, age t_x at the last of them and t at as_of in units of '
  'unit_days, mean m of a repeat day, corrections taken off; NULL if no event';

CREATE FUNCTION @extschema@.btyd_opportunities(
  history @extschema@.history, as_of pg_catalog.date, bounds pg_catalog.date[],
  OUT x pg_catalog.int4, OUT t_x pg_catalog.int4, OUT t pg_catalog.int4, OUT m pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_opportunities'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_opportunities(@extschema@.history, pg_catalog.date, pg_catalog.date[]) IS
  'For bgbb: of t opportunities since that of the first event, those that are over by as_of, x were taken, the last of '
  'them that of number t_x, with the mean value m, corrections taken off; each lasts from one day of bounds to the day '
  'before the next; NULL if no event';

CREATE FUNCTION @extschema@.ln_gaps(history @extschema@.history, as_of pg_catalog.date,
  unit_days pg_catalog.int4 DEFAULT 7) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_ln_gaps'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.ln_gaps(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'For models of regular orders: the sum of the natural logarithms of the times between event days up to as_of, in '
  'units of unit_days; 0 if there is one such day, NULL if there is none';

CREATE FUNCTION @extschema@.btyd_actual(history @extschema@.history, split_on pg_catalog.date, until pg_catalog.date,
  OUT orders pg_catalog.int4, OUT value pg_catalog.numeric) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_actual'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_actual(@extschema@.history, pg_catalog.date, pg_catalog.date) IS
  'What came of a prediction: days with an event after split_on up to until, and their totals, corrections taken off';

-- ---- fits ----

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8) IS
  'part of aggregate btyd_fit';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.int4) IS
  'part of aggregate btyd_fit';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4, replicates pg_catalog.int4,
  seed pg_catalog.int4) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.int4, pg_catalog.int4, pg_catalog.int4) IS
  'part of aggregate btyd_fit_bootstrap';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4, ln_gaps pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_gaps_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.int4, pg_catalog.float8) IS
  'part of aggregate btyd_fit';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4, weight pg_catalog.int8,
  ridge pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_weighted_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.int8, pg_catalog.float8) IS
  'part of aggregate btyd_fit';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4, ln_gaps pg_catalog.float8,
  weight pg_catalog.int8, ridge pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_gaps_weighted_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.float8, pg_catalog.int8, pg_catalog.float8) IS
  'part of aggregate btyd_fit';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4,
  covariates pg_catalog.float8[]) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_covariate_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.float8[]) IS
  'part of aggregate btyd_fit with covariates';

CREATE FUNCTION @extschema@._btyd_fit_transition(state internal, family pg_catalog.text, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, unit_days pg_catalog.int4, covariates pg_catalog.float8[],
  weight pg_catalog.int8, ridge pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_covariate_fit_weighted_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_transition(internal, pg_catalog.text, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.float8[], pg_catalog.int8, pg_catalog.float8) IS
  'part of aggregate btyd_fit with covariates';

CREATE FUNCTION @extschema@._btyd_covariate_fit_combine(state internal, other internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_covariate_fit_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_covariate_fit_combine(internal, internal) IS
  'part of aggregate btyd_fit with covariates';

CREATE FUNCTION @extschema@._btyd_covariate_fit_serialize(state internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'btyd_covariate_fit_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_covariate_fit_serialize(internal) IS
  'part of aggregate btyd_fit with covariates';

CREATE FUNCTION @extschema@._btyd_covariate_fit_deserialize(bytes pg_catalog.bytea, unused internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_covariate_fit_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_covariate_fit_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregate btyd_fit with covariates';

CREATE FUNCTION @extschema@._btyd_covariate_fit_final(state internal) RETURNS pg_catalog.jsonb
  AS 'MODULE_PATHNAME', 'btyd_covariate_fit_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_covariate_fit_final(internal) IS
  'part of aggregate btyd_fit with covariates';

CREATE FUNCTION @extschema@._btyd_fit_combine(state internal, other internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_combine(internal, internal) IS
  'part of aggregates btyd_fit, spend_fit and their bootstraps';

CREATE FUNCTION @extschema@._btyd_fit_serialize(state internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'btyd_fit_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_serialize(internal) IS
  'part of aggregates btyd_fit, spend_fit and their bootstraps';

CREATE FUNCTION @extschema@._btyd_fit_deserialize(bytes pg_catalog.bytea, unused internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'btyd_fit_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregates btyd_fit and btyd_fit_bootstrap';

CREATE FUNCTION @extschema@._btyd_fit_final(state internal) RETURNS pg_catalog.jsonb
  AS 'MODULE_PATHNAME', 'btyd_fit_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_final(internal) IS
  'part of aggregates btyd_fit and spend_fit';

CREATE FUNCTION @extschema@._btyd_fit_bootstrap_final(state internal) RETURNS pg_catalog.jsonb
  AS 'MODULE_PATHNAME', 'btyd_fit_bootstrap_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._btyd_fit_bootstrap_final(internal) IS
  'part of aggregates btyd_fit_bootstrap and spend_fit_bootstrap';

CREATE FUNCTION @extschema@._spend_fit_transition(state internal, x pg_catalog.float8, m pg_catalog.float8)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'spend_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._spend_fit_transition(internal, pg_catalog.float8, pg_catalog.float8) IS
  'part of aggregate spend_fit';

CREATE FUNCTION @extschema@._spend_fit_transition(state internal, x pg_catalog.float8, m pg_catalog.float8,
  weight pg_catalog.int8, ridge pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'spend_fit_weighted_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._spend_fit_transition(internal, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int8, pg_catalog.float8) IS
  'part of aggregate spend_fit';

CREATE FUNCTION @extschema@._spend_fit_transition(state internal, x pg_catalog.float8, m pg_catalog.float8,
  replicates pg_catalog.int4, seed pg_catalog.int4) RETURNS internal
  AS 'MODULE_PATHNAME', 'spend_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._spend_fit_transition(internal, pg_catalog.float8, pg_catalog.float8, pg_catalog.int4,
  pg_catalog.int4) IS
  'part of aggregate spend_fit_bootstrap';

CREATE FUNCTION @extschema@._spend_fit_deserialize(bytes pg_catalog.bytea, unused internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'spend_fit_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._spend_fit_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregates spend_fit and spend_fit_bootstrap';

-- The final functions compress the state, which means the same before and after:
-- for the planner they only read. SSPACE: 32 patterns; it doubles as needed.

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._btyd_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Maximum likelihood fit of a buy-till-you-die model to customers, one a row, in units of 7 days: mbgnbd (Batislam, '
  'Denizel and Filiztekin 2007), bgnbd (Fader, Hardie and Lee 2005), paretonbd (Schmittlein, Morrison and Colombo '
  '1987), mbgcnbd-1 to mbgcnbd-12 with a given regularity k (Reutterer, Platzer and Schroeder 2021), or bgbb of x '
  'taken of t opportunities, the last of them that of number t_x (Fader, Hardie and Shang 2010); rows with a NULL are '
  'ignored; status and reason in the document say why there are no parameters; an error if family is NULL';

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._btyd_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int4) IS
  'Maximum likelihood fit of a buy-till-you-die model to customers, one a row, in units of unit_days; the rest as '
  'with units of 7 days; an error if family or unit_days is NULL';

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4, ln_gaps pg_catalog.float8) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._btyd_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int4, pg_catalog.float8) IS
  'Maximum likelihood fit of a buy-till-you-die model to customers, one a row, in units of unit_days, with the sum '
  'ln_gaps of the natural logarithms of the times between event days, by which mbgcnbd (Reutterer, Platzer and '
  'Schroeder 2021) chooses the regularity k of the greatest likelihood, from 1 to 12; the rest as without ln_gaps';

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4, weight pg_catalog.int8, ridge pg_catalog.float8) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._btyd_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int4, pg_catalog.int8, pg_catalog.float8) IS
  'The same with weights and a ridge: weight is the number of customers that a row stands for (0: none); from the '
  'likelihood comes half of ridge times the sum of squared logarithms of the parameters, alpha and beta by mean ages '
  '(a normal prior of variance 1 / ridge), so that there is a maximum where the likelihood alone rises for ever; the '
  'document says so; an error if ridge is NULL';

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4, ln_gaps pg_catalog.float8, weight pg_catalog.int8,
  ridge pg_catalog.float8) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._btyd_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int4, pg_catalog.float8, pg_catalog.int8, pg_catalog.float8) IS
  'The same with ln_gaps, which chooses the k of mbgcnbd, a weight and a ridge';

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4, covariates pg_catalog.float8[]) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_covariate_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_covariate_fit_combine,
  SERIALFUNC = @extschema@._btyd_covariate_fit_serialize, DESERIALFUNC = @extschema@._btyd_covariate_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int4, pg_catalog.float8[]) IS
  'Maximum likelihood fit of mbgnbd, bgnbd or paretonbd with covariates, numbers that are known of a customer from the '
  'start: the rate of orders is exp(effects on orders times covariates) times as large, and so is that of leaving of '
  'paretonbd (Fader and Hardie 2007), or the odds a / b of leaving after an order of the others; rows with a NULL are '
  'ignored; btyd_fit_at says what it means for a customer';

CREATE AGGREGATE @extschema@.btyd_fit(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4, covariates pg_catalog.float8[], weight pg_catalog.int8,
  ridge pg_catalog.float8) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_covariate_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_covariate_fit_combine,
  SERIALFUNC = @extschema@._btyd_covariate_fit_serialize, DESERIALFUNC = @extschema@._btyd_covariate_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit(pg_catalog.text, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.int4, pg_catalog.float8[], pg_catalog.int8, pg_catalog.float8) IS
  'The same with a weight, the number of customers that a row stands for, and a ridge, for effects by standard '
  'deviations of their covariates, too';

CREATE AGGREGATE @extschema@.btyd_fit_bootstrap(family pg_catalog.text, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, unit_days pg_catalog.int4, replicates pg_catalog.int4, seed pg_catalog.int4) (
  SFUNC = @extschema@._btyd_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_bootstrap_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._btyd_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.btyd_fit_bootstrap(pg_catalog.text, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.int4, pg_catalog.int4, pg_catalog.int4) IS
  'As many fits as replicates, each to customers drawn with replacement (the bootstrap), as a jsonb array for '
  'btyd_interval and the like; rows with a NULL are ignored; the same seed gives the same fits; a fit whose likelihood '
  'has no maximum has the parameters where its search ended, and its status and reason say so; the k of mbgcnbd is '
  'given, for example mbgcnbd-2';

CREATE AGGREGATE @extschema@.spend_fit(x pg_catalog.float8, m pg_catalog.float8) (
  SFUNC = @extschema@._spend_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._spend_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.spend_fit(pg_catalog.float8, pg_catalog.float8) IS
  'Maximum likelihood fit of the Gamma-Gamma model of spend (Fader and Hardie 2013) to customers with x repeat days '
  'of mean m, one a row; rows with a NULL, without repeat days or with a mean not above 0 are left out; status and '
  'reason say why there are no parameters';

CREATE AGGREGATE @extschema@.spend_fit(x pg_catalog.float8, m pg_catalog.float8, weight pg_catalog.int8,
  ridge pg_catalog.float8) (
  SFUNC = @extschema@._spend_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._spend_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.spend_fit(pg_catalog.float8, pg_catalog.float8, pg_catalog.int8,
  pg_catalog.float8) IS
  'The same with a weight, the number of customers that a row stands for (0: none), and a ridge: half of it times the '
  'sum of squared logarithms of p, q and gamma by the mean comes from the likelihood; an error if ridge is NULL';

CREATE AGGREGATE @extschema@.spend_fit_bootstrap(x pg_catalog.float8, m pg_catalog.float8,
  replicates pg_catalog.int4, seed pg_catalog.int4) (
  SFUNC = @extschema@._spend_fit_transition, STYPE = internal, SSPACE = 1200,
  FINALFUNC = @extschema@._btyd_fit_bootstrap_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._btyd_fit_combine,
  SERIALFUNC = @extschema@._btyd_fit_serialize, DESERIALFUNC = @extschema@._spend_fit_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.spend_fit_bootstrap(pg_catalog.float8, pg_catalog.float8, pg_catalog.int4,
  pg_catalog.int4) IS
  'As many spend fits as replicates, each to customers drawn with replacement (the bootstrap), as a jsonb array for '
  'spend_interval and clv_interval; rows are left out as by spend_fit; the same seed gives the same fits';

CREATE FUNCTION @extschema@.btyd_fit_at(fit pg_catalog.jsonb, covariates pg_catalog.float8[]) RETURNS pg_catalog.jsonb
  AS 'MODULE_PATHNAME', 'btyd_fit_at'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_fit_at(pg_catalog.jsonb, pg_catalog.float8[]) IS
  'The fit of customers with these covariates, from a fit with covariates: an ordinary document for all predictions; '
  'NULL if a covariate is NULL or a parameter beyond double precision; a fit without parameters comes back as it is';

-- ---- regularity ----

CREATE FUNCTION @extschema@._regularity_transition(state internal, history @extschema@.history, as_of pg_catalog.date)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'regularity_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._regularity_transition(internal, @extschema@.history, pg_catalog.date) IS
  'part of aggregate regularity';

CREATE FUNCTION @extschema@._regularity_combine(state internal, other internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'regularity_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._regularity_combine(internal, internal) IS
  'part of aggregate regularity';

CREATE FUNCTION @extschema@._regularity_serialize(state internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'regularity_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._regularity_serialize(internal) IS
  'part of aggregate regularity';

CREATE FUNCTION @extschema@._regularity_deserialize(bytes pg_catalog.bytea, unused internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'regularity_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._regularity_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregate regularity';

CREATE FUNCTION @extschema@._regularity_final(state internal) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'regularity_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._regularity_final(internal) IS
  'part of aggregate regularity';

CREATE AGGREGATE @extschema@.regularity(history @extschema@.history, as_of pg_catalog.date) (
  SFUNC = @extschema@._regularity_transition, STYPE = internal, SSPACE = 64,
  FINALFUNC = @extschema@._regularity_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._regularity_combine,
  SERIALFUNC = @extschema@._regularity_serialize, DESERIALFUNC = @extschema@._regularity_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.regularity(@extschema@.history, pg_catalog.date) IS
  'How regular the times between event days are, by the last two of each customer up to as_of (Wheat and Morrison '
  '1990): about 1 where orders come at random, k where gaps are Erlang-k, infinity where all are equal; NULL if no '
  'customer has three event days; rows with a NULL are ignored';

-- ---- likelihood ----

CREATE FUNCTION @extschema@.btyd_log_likelihood(fit pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, ln_gaps pg_catalog.float8 DEFAULT NULL) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_log_likelihood_customer'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_log_likelihood(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8) IS
  'Log-likelihood of a customer at the parameters of a fit, which btyd_fit sums up over all; ln_gaps may be NULL but '
  'for mbgcnbd with k above 1; NULL if another argument is NULL or the fit has no parameters';

CREATE FUNCTION @extschema@.btyd_log_likelihood(fit pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_log_likelihood_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_log_likelihood(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Log-likelihood of the event days of a history up to as_of, at the parameters of a fit; NULL if there is none, or '
  'the fit has no parameters';

CREATE FUNCTION @extschema@.spend_log_likelihood(fit pg_catalog.jsonb, x pg_catalog.float8, m pg_catalog.float8)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_spend_log_likelihood'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.spend_log_likelihood(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8) IS
  'Log-likelihood of the mean m of x repeat days at the parameters of a fit of spend; NULL for those that spend_fit '
  'leaves out, and if the fit has no parameters';

CREATE FUNCTION @extschema@.spend_log_likelihood(fit pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_spend_log_likelihood_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.spend_log_likelihood(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Log-likelihood of the mean of the repeat days of a history up to as_of, at the parameters of a fit of spend; NULL '
  'for those that spend_fit leaves out, and if the fit has no parameters';

CREATE FUNCTION @extschema@.likelihood_ratio(restricted pg_catalog.jsonb, full_fit pg_catalog.jsonb,
  OUT statistic pg_catalog.float8, OUT degrees_of_freedom pg_catalog.int4, OUT p pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_likelihood_ratio'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.likelihood_ratio(pg_catalog.jsonb, pg_catalog.jsonb) IS
  'Whether a fit with more parameters explains the same customers better than a special case of it, by the likelihood '
  'ratio (Wilks 1938); either may be an array of fits to different customers, to see whether groups differ from all '
  'together; NULL if a fit has no parameters';

-- ---- choice ----

CREATE FUNCTION @extschema@._choose_family_transition(state internal, history @extschema@.history,
  split_on pg_catalog.date, until pg_catalog.date) RETURNS internal
  AS 'MODULE_PATHNAME', 'choose_family_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._choose_family_transition(internal, @extschema@.history, pg_catalog.date,
  pg_catalog.date) IS
  'part of aggregate choose_family';

CREATE FUNCTION @extschema@._choose_family_combine(state internal, other internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'choose_family_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._choose_family_combine(internal, internal) IS
  'part of aggregate choose_family';

CREATE FUNCTION @extschema@._choose_family_serialize(state internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'choose_family_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._choose_family_serialize(internal) IS
  'part of aggregate choose_family';

CREATE FUNCTION @extschema@._choose_family_deserialize(bytes pg_catalog.bytea, unused internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'choose_family_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._choose_family_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregate choose_family';

CREATE FUNCTION @extschema@._choose_family_final(state internal) RETURNS pg_catalog.jsonb
  AS 'MODULE_PATHNAME', 'choose_family_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._choose_family_final(internal) IS
  'part of aggregate choose_family';

-- The final function compresses the state, which means the same before and after.
CREATE AGGREGATE @extschema@.choose_family(history @extschema@.history, split_on pg_catalog.date,
  until pg_catalog.date) (
  SFUNC = @extschema@._choose_family_transition, STYPE = internal, SSPACE = 1600,
  FINALFUNC = @extschema@._choose_family_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._choose_family_combine,
  SERIALFUNC = @extschema@._choose_family_serialize, DESERIALFUNC = @extschema@._choose_family_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.choose_family(@extschema@.history, pg_catalog.date, pg_catalog.date) IS
  'Every family fitted to what was known on split_on and held against the days with an event from then until until, '
  'as a document: chosen is the family with the least mean absolute error of a customer''s orders, of those within 1 % '
  'of it the one that gave the greatest probability to what came; NULL if none has a fit; choose_family_table shows '
  'the others; customers without an event by split_on and NULL are ignored';

CREATE FUNCTION @extschema@.choose_family_table(choice pg_catalog.jsonb)
  RETURNS TABLE (family pg_catalog.text, k pg_catalog.int4, is_chosen pg_catalog.bool, status pg_catalog.text,
    reason pg_catalog.text, log_likelihood pg_catalog.float8, aic pg_catalog.float8, bic pg_catalog.float8,
    expected_orders pg_catalog.float8, orders_bias pg_catalog.float8, mean_absolute_error pg_catalog.float8,
    brier_score pg_catalog.float8, holdout_log_likelihood pg_catalog.float8)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
  SELECT f.family, (f.fit OPERATOR(pg_catalog.#>>) '{parameters,k}')::pg_catalog.int4,
         COALESCE(f.family OPERATOR(pg_catalog.=) (choice OPERATOR(pg_catalog.->>) 'chosen'), false),
         f.fit OPERATOR(pg_catalog.->>) 'status', f.fit OPERATOR(pg_catalog.->>) 'reason',
         (f.fit OPERATOR(pg_catalog.->>) 'log_likelihood')::pg_catalog.float8,
         (f.fit OPERATOR(pg_catalog.->>) 'aic')::pg_catalog.float8,
         (f.fit OPERATOR(pg_catalog.->>) 'bic')::pg_catalog.float8, f.expected_orders,
         f.expected_orders OPERATOR(pg_catalog./)
           NULLIF((choice OPERATOR(pg_catalog.->>) 'actual_orders')::pg_catalog.float8, 0)
           OPERATOR(pg_catalog.-) 1::pg_catalog.float8,
         f.mean_absolute_error, f.brier_score, f.holdout_log_likelihood
    FROM pg_catalog.jsonb_to_recordset(choice OPERATOR(pg_catalog.->) 'families') AS f (family pg_catalog.text,
         fit pg_catalog.jsonb, expected_orders pg_catalog.float8, mean_absolute_error pg_catalog.float8,
         brier_score pg_catalog.float8, holdout_log_likelihood pg_catalog.float8)
   ORDER BY 3 DESC, f.mean_absolute_error, f.family COLLATE "C";
END;
COMMENT ON FUNCTION @extschema@.choose_family_table(pg_catalog.jsonb) IS
  'What choose_family found, as rows, the chosen one first: the fit of each family with its likelihood and criteria, '
  'and what it expected of the hold-out: days with an event and their bias, the mean absolute error of a customer, the '
  'Brier score of who comes at all, the log-likelihood of the numbers of days; no rows for NULL';

-- ---- predictions ----

CREATE FUNCTION @extschema@.btyd_alive(fit pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_alive'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_alive(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Probability that a customer with this past still is one';

CREATE FUNCTION @extschema@.btyd_alive(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_alive_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_alive(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Probability on the day as_of that a customer with this history still is one';

CREATE FUNCTION @extschema@.btyd_expected(fit pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, horizon pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_expected'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_expected(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8) IS
  'Expected number of further days with an event within the horizon, in the unit of the fit';

CREATE FUNCTION @extschema@.btyd_expected(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  horizon_days pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_expected_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_expected(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8) IS
  'Expected number of days with an event in the horizon_days after as_of';

CREATE FUNCTION @extschema@.btyd_expected_new(fit pg_catalog.jsonb, horizon pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_new'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_expected_new(pg_catalog.jsonb, pg_catalog.float8) IS
  'Expected number of repeat days of a new customer within the horizon after the first event, in the unit of the fit';

CREATE FUNCTION @extschema@.btyd_probability(fit pg_catalog.jsonb, n pg_catalog.int4, t pg_catalog.float8)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_probability'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_probability(pg_catalog.jsonb, pg_catalog.int4, pg_catalog.float8) IS
  'Probability that a new customer has n repeat days within t after the first event, in the unit of the fit';

CREATE FUNCTION @extschema@.btyd_probability(fit pg_catalog.jsonb, n pg_catalog.int4, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, horizon pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_probability_after'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_probability(pg_catalog.jsonb, pg_catalog.int4, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Probability of exactly n further days with an event within the horizon, in the unit of the fit; n = 0: of none';

CREATE FUNCTION @extschema@.btyd_probability(fit pg_catalog.jsonb, n pg_catalog.int4, history @extschema@.history,
  as_of pg_catalog.date, horizon_days pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_probability_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_probability(pg_catalog.jsonb, pg_catalog.int4, @extschema@.history,
  pg_catalog.date, pg_catalog.float8) IS
  'Probability of exactly n days with an event in the horizon_days after as_of; n = 0: of none';

CREATE FUNCTION @extschema@.btyd_residual(fit pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, rate pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_residual'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_residual(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8) IS
  'Discounted expected number of all further days with an event, at a continuous rate per unit of the fit; paretonbd '
  'and bgbb only';

CREATE FUNCTION @extschema@.btyd_residual(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  discount_per_year pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_residual_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_residual(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8) IS
  'Discounted expected number of all further days with an event after as_of; paretonbd only';

CREATE FUNCTION @extschema@.next_order_expected_on(fit pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date, within_days pg_catalog.int4 DEFAULT 1095) RETURNS pg_catalog.date
  AS 'MODULE_PATHNAME', 'btyd_next_order'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.next_order_expected_on(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.int4) IS
  'The first day by which one further day with an event is expected; NULL if not within within_days of as_of';

CREATE FUNCTION @extschema@.spend_expected(fit pg_catalog.jsonb, x pg_catalog.float8, m pg_catalog.float8)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_spend_expected'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.spend_expected(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8) IS
  'Expected mean value of a day with an event of a customer with x repeat days of mean m, in the unit of m; m may be '
  'NULL where x is 0; NULL if another argument is NULL or the fit has no parameters';

CREATE FUNCTION @extschema@.spend_expected(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_spend_expected_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.spend_expected(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Expected mean value of a day with an event of a customer with this history, in the unit of the values; NULL where '
  'spend_fit has no parameters';

CREATE FUNCTION @extschema@.clv(btyd_fit pg_catalog.jsonb, spend_fit pg_catalog.jsonb, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, m pg_catalog.float8, periods pg_catalog.int4,
  period_units pg_catalog.float8, discount_per_period pg_catalog.float8, margin pg_catalog.float8 DEFAULT 1)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_clv'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.clv(pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Lifetime value: expected value of the next periods, each of so many units of the fit and discounted at its end, '
  'times margin, in the unit of m; m may be NULL where x is 0; NULL if another argument is NULL or a fit has no '
  'parameters';

CREATE FUNCTION @extschema@.clv(btyd_fit pg_catalog.jsonb, spend_fit pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date, periods pg_catalog.int4, period_days pg_catalog.float8, discount_per_period pg_catalog.float8,
  margin pg_catalog.float8 DEFAULT 1) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_clv_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.clv(pg_catalog.jsonb, pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.int4, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Lifetime value: expected value of the next periods, each of so many days and discounted at its end, times margin, '
  'in the unit of the values; NULL where a fit has no parameters';

CREATE FUNCTION @extschema@.btyd_residual(fit pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, rate pg_catalog.float8, horizon pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_residual_within'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_residual(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8) IS
  'Discounted expected number of further days with an event within the horizon, at a continuous rate per unit of the '
  'fit, of any family';

CREATE FUNCTION @extschema@.btyd_residual(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  discount_per_year pg_catalog.float8, horizon_days pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_predict_residual_within_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_residual(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8, pg_catalog.float8) IS
  'Discounted expected number of days with an event in the horizon_days after as_of, of any family';

CREATE FUNCTION @extschema@.residual_value(btyd_fit pg_catalog.jsonb, spend_fit pg_catalog.jsonb, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, m pg_catalog.float8, rate pg_catalog.float8,
  margin pg_catalog.float8 DEFAULT 1) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_residual_value'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.residual_value(pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Value of all that is to come, without a horizon: btyd_residual times spend_expected times margin, in the unit of m, '
  'which may be NULL where x is 0; paretonbd and bgbb only; NULL if another argument is NULL or a fit has no '
  'parameters';

CREATE FUNCTION @extschema@.residual_value(btyd_fit pg_catalog.jsonb, spend_fit pg_catalog.jsonb,
  history @extschema@.history, as_of pg_catalog.date, discount_per_year pg_catalog.float8,
  margin pg_catalog.float8 DEFAULT 1) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_residual_value_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.residual_value(pg_catalog.jsonb, pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8, pg_catalog.float8) IS
  'Value of all that is to come after as_of, without a horizon: btyd_residual times spend_expected times margin, in '
  'the unit of the values; paretonbd only; NULL where a fit has no parameters';

-- ---- rows for pictures ----

CREATE FUNCTION @extschema@.btyd_matrix(fit pg_catalog.jsonb, t pg_catalog.float8, horizon pg_catalog.float8,
  most_x pg_catalog.int4 DEFAULT 12, steps pg_catalog.int4 DEFAULT 12)
  RETURNS TABLE (x pg_catalog.int4, silence pg_catalog.float8, alive pg_catalog.float8, expected pg_catalog.float8,
    probability_of_none pg_catalog.float8)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 150
BEGIN ATOMIC
  SELECT n.x, t OPERATOR(pg_catalog.-) s.t_x,
         @extschema@.btyd_alive(fit, n.x, s.t_x, t),
         @extschema@.btyd_expected(fit, n.x, s.t_x, t, horizon),
         @extschema@.btyd_probability(fit, 0, n.x, s.t_x, t, horizon)
    FROM pg_catalog.generate_series(0, LEAST(most_x, 1000)) AS n (x),
         pg_catalog.generate_series(0, LEAST(steps, 1000)) AS i (step),
         LATERAL (SELECT CASE WHEN i.step OPERATOR(pg_catalog.=) LEAST(steps, 1000) THEN t
                              ELSE t OPERATOR(pg_catalog.*) (i.step::pg_catalog.float8
                                OPERATOR(pg_catalog./) LEAST(steps, 1000)) END AS t_x) AS s
   -- who came once is silent since then, and who came again did so after it
   WHERE (n.x OPERATOR(pg_catalog.=) 0) OPERATOR(pg_catalog.=) (i.step OPERATOR(pg_catalog.=) 0)
     AND fit IS NOT NULL AND t IS NOT NULL AND horizon IS NOT NULL AND most_x IS NOT NULL AND steps IS NOT NULL
   ORDER BY n.x, s.t_x;
END;
COMMENT ON FUNCTION @extschema@.btyd_matrix(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8, pg_catalog.int4,
  pg_catalog.int4) IS
  'What a fit says of customers of age t, by repeat days x from 0 to most_x and by silence since the last of them, in '
  'as many steps: probability to be a customer, expected days with an event within the horizon, probability of none; '
  'in the unit of the fit; x 0 has the silence t alone; most_x and steps count up to 1,000; no rows for a NULL';

CREATE FUNCTION @extschema@.btyd_alive_days(fit pg_catalog.jsonb, history @extschema@.history,
  from_day pg_catalog.date, until pg_catalog.date, step_days pg_catalog.int4 DEFAULT 7)
  RETURNS TABLE (day pg_catalog.date, active_days pg_catalog.int4, alive pg_catalog.float8)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
  SELECT s.day, @extschema@.active_days(history, s.day), @extschema@.btyd_alive(fit, history, s.day)
    FROM pg_catalog.generate_series(0, LEAST(until OPERATOR(pg_catalog.-) from_day,
           9999 OPERATOR(pg_catalog.*) LEAST(step_days, 200000)), step_days) AS n (days),
         LATERAL (SELECT from_day OPERATOR(pg_catalog.+) n.days AS day) AS s
   WHERE fit IS NOT NULL AND history IS NOT NULL AND until IS NOT NULL
   ORDER BY s.day;
END;
COMMENT ON FUNCTION @extschema@.btyd_alive_days(pg_catalog.jsonb, @extschema@.history, pg_catalog.date, pg_catalog.date,
  pg_catalog.int4) IS
  'How the probability to be a customer went: of each day from from_day until until, every step_days, the days with an '
  'event by then, and btyd_alive by what was known then; NULL before the first; at most 10,000 rows; none for a NULL';

-- ---- intervals ----

CREATE FUNCTION @extschema@.btyd_interval(fits pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, horizon pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9,
  OUT lower pg_catalog.float8, OUT upper pg_catalog.float8) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_interval'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_interval(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8) IS
  'Between which values btyd_expected lies among the fits of btyd_fit_bootstrap; NULL where more than one fit in ten '
  'failed';

CREATE FUNCTION @extschema@.btyd_interval(fits pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  horizon_days pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8,
  OUT upper pg_catalog.float8) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_interval(pg_catalog.jsonb, @extschema@.history, pg_catalog.date, pg_catalog.float8,
  pg_catalog.float8) IS
  'Between which values btyd_expected lies among the fits of btyd_fit_bootstrap; NULL where more than one fit in ten '
  'failed';

CREATE FUNCTION @extschema@.btyd_alive_interval(fits pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8, OUT upper pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_alive_interval'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_alive_interval(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8) IS
  'Between which values btyd_alive lies among the fits of btyd_fit_bootstrap; NULL where more than one fit in ten '
  'failed';

CREATE FUNCTION @extschema@.btyd_alive_interval(fits pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date, level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8, OUT upper pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_alive_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_alive_interval(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8) IS
  'Between which values btyd_alive lies on the day as_of among the fits of btyd_fit_bootstrap; NULL where more than '
  'one fit in ten failed';

CREATE FUNCTION @extschema@.btyd_probability_interval(fits pg_catalog.jsonb, n pg_catalog.int4, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, horizon pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9,
  OUT lower pg_catalog.float8, OUT upper pg_catalog.float8) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_probability_interval'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_probability_interval(pg_catalog.jsonb, pg_catalog.int4, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Between which values btyd_probability lies, of exactly n further days with an event within the horizon, among '
  'the fits of btyd_fit_bootstrap; NULL where more than one fit in ten failed';

CREATE FUNCTION @extschema@.btyd_probability_interval(fits pg_catalog.jsonb, n pg_catalog.int4,
  history @extschema@.history, as_of pg_catalog.date, horizon_days pg_catalog.float8,
  level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8, OUT upper pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_probability_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_probability_interval(pg_catalog.jsonb, pg_catalog.int4, @extschema@.history,
  pg_catalog.date, pg_catalog.float8, pg_catalog.float8) IS
  'Between which values btyd_probability lies, of exactly n days with an event in the horizon_days after as_of, '
  'among the fits of btyd_fit_bootstrap; NULL where more than one fit in ten failed';

CREATE FUNCTION @extschema@.btyd_count_interval(fits pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, horizon pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.int4,
  OUT upper pg_catalog.int4) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_count_interval'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_count_interval(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Between which numbers of further days with an event within the horizon one customer stays with a probability of '
  'at least level, by the fits of btyd_fit_bootstrap together: what is not known of the parameters, and chance; '
  'NULL where more than one fit in ten failed, or beyond 10,000 days';

CREATE FUNCTION @extschema@.btyd_count_interval(fits pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date, horizon_days pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9,
  OUT lower pg_catalog.int4, OUT upper pg_catalog.int4) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_count_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_count_interval(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8, pg_catalog.float8) IS
  'Between which numbers of days with an event in the horizon_days after as_of one customer stays with a '
  'probability of at least level, by the fits of btyd_fit_bootstrap together: what is not known of the parameters, '
  'and chance; NULL where more than one fit in ten failed, or beyond 10,000 days';

CREATE FUNCTION @extschema@.btyd_residual_interval(fits pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8, rate pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8,
  OUT upper pg_catalog.float8) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_residual_interval'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_residual_interval(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Between which values btyd_residual lies among the fits of btyd_fit_bootstrap; NULL where more than one fit in '
  'ten failed; paretonbd and bgbb only';

CREATE FUNCTION @extschema@.btyd_residual_interval(fits pg_catalog.jsonb, history @extschema@.history,
  as_of pg_catalog.date, discount_per_year pg_catalog.float8, level pg_catalog.float8 DEFAULT 0.9,
  OUT lower pg_catalog.float8, OUT upper pg_catalog.float8) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_residual_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.btyd_residual_interval(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8, pg_catalog.float8) IS
  'Between which values btyd_residual lies after as_of among the fits of btyd_fit_bootstrap; NULL where more than '
  'one fit in ten failed; paretonbd only';

CREATE FUNCTION @extschema@.spend_interval(fits pg_catalog.jsonb, x pg_catalog.float8, m pg_catalog.float8,
  level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8, OUT upper pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_spend_interval'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.spend_interval(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8) IS
  'Between which values spend_expected lies among the fits of spend_fit_bootstrap, in the unit of m, which may be '
  'NULL where x is 0; NULL if another argument is NULL or more than one fit in ten failed';

CREATE FUNCTION @extschema@.spend_interval(fits pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8, OUT upper pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_spend_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.spend_interval(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8) IS
  'Between which values spend_expected lies among the fits of spend_fit_bootstrap, in the unit of the values; NULL '
  'where more than one fit in ten failed';

CREATE FUNCTION @extschema@.clv_interval(btyd_fits pg_catalog.jsonb, spend_fits pg_catalog.jsonb, x pg_catalog.float8,
  t_x pg_catalog.float8, t pg_catalog.float8, m pg_catalog.float8, periods pg_catalog.int4,
  period_units pg_catalog.float8, discount_per_period pg_catalog.float8, margin pg_catalog.float8 DEFAULT 1,
  level pg_catalog.float8 DEFAULT 0.9, OUT lower pg_catalog.float8, OUT upper pg_catalog.float8)
  RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_clv_interval'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.clv_interval(pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8, pg_catalog.float8, pg_catalog.int4, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8) IS
  'Between which values clv lies among the fits of btyd_fit_bootstrap and spend_fit_bootstrap, as many of each, '
  'pair by pair, in the unit of m, which may be NULL where x is 0; NULL if another argument is NULL or more than '
  'one pair in ten failed';

CREATE FUNCTION @extschema@.clv_interval(btyd_fits pg_catalog.jsonb, spend_fits pg_catalog.jsonb,
  history @extschema@.history, as_of pg_catalog.date, periods pg_catalog.int4, period_days pg_catalog.float8,
  discount_per_period pg_catalog.float8, margin pg_catalog.float8 DEFAULT 1, level pg_catalog.float8 DEFAULT 0.9,
  OUT lower pg_catalog.float8, OUT upper pg_catalog.float8) RETURNS pg_catalog.record
  AS 'MODULE_PATHNAME', 'btyd_clv_interval_history'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.clv_interval(pg_catalog.jsonb, pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.int4, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Between which values clv lies among the fits of btyd_fit_bootstrap and spend_fit_bootstrap, as many of each, '
  'pair by pair, in the unit of the values; NULL where more than one pair in ten failed';

-- ---- reasons ----

-- Not strict: what is missing is a reason.

CREATE FUNCTION @extschema@.prediction_reason(fit pg_catalog.jsonb) RETURNS pg_catalog.text
  AS 'MODULE_PATHNAME', 'btyd_reason'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.prediction_reason(pg_catalog.jsonb) IS
  'Why a fit predicts nothing, as a code; NULL if it does';

CREATE FUNCTION @extschema@.prediction_reason(fit pg_catalog.jsonb, x pg_catalog.float8, t_x pg_catalog.float8,
  t pg_catalog.float8) RETURNS pg_catalog.text
  AS 'MODULE_PATHNAME', 'btyd_reason_customer'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.prediction_reason(pg_catalog.jsonb, pg_catalog.float8, pg_catalog.float8,
  pg_catalog.float8) IS
  'Why there is no prediction for a customer, as a code; NULL if there is one';

CREATE FUNCTION @extschema@.prediction_reason(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date)
  RETURNS pg_catalog.text
  AS 'MODULE_PATHNAME', 'btyd_reason_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.prediction_reason(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Why there is no prediction for a history, as a code; NULL if there is one';

CREATE FUNCTION @extschema@.next_order_reason(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  within_days pg_catalog.int4 DEFAULT 1095) RETURNS pg_catalog.text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT COALESCE(@extschema@.prediction_reason(fit, history, as_of),
                  CASE WHEN @extschema@.next_order_expected_on(fit, history, as_of, within_days) IS NULL
                       THEN 'not_within_days' END);
END;
COMMENT ON FUNCTION @extschema@.next_order_reason(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.int4) IS
  'Why next_order_expected_on has no day, as a code; NULL if it has one';

CREATE FUNCTION @extschema@.interval_reason(fits pg_catalog.jsonb) RETURNS pg_catalog.text
  AS 'MODULE_PATHNAME', 'btyd_interval_reason'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.interval_reason(pg_catalog.jsonb) IS
  'Why there are no intervals by these fits, of orders or of spend, as a code: the commonest reason of those that '
  'failed; NULL if there are';

CREATE FUNCTION @extschema@.interval_reason(fits pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date)
  RETURNS pg_catalog.text
  AS 'MODULE_PATHNAME', 'btyd_interval_reason_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.interval_reason(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Why there is no interval of a history by these fits, of orders or of spend, as a code; NULL if there is one';

CREATE FUNCTION @extschema@.clv_reason(btyd_fit pg_catalog.jsonb, spend_fit pg_catalog.jsonb,
  history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT COALESCE(@extschema@.prediction_reason(btyd_fit, history, as_of),
                  @extschema@.prediction_reason(spend_fit, history, as_of));
END;
COMMENT ON FUNCTION @extschema@.clv_reason(pg_catalog.jsonb, pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Why there is no lifetime value for a history, as a code; NULL if there is one';

-- ---- churn ----


CREATE FUNCTION @extschema@.churn_probability(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'btyd_churn_probability'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.churn_probability(pg_catalog.jsonb, @extschema@.history, pg_catalog.date) IS
  'Probability on the day as_of that a customer with this history no longer is one: 1 - btyd_alive';

CREATE FUNCTION @extschema@.churn_reason(fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date,
  silence_limit pg_catalog.float8 DEFAULT 3) RETURNS pg_catalog.text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT COALESCE(@extschema@.prediction_reason(fit, history, as_of),
                  CASE WHEN @extschema@.active_days(history, as_of) = 1 THEN 'bought_once'
                       WHEN @extschema@.silence_ratio(history, as_of) >= silence_limit THEN 'silent_longer_than_usual'
                       ELSE 'within_usual_rhythm' END);
END;

COMMENT ON FUNCTION @extschema@.churn_reason(pg_catalog.jsonb, @extschema@.history, pg_catalog.date,
  pg_catalog.float8) IS
  'What churn_probability rests on, as a code: bought_once, silent_longer_than_usual (silence_limit times the usual '
  'gap), within_usual_rhythm, or why there is none; never NULL';

CREATE FUNCTION @extschema@.churn(
  fit pg_catalog.jsonb, history @extschema@.history, as_of pg_catalog.date, silence_limit pg_catalog.float8 DEFAULT 3,
  OUT churn_probability pg_catalog.float8, OUT churn_reason pg_catalog.text, OUT silence_ratio pg_catalog.float8,
  OUT is_silent pg_catalog.bool, OUT explanation pg_catalog.text) RETURNS pg_catalog.record
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT @extschema@.churn_probability(fit, history, as_of),
         c.reason,
         c.ratio,
         c.ratio >= silence_limit,
         CASE WHEN c.days IS NULL THEN 'no event by then'
              WHEN c.active = 1 THEN pg_catalog.format('bought on one day, %s days ago', c.days)
              ELSE pg_catalog.format('silent for %s days, %s times the usual %s', c.days,
                                     pg_catalog.round(c.ratio::pg_catalog.numeric, 1),
                                     pg_catalog.round(c.gap::pg_catalog.numeric, 1)) END
    FROM (SELECT @extschema@.churn_reason(fit, history, as_of, silence_limit) AS reason,
                 @extschema@.silence_ratio(history, as_of) AS ratio,
                 @extschema@.mean_gap(history, as_of) AS gap,
                 @extschema@.recency(history, as_of) AS days,
                 @extschema@.active_days(history, as_of) AS active) AS c;
END;
COMMENT ON FUNCTION @extschema@.churn(pg_catalog.jsonb, @extschema@.history, pg_catalog.date, pg_catalog.float8) IS
  'churn_probability with its reason, beside the plain rule: silence_ratio, whether it has reached silence_limit, '
  'and both in words; where an argument is NULL, churn_reason says that there is no answer and the numbers are NULL';

/* ---- contracts ---- */

CREATE FUNCTION @extschema@._contract_fit_transition(state internal, periods pg_catalog.int4, ended pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'contract_fit_transition'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._contract_fit_transition(internal, pg_catalog.int4, pg_catalog.bool) IS
  'part of aggregate contract_fit';
CREATE FUNCTION @extschema@._contract_fit_combine(state internal, other internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'contract_fit_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._contract_fit_combine(internal, internal) IS
  'part of aggregate contract_fit';
CREATE FUNCTION @extschema@._contract_fit_serialize(state internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'contract_fit_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._contract_fit_serialize(internal) IS
  'part of aggregate contract_fit';
CREATE FUNCTION @extschema@._contract_fit_deserialize(bytes pg_catalog.bytea, unused internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'contract_fit_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._contract_fit_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregate contract_fit';
CREATE FUNCTION @extschema@._contract_fit_final(state internal) RETURNS pg_catalog.jsonb
  AS 'MODULE_PATHNAME', 'contract_fit_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._contract_fit_final(internal) IS
  'part of aggregate contract_fit';

CREATE AGGREGATE @extschema@.contract_fit(periods pg_catalog.int4, ended pg_catalog.bool) (
  SFUNC = @extschema@._contract_fit_transition,
  STYPE = internal,
  SSPACE = 16384,
  COMBINEFUNC = @extschema@._contract_fit_combine,
  SERIALFUNC = @extschema@._contract_fit_serialize,
  DESERIALFUNC = @extschema@._contract_fit_deserialize,
  FINALFUNC = @extschema@._contract_fit_final,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.contract_fit(pg_catalog.int4, pg_catalog.bool) IS
  'maximum likelihood fit of the shifted-beta-geometric model of contracts that are renewed each period (Fader and'
  ' Hardie 2007), as a document that describes itself: the period with which a contract has ended, or after how many'
  ' it goes on; rows with a NULL are left out, NULL without rows; status and reason say why there are no parameters';

CREATE FUNCTION @extschema@.contract_survival(fit pg_catalog.jsonb, periods pg_catalog.int4,
  after pg_catalog.int4 DEFAULT 0) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'contract_predict_survival'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.contract_survival(pg_catalog.jsonb, pg_catalog.int4, pg_catalog.int4) IS
  'share of the contracts that go on after so many more periods, of those that have gone on after so many: the'
  ' retention rate of one period, the survival curve of all; NULL where the fit has no parameters';

CREATE FUNCTION @extschema@.contract_residual(fit pg_catalog.jsonb, after pg_catalog.int4, rate pg_catalog.float8)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'contract_predict_residual'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.contract_residual(pg_catalog.jsonb, pg_catalog.int4, pg_catalog.float8) IS
  'how many more periods a contract that has gone on after so many is expected to have, each but the next discounted by'
  ' the rate of interest per period (DERL, Fader and Hardie 2010); infinite for a rate of 0 where alpha is at most 1;'
  ' NULL where the fit has no parameters';
