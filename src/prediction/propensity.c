/*
 * propensity.c
 *		Who buys again: what a history says on a day, as features of a logistic
 *		regression; whether an order followed; and the probability of one.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

#include "arguments.h"
#include "compat.h"
#include "fixed.h"
#include "history/history.h"
#include "logit.h"

PG_FUNCTION_INFO_V1(propensity_features);
PG_FUNCTION_INFO_V1(propensity_label);
PG_FUNCTION_INFO_V1(propensity);

#define FEATURES	7

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
