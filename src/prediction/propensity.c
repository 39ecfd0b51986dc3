/*
 * propensity.c
 *		Who buys again: what a history says on a day, and what streams say, as
 *		features of a logistic regression; whether an order followed; and the
 *		probability of one.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "arguments.h"
#include "compat.h"
#include "fixed.h"
#include "history/history.h"
#include "history/stream_histories.h"
#include "logit.h"
#include "math/logit_newton.h"

PG_FUNCTION_INFO_V1(propensity_features);
PG_FUNCTION_INFO_V1(propensity_label);
PG_FUNCTION_INFO_V1(propensity);
PG_FUNCTION_INFO_V1(propensity_codes);
PG_FUNCTION_INFO_V1(propensity_features_of);
PG_FUNCTION_INFO_V1(propensity_of);

#define FEATURES	7

/* The features of each stream; those of orders are those of stream 0. */
#define STREAM_FEATURES	4

/*
 * A fit names its features. A model says which they are as numbers: CODE(0, 1)
 * to CODE(0, 7) are those of orders, in the order of propensity_features.
 */
#define CODE(stream, feature) ((stream) << 4 | (feature))
#define CODE_STREAM(code)	((code) >> 4)
#define CODE_FEATURE(code)	((code) & 15)

/* As propensity_feature_names and _stream_feature_names have them */
static const char *const order_features[FEATURES] = {
	"log1p_recency_days", "log1p_active_days", "log1p_total", "log1p_tenure_days", "log1p_silence",
	"log1p_events_90d", "log1p_events_365d"
};
static const char *const stream_features[STREAM_FEATURES] = {
	"log1p_recency_days", "log1p_events_30d", "log1p_events_90d", "log1p_points"
};

/* An event of longer ago says no more than none. */
#define MAX_RECENCY		730

/*
 * Points halve in 30 days. They are added up as integers of 2^-38, so that the
 * same events give the same sum whatever kinds they are told apart by; what is
 * older than 39 half-lives is nothing.
 */
#define HALF_LIFE		30
#define WEIGHT_BITS		38
#define WEIGHTS			((WEIGHT_BITS + 1) * HALF_LIFE)

/* Days with an event in (after, upto], and the first and the last of them */
static HistoryActivity
activity(const History *history, int64 after, int64 upto)
{
	HistoryActivity result;

	history_check(history_activity(HISTORY_BYTES(history), HISTORY_LENGTH(history), after, upto,
								   &result));
	return result;
}

/* log(1 + events) in the last days; without a limit on how many there are */
static double
log_events(const History *history, DateADT as_of, int days)
{
	HistoryActivity recent = activity(history, (int64) as_of - days, as_of);

	/* past 64 bits, the days will do */
	return log1p(recent.overflow ? recent.active_days : Max(recent.events, 0));
}

/*
 * The features of a customer with an event by that day; false if there is
 * none. None is ever missing, and all are logarithms: of a customer who buys
 * ten times as much none runs away.
 */
static bool
compute_features(History *history, DateADT as_of, double *x)
{
	HistoryActivity all = activity(history, HISTORY_SINCE_EVER, check_day("as_of", as_of));
	double		recency,
				tenure,
				total;

	if (all.active_days == 0)
		return false;
	recency = (double) as_of - all.last_day;
	tenure = (double) as_of - all.first_day;
	total = DatumGetFloat8(DirectFunctionCall2(history_monetary_float8,
											   PointerGetDatum(history), DateADTGetDatum(as_of)));
	x[0] = log1p(recency);
	x[1] = log1p(all.active_days);
	x[2] = copysign(log1p(fabs(total)), total);
	x[3] = log1p(tenure);
	/* silent for how many of the customer's usual gaps, of which there is one a day of order */
	x[4] = log1p(recency * all.active_days / (tenure + 1.0));
	x[5] = log_events(history, as_of, 90);
	x[6] = log_events(history, as_of, 365);
	return true;
}

Datum
propensity_features(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	double		x[FEATURES];
	Datum		elements[FEATURES];

	if (!compute_features(history, PG_GETARG_DATEADT(1), x))
		PG_RETURN_NULL();
	for (int i = 0; i < FEATURES; i++)
		elements[i] = Float8GetDatum(x[i] + 0.0);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, FEATURES, FLOAT8OID,
										  sizeof(double), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* For a customer known by as_of: does an event follow within the horizon? */
Datum
propensity_label(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(1));
	int32		horizon_days = PG_GETARG_INT32(2);

	if (horizon_days < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon_days must be at least 1, but is %d", horizon_days)));
	if (activity(history, HISTORY_SINCE_EVER, as_of).active_days == 0)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(activity(history, as_of, (int64) as_of + horizon_days).active_days > 0);
}

Datum
propensity(PG_FUNCTION_ARGS)
{
	const LogitModel *model = logit_model(fcinfo, 0);
	double		x[FEATURES];

	if (!model->propensity || (model->meaningful && model->features != FEATURES))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit is not a document of propensity_fit"),
				 errhint("logit_predict takes the documents of logit_fit.")));
	if (!compute_features(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), x) || !model->meaningful)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(logit_model_predict(model, x));
}

