/*
 * score.h
 *		What the scores of rows, of windows and of whole sources share.
 */
#ifndef CUSTOMER_SCORING_SCORE_H
#define CUSTOMER_SCORING_SCORE_H

#include "fmgr.h"
#include "utils/array.h"

/* An error unless the value of that SQL argument is a finite number. */
extern void check_finite(const char *argument, double value);

/* Argument n, which must not be NULL */
extern int	bins_argument(FunctionCallInfo fcinfo, int n);

extern const double *check_thresholds(const char *argument, ArrayType *array, int *count);

/* The weights, which are checked, and their number */
extern const double *check_weights(ArrayType *array, int *count);

/*
 * The mean of the scores that are not NULL by the bitmap, where there is one;
 * false if none has a weight
 */
extern bool weighted_mean(const double *scores, const bits8 *bitmap, const double *weights,
						  int count,
						  double *result);

extern Datum rfm_code(PG_FUNCTION_ARGS);

#endif							/* CUSTOMER_SCORING_SCORE_H */
