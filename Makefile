# customer_scoring: score and segment customers inside PostgreSQL.
#
#   make && sudo make install        build and install for the pg_config found first
#   test/run                         every test, in a throw-away cluster
#   demo/run [FILE.csv]              the main job
#   make dist                        the archive for PGXN, of what is committed

PG_CONFIG ?= pg_config

EXTENSION = customer_scoring
MODULE_big = customer_scoring
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control)

OBJS = \
	src/module.o \
	src/earlier.o \
	src/memory.o \
	src/number_text.o \
	src/json_members.o \
	src/spell.o \
	src/arguments.o \
	src/aggregate.o \
	src/fixed.o \
	src/history/history_codec.o \
	src/history/history_log.o \
	src/history/history_wide.o \
	src/history/history.o \
	src/history/history_agg.o \
	src/history/history_read.o \
	src/history/cohorts.o \
	src/history/stream_codec.o \
	src/history/stream_log.o \
	src/history/stream_histories.o \
	src/history/stream_histories_agg.o \
	src/history/stream_histories_read.o \
	src/history/stream_response.o \
	src/score/quantile.o \
	src/math/exact_sum.o \
	src/math/gamma.o \
	src/math/gauss_legendre.o \
	src/math/cholesky.o \
	src/math/newton.o \
	src/math/distribution.o \
	src/math/two_groups.o \
	src/math/hypergeometric.o \
	src/math/erlang.o \
	src/math/opportunity.o \
	src/math/btyd_predict.o \
	src/math/btyd_likelihood.o \
	src/math/btyd_covariates.o \
	src/math/btyd_fit.o \
	src/prediction/fit.o \
	src/prediction/btyd.o \
	src/prediction/interval.o \
	src/prediction/likelihood.o \
	src/prediction/btyd_agg.o \
	src/prediction/btyd_covariate_agg.o \
	src/prediction/regularity.o \
	src/prediction/choose_family.o \
	src/score/score.o \
	src/score/score_window.o \
	src/score/exact_sum_agg.o \
	src/math/rating.o \
	src/score/rating_agg.o \
	src/segment/segment.o \
	src/segment/segment_case.o \
	src/foreign.o \
	src/named_data.o \
	src/segment/segment_map.o \
	src/scorecard/card.o \
	src/scorecard/card_band.o \
	src/scorecard/card_path.o \
	src/scorecard/card_next.o \
	src/scorecard/program.o \
	src/scorecard/scorecard.o \
	src/scorecard/card_check.o \
	src/category/category.o \
	src/category/category_agg.o \
	src/category/category_sums.o \
	src/bulk/source.o \
	src/bulk/parallel_source.o \
	src/bulk/customer_table.o \
	src/bulk/large_memory.o \
	src/bulk/customer_history.o \
	src/bulk/histories.o \
	src/bulk/score_customers.o \
	src/math/distinct.o \
	src/math/logit_newton.o \
	src/math/ridge_choice.o \
	src/prediction/logit.o \
	src/math/contract.o \
	src/prediction/contract_agg.o \
	src/prediction/metrics.o \
	src/prediction/scored_rows.o \
	src/prediction/propensity.o \
	src/statistics/probability.o \
	src/statistics/ab_group.o \
	src/statistics/comparison.o \
	src/statistics/concentration.o \
	src/statistics/survival.o \
	src/statistics/stability.o \
	src/math/point_scaling.o \
	src/math/scaled_points.o \
	src/math/kmeans.o \
	src/math/silhouette.o \
	src/math/kmeans_choice.o \
	src/math/least_matching.o \
	src/cluster/points.o \
	src/cluster/kmeans_fit.o \
	src/cluster/kmeans_agg.o \
	src/cluster/kmeans_window.o \
	src/model/template.o \
	src/model/settings.o \
	src/model/relations.o \
	src/model/caller.o \
	src/model/model_call.o \
	src/model/one_customer.o \
	src/model/live.o \
	src/model/live_expression.o \
	src/model/row_writer.o \
	src/model/append.o \
	src/model/pending.o \
	src/model/key_rows.o \
	src/model/touched.o \
	src/model/record.o \
	src/model/suppression.o \
	src/model/disclosure.o \
	src/model/small_cell.o

# Each file uses only those above it: sql/check_layers.pl looks. arguments and
# settings are about functions of all of them.
SQL_LAYERS = history streams score satisfaction segment segment_maps scorecard scorecards bulk prediction propensity statistics cluster \
	$(SQL_MODEL:%=model/%) shop shops connect arguments settings
