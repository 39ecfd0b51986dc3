/*
 * statistics.h
 *		What the functions of this wing share.
 */
#ifndef CUSTOMER_SCORING_STATISTICS_H
#define CUSTOMER_SCORING_STATISTICS_H

#include "fmgr.h"
#include "utils/array.h"

/* Elements of an array of one dimension, without NULL; an error otherwise */
extern const double *check_float8s(const char *argument, ArrayType *array, int *count);
extern const int64 *check_int8s(const char *argument, ArrayType *array, int *count);

/* Shares of groups: above 0, and together 1 */
extern const double *check_shares(ArrayType *array, int *count);

/* The tail at either side of an interval with this confidence, times 2 */
extern double check_confidence(double confidence);

/* A row of the function's result: numbers, where NaN is NULL, and then texts, which may be NULL */
extern Datum numbers_row(FunctionCallInfo fcinfo, const double *numbers, int count,
						 const char *const *texts, int text_count);

#endif							/* CUSTOMER_SCORING_STATISTICS_H */
