/*
 * survival.c
 *		Kaplan and Meier's curve: how many are still without the event after so
 *		long, when some are no longer, or not yet, seen. And Kolmogorov's and
 *		Smirnov's distance of two samples.
 *
 *	E. L. Kaplan, P. Meier, Nonparametric estimation from incomplete observations,
 *	JASA 53 (1958), 457-481; M. Greenwood, 1926, for the standard error.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "memory.h"
#include "number_text.h"
#include "prediction/ranked.h"
#include "score/score.h"

PG_FUNCTION_INFO_V1(kaplan_meier_transition);
PG_FUNCTION_INFO_V1(kaplan_meier_final);
PG_FUNCTION_INFO_V1(two_samples_transition);
PG_FUNCTION_INFO_V1(ks_statistic_final);

/* More different durations than these make a document that nobody reads. */
#define MAX_DURATIONS	100000

/* A duration at which something happened */
typedef struct Moment
{
	double		duration;
	int64		events;
	int64		censored;
} Moment;

/* (duration, event) */
Datum
kaplan_meier_transition(PG_FUNCTION_ARGS)
{
	int			label = ranked_label(fcinfo);
	double		duration = label == LEFT_OUT ? 0.0 : PG_GETARG_FLOAT8(1);

	check_finite("duration", duration);
	if (duration < 0.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration must not be negative, but is %s", number_text(duration))));
	return ranked_add(fcinfo, duration, label, "nothing", 0.0);
}

/* The durations in descending order */
static Moment *
moments_of(const RankedState *state, int *count)
{
	Moment	   *moments = NULL;
	int			room = 0;
	Descent		descent;

	*count = 0;
	descent_start(&descent, state);
	while (descent_next(&descent))
	{
		if (*count >= MAX_DURATIONS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %d different durations", MAX_DURATIONS),
					 errhint("Round durations, for example to whole days.")));
		ARRAY_ROOM(moments, *count, room, 64);
		moments[(*count)++] = (Moment) {quantile_key_value(descent.key), descent.here[POSITIVE],
		descent.here[NEGATIVE]};
		CHECK_FOR_INTERRUPTS();
	}
	return moments;
}

/*
 * What is censored at a duration was still at risk at it. Greenwood's sum has
 * no end where nobody is left: then there is no standard error.
 */
Datum
kaplan_meier_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	Moment	   *moments;
	StringInfoData out;
	int64		at_risk;
	double		survival = 1.0;
	double		sum = 0.0;
	int			count;

	if (state == NULL)
		PG_RETURN_NULL();
	moments = moments_of(state, &count);
	at_risk = state->scores[POSITIVE].count + state->scores[NEGATIVE].count;
	initStringInfo(&out);
	appendStringInfo(&out, "{\"n\": " INT64_FORMAT ", \"events\": " INT64_FORMAT ", \"curve\": [",
					 at_risk, state->scores[POSITIVE].count);
	for (int i = count - 1; i >= 0; i--)
	{
		Moment	   *m = &moments[i];
		double		stay = (double) (at_risk - m->events);

		survival *= stay / (double) at_risk;
		sum += (double) m->events / (double) at_risk / stay;
		appendStringInfo(&out, "%s{\"t\": ", i < count - 1 ? ", " : "");
		append_number(&out, m->duration);
		appendStringInfo(&out, ", \"at_risk\": " INT64_FORMAT ", \"events\": " INT64_FORMAT
						 ", \"censored\": " INT64_FORMAT ", \"survival\": ", at_risk, m->events,
						 m->censored);
		append_number(&out, survival);
		appendStringInfoString(&out, ", \"std_error\": ");
		append_number(&out, survival * sqrt(sum));
		appendStringInfoChar(&out, '}');
		at_risk -= m->events + m->censored;
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* (value, is_second) */
Datum
two_samples_transition(PG_FUNCTION_ARGS)
{
	int			label = ranked_label(fcinfo);
	double		value = label == LEFT_OUT ? 0.0 : PG_GETARG_FLOAT8(1);

	check_finite("value", value);
	return ranked_add(fcinfo, value, label, "nothing", 0.0);
}

/* The largest difference of the shares above any value, in whole numbers until the last division */
Datum
ks_statistic_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	Descent		descent;
	int64		n[2];
	int64		above[2] = {0, 0};
	int128		largest = 0;
	int64		work = 0;

	if (state == NULL || state->scores[0].count == 0 || state->scores[1].count == 0)
		PG_RETURN_NULL();
	n[0] = state->scores[0].count;
	n[1] = state->scores[1].count;
	descent_start(&descent, state);
	while (descent_next(&descent))
	{
		int128		difference;

		if (++work % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		above[0] += descent.here[0];
		above[1] += descent.here[1];
		difference = (int128) above[0] * n[1] - (int128) above[1] * n[0];
		largest = Max(largest, difference < 0 ? -difference : difference);
	}
	PG_RETURN_FLOAT8((double) largest / ((double) n[0] * (double) n[1]));
}