SQL_MODEL = home distribute columns streams scales categories cards source lock cluster_inputs settings people put tables query words cluster_fits calibrate live ledger read read_streams \
	lookup profile views dated conversion kpis campaigns lifecycle drift accounts stream_views satisfaction category_views cluster_views explain prediction headline quality corrections privacy report manage manage_streams upgrade

# Versions that were released, from which ALTER EXTENSION leads here.
UPDATES = $(patsubst sql/updates/from_%.sql,$(EXTENSION)--%--$(EXTVERSION).sql,$(wildcard sql/updates/from_*.sql))
INSTALLATION = $(EXTENSION)--$(EXTVERSION).sql
DATA_built = $(INSTALLATION) $(UPDATES)
SQL_FILES = $(SQL_LAYERS:%=sql/%.sql)

# -ffp-contract=off: the same float8 results on machines with and without FMA.
PG_CFLAGS = -std=gnu99 -ffp-contract=off -fvisibility=hidden
# A server built by gcc hands on options that clang doesn't know.
ifneq ($(findstring clang,$(CC)),)
PG_CFLAGS += -Wno-ignored-optimization-argument -Wno-unknown-warning-option
endif
# libLBFGS (MIT) climbs the likelihoods, LAPACK (BSD) has eigenvalues; both are in Debian.
SHLIB_LINK += -llbfgs -llapack -lm
# The server's headers are not ours to warn about.
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(shell $(PG_CONFIG) --includedir-server)
EXTRA_CLEAN = $(EXTENSION)--*.sql src/segment/known_columns.h

REGRESS = install $(filter-out install,$(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql))))
# pg_regress looks for a test's sql below the folder of its output first: not in sql/ here.
REGRESS_OPTS = --inputdir=test --outputdir=tmp_check --encoding=UTF8 --no-locale

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no headers; a stale object would read a struct by its old shape.
$(OBJS) $(OBJS:.o=.bc): $(filter-out %/known_columns.h,$(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h))

# Columns that conditions of segment maps may read.
src/segment/segment_map.o src/segment/segment_map.bc: src/segment/known_columns.h
src/segment/known_columns.h: sql/model/columns.sql sql/known_columns.pl sql/Rows.pm
	perl sql/known_columns.pl $< > $@.tmp
	mv $@.tmp $@

# For compilers that only look: CC='gcc -fsyntax-only'.
.PHONY: objects
objects: $(OBJS)

# Of a database with the extension (PGHOST, PGDATABASE, ...): lint compares.
.PHONY: docs/functions.md
docs/functions.md:
	psql -XAtq -f test/functions_page.sql >$@.tmp
	mv $@.tmp $@

# Of what is committed: the same commit gives the same bytes.
.PHONY: dist
DIST = $(EXTENSION)-$(EXTVERSION)
DISTDIR = .
dist:
	git archive --format=zip --prefix=$(DIST)/ --output=$(DISTDIR)/$(DIST).zip HEAD

$(INSTALLATION): $(SQL_FILES) $(wildcard $(srcdir)/sql/*.p[lm]) customer_scoring.control META.json
	@grep -q '^   "version": "$(EXTVERSION)"' META.json || \
	  { echo "META.json and customer_scoring.control name different versions" >&2; exit 1; }
	perl sql/check_segment_maps.pl sql/segment_maps.sql
	perl sql/check_shops.pl sql/shops.sql
	perl sql/check_layers.pl $(SQL_FILES)
	perl sql/check_texts.pl sql/model/words.sql $(SQL_MODEL:%=sql/model/%.sql) $(OBJS:.o=.c)
	perl sql/check_columns.pl sql/model/columns.sql sql/model/words.sql src/bulk/score_customers.c
	{ printf '%s\n' '\echo Use "CREATE EXTENSION customer_scoring" to load this file. \quit'; cat $(SQL_FILES); } | perl sql/spell.pl > $@.tmp
	mv $@.tmp $@

$(UPDATES): $(EXTENSION)--%--$(EXTVERSION).sql: $(INSTALLATION) sql/update.pl $(wildcard $(srcdir)/sql/updates/*.sql)
	perl sql/update.pl $* $(INSTALLATION) $(wildcard sql/updates/from_*.sql) > $@.tmp
	mv $@.tmp $@
