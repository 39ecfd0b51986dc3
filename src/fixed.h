/*
 * fixed.h
 *		Between PostgreSQL's number types and fixed point: an int64 in units
 *		of 10^-decimals.
 */
#ifndef FIXED_H
#define FIXED_H

#include "fmgr.h"
#include "utils/numeric.h"

#include "history_codec.h"

extern void fixed_from_numeric(Datum datum, int64 *value, int *decimals);
extern void fixed_from_float8(Datum datum, int64 *value, int *decimals);
extern void fixed_from_float4(Datum datum, int64 *value, int *decimals);
extern void fixed_from_int8(Datum datum, int64 *value, int *decimals);
extern Numeric fixed_to_numeric(int64 value, int decimals);
extern Numeric fixed_mean(int64 total, int decimals, int64 n);

/* As text: the sign, digits, and a point if there are decimals */
#define FIXED_TEXT_SIZE 24
extern int	fixed_to_text(int64 value, int decimals, char *text);

#endif							/* FIXED_H */