/* ---- with streams, as models use it ---- */

/* palloc aligns to 8 bytes */
typedef __int128 Points __attribute__((aligned(8)));

/* What a customer did in a stream up to a day */
typedef struct StreamSums
{
	int64		age;			/* of the last event */
	Points		events_30d;
	Points		events_90d;
	bool		any_points;
	Points		points[HISTORY_MAX_DECIMALS + 1];	/* by the decimals of the totals */
} StreamSums;

static int64
point_weight(int64 age)
{
	static int64 weights[WEIGHTS];

	if (weights[0] == 0)
	{
		for (int i = WEIGHTS - 1; i >= 0; i--)
			weights[i] = (int64) rint(exp2(WEIGHT_BITS - (double) i / HALF_LIFE));
	}
	return weights[age];
}

static void
add_entry(StreamSums *sums, const StreamEntry *entry, DateADT as_of)
{
	OpenHistory open;
	Points		points = 0;

	stream_histories_check(stream_unpack(&server_host, &open, entry));
	for (size_t i = open.n; i-- > 0;)
	{
		const HistoryDay *day = &open.days[i];
		int64		age = (int64) as_of - day->day;

		if (age < 0)
			continue;
		if (age >= WEIGHTS)
			break;
		if (day->events > 0)
			sums->age = Min(sums->age, age);
		if (age < 30)
			sums->events_30d += day->events;
		if (age < 90)
			sums->events_90d += day->events;
		points += (Points) day->total * point_weight(age);
	}
	sums->points[open.decimals] += points;
	sums->any_points |= points != 0;
	history_close(&open);
}

static double
log_count(Points n)
{
	return n > 0 ? log1p((double) n) : 0.0;
}

static double
stream_feature(const StreamSums *sums, int feature)
{
	double		points = 0;

	switch (feature)
	{
		case 1:
			return log1p((double) sums->age);
		case 2:
			return log_count(sums->events_30d);
		case 3:
			return log_count(sums->events_90d);
	}
	for (int i = 0; i <= HISTORY_MAX_DECIMALS && sums->any_points; i++)
		points += (double) sums->points[i] / (double) history_power_of_ten(i);
	points = ldexp(points, -WEIGHT_BITS);
	return copysign(log1p(fabs(points)), points) + 0.0;
}

/* The number of a feature by its name, from 1 on; 0 if there is none */
static int
find_feature(const char *name, int len, const char *const *features, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strlen(features[i]) == (size_t) len && memcmp(features[i], name, len) == 0)
			return i + 1;
	}
	return 0;
}

/* The number of a stream in {name: number}; 0 if there is none */
static int
find_stream(JsonbContainer *streams, const char *name, int len)
{
	JsonbValue *number = getKeyJsonValueFromContainer(streams, name, len, NULL);
	int32		result;

	if (number == NULL || number->type != jbvNumeric)
		return 0;
	result = DatumGetInt32(DirectFunctionCall1(numeric_int4,
											   NumericGetDatum(number->val.numeric)));
	return result >= 1 && result <= STREAM_MAX_STREAM ? result : 0;
}

/*
 * _propensity_codes(fit jsonb, streams jsonb) -> int[]: the numbers of the
 * features that the fit names; NULL where one is not there, or it names none
 */
Datum
propensity_codes(PG_FUNCTION_ARGS)
{
	JsonbContainer *fit = &PG_GETARG_JSONB_P(0)->root;
	JsonbContainer *streams = &PG_GETARG_JSONB_P(1)->root;
	JsonbValue *features;
	JsonbContainer *names;
	Datum		codes[LOGIT_MAX_FEATURES];
	int			count;

	if (!JsonContainerIsObject(fit) || !JsonContainerIsObject(streams))
		PG_RETURN_NULL();
	features = getKeyJsonValueFromContainer(fit, "features", strlen("features"), NULL);
	if (features == NULL || features->type != jbvBinary ||
		!JsonContainerIsArray(features->val.binary.data))
		PG_RETURN_NULL();
	names = features->val.binary.data;
	count = (int) JsonContainerSize(names);
	if (count == 0 || count > LOGIT_MAX_FEATURES)
		PG_RETURN_NULL();
	for (int i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(names, (uint32) i);
		const char *name;
		const char *dot;
		int			stream = 0;
		int			feature;

		if (value->type != jbvString)
			PG_RETURN_NULL();
		name = value->val.string.val;
		dot = memchr(name, '.', value->val.string.len);
		if (dot == NULL)
			feature = find_feature(name, value->val.string.len, order_features, FEATURES);
		else
		{
			stream = find_stream(streams, name, (int) (dot - name));
			feature = stream == 0 ? 0 :
				find_feature(dot + 1, value->val.string.len - (int) (dot + 1 - name),
							 stream_features, STREAM_FEATURES);
		}
		if (feature == 0)
			PG_RETURN_NULL();
		codes[i] = Int32GetDatum(CODE(stream, feature));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(codes, count, INT4OID, sizeof(int32), true,
										  TYPALIGN_INT));
}

