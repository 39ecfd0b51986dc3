/*
 * rating_agg.c
 *		The aggregates nps, csat, ces and stars over answers to a survey, and the
 *		same from numbers of answers.
 *
 * Answers are whole numbers on short scales: a state is how often each was given.
 * So no order of the rows and no plan changes a result.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"

#include "aggregate.h"
#include "compat.h"
#include "math/rating.h"

#define MAX_RATING	10

typedef struct Ratings
{
	int64		given[MAX_RATING + 1];	/* how often each was given */
} Ratings;

typedef struct Scale
{
	const char *aggregate;
	int			low;
	int			high;
} Scale;

static const Scale nps_scale = {"nps", 0, 10};
static const Scale csat_scale = {"csat", 1, 5};
static const Scale ces_scale = {"ces", 1, 7};
static const Scale stars_scale = {"stars", 1, 5};

/* A value with its interval, and from how many answers it is */
static Datum
interval_datum(FunctionCallInfo fcinfo, RatingInterval interval, int64 n)
{
	TupleDesc	desc;
	Datum		values[4] = {Float8GetDatum(interval.value), Float8GetDatum(interval.low),
		Float8GetDatum(interval.high), Int64GetDatum(n)};
	bool		nulls[4] = {isnan(interval.value), isnan(interval.low), isnan(interval.high)};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* ---- from numbers of answers ---- */

static int64
number_of_answers(const char *name, int64 n)
{
	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative", name)));
	if (n > AGGREGATE_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s is out of range", name)));
	return n;
}

PG_FUNCTION_INFO_V1(nps_of_counts);
Datum
nps_of_counts(PG_FUNCTION_ARGS)
{
	int64		promoters = number_of_answers("promoters", PG_GETARG_INT64(0));
	int64		passives = number_of_answers("passives", PG_GETARG_INT64(1));
	int64		detractors = number_of_answers("detractors", PG_GETARG_INT64(2));

	return interval_datum(fcinfo, rating_nps(promoters, passives, detractors),
						  promoters + passives + detractors);
}

PG_FUNCTION_INFO_V1(csat_of_counts);
Datum
csat_of_counts(PG_FUNCTION_ARGS)
{
	int64		satisfied = number_of_answers("satisfied", PG_GETARG_INT64(0));
	int64		answers = number_of_answers("answers", PG_GETARG_INT64(1));

	if (satisfied > answers)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("satisfied must not be more than answers")));
	return interval_datum(fcinfo, rating_share(satisfied, answers), answers);
}

PG_FUNCTION_INFO_V1(mean_of_ratings);
Datum
mean_of_ratings(PG_FUNCTION_ARGS)
{
	int64		answers = number_of_answers("answers", PG_GETARG_INT64(0));

	return interval_datum(fcinfo, rating_mean(answers, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2),
											  PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4)),
						  answers);
}

/* ---- aggregates ---- */

static Ratings *
ratings_make(MemoryContext context)
{
	return MemoryContextAllocZero(context, sizeof(Ratings));
}

/* There is no state as long as there is no answer. */
static Datum
ratings_add(FunctionCallInfo fcinfo, const Scale *scale)
{
	MemoryContext context = aggregate_context(fcinfo);
	Ratings    *ratings = PG_ARGISNULL(0) ? NULL : (Ratings *) PG_GETARG_POINTER(0);
	double		rating;

	if (PG_ARGISNULL(1))
		RETURN_STATE();
	rating = PG_GETARG_FLOAT8(1);
	/* NaN is on no scale */
	if (!(rating >= scale->low && rating <= scale->high && rating == floor(rating)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("rating %g is not on the scale of %s", rating, scale->aggregate),
				 errdetail("Ratings are whole numbers from %d to %d.", scale->low, scale->high),
				 errhint("Leave other rows out by WHERE or FILTER, and count them.")));
	if (ratings == NULL)
		ratings = ratings_make(context);
	ratings->given[(int) rating]++;
	PG_RETURN_POINTER(ratings);
}

PG_FUNCTION_INFO_V1(nps_transition);
Datum
nps_transition(PG_FUNCTION_ARGS)
{
	return ratings_add(fcinfo, &nps_scale);
}

PG_FUNCTION_INFO_V1(csat_transition);
Datum
csat_transition(PG_FUNCTION_ARGS)
{
	return ratings_add(fcinfo, &csat_scale);
}

