/*
 * ranked.h
 *		The state of aggregates over values of two kinds, true and false, that
 *		go by the order of the values: auc, kaplan_meier and others.
 */
#ifndef CUSTOMER_SCORING_RANKED_H
#define CUSTOMER_SCORING_RANKED_H

#include "fmgr.h"

#include "score/quantile.h"

#define POSITIVE	1
#define NEGATIVE	0
#define LEFT_OUT	(-1)

/* The largest argument that all rows may share */
#define MAX_RANKED_PARAMETER	1000

/* The keys of all values, by label; and the argument that all rows share */
typedef struct RankedState
{
	double		parameter;
	QuantileValues scores[2];
} RankedState;

/*
 * The one door: the value with this label, unless it is left out. "argument" is
 * the SQL name of the parameter.
 */
extern Datum ranked_add(FunctionCallInfo fcinfo, double value, int label, const char *argument,
						double parameter);

/* The label by the second argument of the aggregate; LEFT_OUT where that or the first is NULL */
extern int	ranked_label(FunctionCallInfo fcinfo);

/* Argument n: how many points of a curve there are to be */
extern int	points_argument(FunctionCallInfo fcinfo, int n, const char *hint);

/*
 * The state with its values in ascending order, or NULL if there are none.
 * They mean the same in any order: for the planner this only reads.
 */
extern RankedState *ranked_sorted(FunctionCallInfo fcinfo);

/* One value after the other, in descending order: how many rows of each label have it. */
typedef struct Descent
{
	const RankedState *state;
	int64		left[2];
	uint64		key;
	int64		here[2];
} Descent;

extern void descent_start(Descent *descent, const RankedState *state);
extern bool descent_next(Descent *descent);

#endif							/* CUSTOMER_SCORING_RANKED_H */