/* Argument n: the numbers of features */
static const int32 *
feature_codes(FunctionCallInfo fcinfo, int n, int *count)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);
	const int32 *codes = (const int32 *) ARR_DATA_PTR(array);

	if (ARR_HASNULL(array) && array_contains_nulls(array))
		null_element("codes", NULL);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	for (int i = 0; i < *count; i++)
	{
		int			stream = CODE_STREAM(codes[i]);
		int			feature = CODE_FEATURE(codes[i]);

		if (stream < 0 || stream > STREAM_MAX_STREAM || feature < 1 ||
			feature > (stream == 0 ? FEATURES : STREAM_FEATURES))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%d is not the number of a feature", codes[i])));
	}
	if (*count > LOGIT_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("codes must have at most %d elements, not %d", LOGIT_MAX_FEATURES, *count)));
	return codes;
}

/*
 * These features of a customer; false if some are of orders, and there is no
 * order by that day. One pass over the entries of all streams.
 */
static bool
compute_features_of(const int32 *codes, int count, History *history,
					const StreamHistories *streams, DateADT as_of, double *x)
{
	uint8		place[STREAM_MAX_STREAM + 1] = {0};	/* of the sums of a stream, from 1 on */
	StreamSums	sums_of_few[4];
	StreamSums *sums = sums_of_few;
	int			known = 0;
	bool		orders = false;
	double		of_orders[FEATURES];

	for (int i = 0; i < count; i++)
	{
		int			stream = CODE_STREAM(codes[i]);

		if (stream == 0)
			orders = true;
		else if (place[stream] == 0)
			place[stream] = (uint8) ++known;
	}
	check_day("as_of", as_of);
	if (orders && !compute_features(history, as_of, of_orders))
		return false;
	if (known > (int) lengthof(sums_of_few))
		sums = palloc((Size) known * sizeof(StreamSums));
	for (int i = 0; i < known; i++)
	{
		memset(&sums[i], 0, sizeof(StreamSums));
		sums[i].age = MAX_RECENCY;
	}
	if (known > 0)
	{
		StreamReader reader;
		StreamEntry entry;

		stream_histories_open(&reader, streams);
		while (stream_histories_read(&reader, &entry))
		{
			int			its = place[STREAM_OF_KEY(entry.key)];

			if (its > 0)
				add_entry(&sums[its - 1], &entry, as_of);
		}
	}
	for (int i = 0; i < count; i++)
	{
		int			stream = CODE_STREAM(codes[i]);

		x[i] = stream == 0 ? of_orders[CODE_FEATURE(codes[i]) - 1] + 0.0 :
			stream_feature(&sums[place[stream] - 1], CODE_FEATURE(codes[i]));
	}
	if (sums != sums_of_few)
		pfree(sums);
	return true;
}

/* _propensity_features(codes int[], history, streams, as_of) -> float8[] */
Datum
propensity_features_of(PG_FUNCTION_ARGS)
{
	int			count;
	const int32 *codes = feature_codes(fcinfo, 0, &count);
	double		x[LOGIT_MAX_FEATURES];
	Datum		elements[LOGIT_MAX_FEATURES];

	if (!compute_features_of(codes, count, PG_GETARG_HISTORY_PP(1),
							 PG_GETARG_STREAM_HISTORIES_PP(2), PG_GETARG_DATEADT(3), x))
		PG_RETURN_NULL();
	for (int i = 0; i < count; i++)
		elements[i] = Float8GetDatum(x[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, FLOAT8OID,
										  sizeof(double), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* _propensity(coefficients float8[], codes int[], history, streams, as_of) -> float8 */
Datum
propensity_of(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			count;
	const int32 *codes = feature_codes(fcinfo, 1, &count);
	double		x[LOGIT_MAX_FEATURES];
	double		result;

	if (ARR_HASNULL(array) && array_contains_nulls(array))
		null_element("coefficients", NULL);
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != count + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("coefficients must have one element more than codes, not %d and %d",
						ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), count),
				 errdetail("The first one is the intercept.")));
	if (!compute_features_of(codes, count, PG_GETARG_HISTORY_PP(2),
							 PG_GETARG_STREAM_HISTORIES_PP(3), PG_GETARG_DATEADT(4), x))
		PG_RETURN_NULL();
	result = logit_predict_row((const double *) ARR_DATA_PTR(array), x, count);
	if (isnan(result))
		logit_out_of_range();
	PG_RETURN_FLOAT8(result);
}