PG_FUNCTION_INFO_V1(ces_transition);
Datum
ces_transition(PG_FUNCTION_ARGS)
{
	return ratings_add(fcinfo, &ces_scale);
}

PG_FUNCTION_INFO_V1(stars_transition);
Datum
stars_transition(PG_FUNCTION_ARGS)
{
	return ratings_add(fcinfo, &stars_scale);
}

PG_FUNCTION_INFO_V1(ratings_combine);
Datum
ratings_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	Ratings    *ratings = PG_ARGISNULL(0) ? NULL : (Ratings *) PG_GETARG_POINTER(0);
	Ratings    *other = PG_ARGISNULL(1) ? NULL : (Ratings *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (ratings == NULL)
		ratings = ratings_make(context);
	for (int i = 0; i <= MAX_RATING; i++)
		ratings->given[i] += other->given[i];
	PG_RETURN_POINTER(ratings);
}

PG_FUNCTION_INFO_V1(ratings_serialize);
Datum
ratings_serialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	Ratings    *ratings;

	(void) aggregate_context(fcinfo);
	ratings = (Ratings *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buffer);
	for (int i = 0; i <= MAX_RATING; i++)
		pq_sendint64(&buffer, ratings->given[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

PG_FUNCTION_INFO_V1(ratings_deserialize);
Datum
ratings_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	Ratings    *ratings;

	state_read(fcinfo, &buffer);
	if (buffer.len != (MAX_RATING + 1) * sizeof(int64))
		corrupt_state("an aggregate of ratings");
	ratings = ratings_make(CurrentMemoryContext);
	for (int i = 0; i <= MAX_RATING; i++)
	{
		ratings->given[i] = pq_getmsgint64(&buffer);
		if (ratings->given[i] < 0 || ratings->given[i] > AGGREGATE_MAX_ROWS)
			corrupt_state("an aggregate of ratings");
	}
	PG_RETURN_POINTER(ratings);
}

/* How many answers are from one to another rating */
static int64
ratings_between(const Ratings *ratings, int low, int high)
{
	int64		n = 0;

	for (int i = low; ratings != NULL && i <= high; i++)
		n += ratings->given[i];
	return n;
}

static const Ratings *
ratings_of(FunctionCallInfo fcinfo)
{
	(void) aggregate_context(fcinfo);
	return PG_ARGISNULL(0) ? NULL : (Ratings *) PG_GETARG_POINTER(0);
}

PG_FUNCTION_INFO_V1(nps_final);
Datum
nps_final(PG_FUNCTION_ARGS)
{
	const Ratings *ratings = ratings_of(fcinfo);

	return interval_datum(fcinfo, rating_nps(ratings_between(ratings, 9, 10),
											 ratings_between(ratings, 7, 8),
											 ratings_between(ratings, 0, 6)),
						  ratings_between(ratings, 0, MAX_RATING));
}

PG_FUNCTION_INFO_V1(csat_final);
Datum
csat_final(PG_FUNCTION_ARGS)
{
	const Ratings *ratings = ratings_of(fcinfo);
	int64		n = ratings_between(ratings, 0, MAX_RATING);

	return interval_datum(fcinfo, rating_share(ratings_between(ratings, 4, 5), n), n);
}

static Datum
mean_final(FunctionCallInfo fcinfo, const Scale *scale)
{
	const Ratings *ratings = ratings_of(fcinfo);
	int64		n = ratings_between(ratings, 0, MAX_RATING);
	double		sum = 0;
	double		squares = 0;

	for (int i = 0; n > 0 && i <= MAX_RATING; i++)
		sum += (double) i * ratings->given[i];
	for (int i = 0; n > 0 && i <= MAX_RATING; i++)
		squares += (i - sum / n) * (i - sum / n) * ratings->given[i];
	return interval_datum(fcinfo, rating_mean(n, sum / n, squares / (n - 1),
											  scale->low, scale->high), n);
}

PG_FUNCTION_INFO_V1(ces_final);
Datum
ces_final(PG_FUNCTION_ARGS)
{
	return mean_final(fcinfo, &ces_scale);
}

PG_FUNCTION_INFO_V1(stars_final);
Datum
stars_final(PG_FUNCTION_ARGS)
{
	return mean_final(fcinfo, &stars_scale);
}
