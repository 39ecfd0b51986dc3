/*
 * arguments.h
 *		What functions of all kinds ask of their arguments.
 */
#ifndef CUSTOMER_SCORING_ARGUMENTS_H
#define CUSTOMER_SCORING_ARGUMENTS_H

#include "fmgr.h"
#include "utils/date.h"

#include "compat.h"

/* "argument" is the SQL name; the hint may be NULL. */
pg_noreturn extern void null_argument(const char *argument, const char *hint);
pg_noreturn extern void null_element(const char *argument, const char *hint);

/* What must be one setting of an aggregate has changed from one row to the next. */
pg_noreturn extern void settings_differ(const char *argument);

/* Argument n, which is no value to leave out but a setting: finite, and not negative */
extern double setting_argument(FunctionCallInfo fcinfo, int n, const char *argument,
							   const char *hint);

/* What a row counts for; rows of weight 0 are left out */
extern double weight_argument(FunctionCallInfo fcinfo, int n);

/* A day that ages are counted from: an error unless it is finite. */
extern DateADT check_day(const char *argument, DateADT day);

#endif							/* CUSTOMER_SCORING_ARGUMENTS_H */
