# customer_scoring: score and segment customers inside PostgreSQL.
#
#   make && sudo make install        build and install for the pg_config found first
#   test/run                         every test, in a throw-away cluster
#   demo/run [FILE.csv]              the main job

PG_CONFIG ?= pg_config

EXTENSION = customer_scoring
MODULE_big = customer_scoring
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" customer_scoring.control)

OBJS = \
	src/module.o \
	src/fixed.o \
	src/history_codec.o \
	src/history_log.o \
	src/history_type.o \
	src/history_build.o \
	src/history_agg.o \
	src/history_read.o \
	src/quantile.o \
	src/math/exact_sum.o \
	src/math/gamma.o \
	src/math/hypergeometric.o \
	src/math/btyd.o \
	src/math/btyd_likelihood.o \
	src/math/btyd_fit.o \
	src/fit.o \
	src/btyd.o \
	src/btyd_agg.o \
	src/score.o \
	src/score_window.o \
	src/exact_sum_agg.o \
	src/segment.o \
	src/segment_case.o \
	src/foreign.o \
	src/segment_map.o \
	src/source.o \
	src/customers.o \
	src/customer_history.o \
	src/histories.o \
	src/score_customers.o \
	src/math/logit.o \
	src/logit.o \
	src/metrics.o \
	src/propensity.o \
	src/caller.o \
	src/model_call.o \
	src/live.o \
	src/privacy.o \
	src/disclosure.o \
	src/small_cell.o \
	src/arguments.o

# Each file uses only those above it: sql/check_layers.pl looks. arguments and
# settings are about functions of all of them.
SQL_LAYERS = history score segment segment_maps bulk prediction propensity \
	$(SQL_MODEL:%=model/%) arguments settings
SQL_MODEL = home source lock settings people put tables query calibrate live read \
	words lookup views dated explain prediction quality corrections privacy report verbs

DATA_built = $(EXTENSION)--$(EXTVERSION).sql
SQL_FILES = $(SQL_LAYERS:%=sql/%.sql)

# -ffp-contract=off: the same float8 results on machines with and without FMA.
PG_CFLAGS = -std=gnu99 -ffp-contract=off -fvisibility=hidden
# A server built by gcc hands on options that clang doesn't know.
ifneq ($(findstring clang,$(CC)),)
PG_CFLAGS += -Wno-ignored-optimization-argument -Wno-unknown-warning-option
endif
# libLBFGS (MIT) climbs the likelihoods, LAPACK (BSD) solves; both are in Debian.
SHLIB_LINK += -llbfgs -llapack -lm
# The server's headers are not ours to warn about.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server)
EXTRA_CLEAN = $(EXTENSION)--*.sql

REGRESS = install $(filter-out install,$(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test --encoding=UTF8 --no-locale

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(DATA_built): $(SQL_FILES) sql/check_segment_maps.pl sql/check_layers.pl customer_scoring.control META.json
	@grep -q '^   "version": "$(EXTVERSION)"' META.json || \
	  { echo "META.json and customer_scoring.control name different versions" >&2; exit 1; }
	perl sql/check_segment_maps.pl sql/segment_maps.sql
	perl sql/check_layers.pl $(SQL_FILES)
	{ printf '%s\n' '\echo Use "CREATE EXTENSION customer_scoring" to load this file. \quit'; cat $(SQL_FILES); } > $@.tmp
	mv $@.tmp $@
