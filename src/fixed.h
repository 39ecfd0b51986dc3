/*
 * fixed.h
 *		Between PostgreSQL's number types and fixed point: an int64 in units
 *		of 10^-decimals.
 */
#ifndef FIXED_H
#define FIXED_H

#include "fmgr.h"
#include "utils/numeric.h"

#include "compat.h"
#include "history/history_codec.h"

/* Why a number has no fixed point */
typedef enum FixedError
{
	FIXED_OK,
	FIXED_NOT_FINITE,
	FIXED_TOO_PRECISE,
	FIXED_OUT_OF_RANGE
} FixedError;

extern FixedError fixed_from_numeric(Datum datum, int64 *value, int *decimals);

/* How values of a type are read */
typedef struct FixedReader
{
	Oid			type;
	FixedError	(*read) (Datum datum, int64 *value, int *decimals);
} FixedReader;

/* NULL for types that are no numbers */
extern const FixedReader *fixed_reader(Oid type);
pg_noreturn extern void fixed_raise(FixedError error, Oid type, Datum datum);

static inline void
fixed_check(FixedError error, Oid type, Datum datum)
{
	if (unlikely(error != FIXED_OK))
		fixed_raise(error, type, datum);
}

/*
 * Is it at most 10^12? Sums of such values stay far from the limit of int64
 * in up to six decimals; with more, the type's own range is below it.
 */
#define FIXED_SANE_LIMIT INT64CONST(1000000000000)

static inline bool
fixed_is_sane(int64 value, int decimals)
{
	int64		limit = FIXED_SANE_LIMIT;

	if (decimals > 6)
		return true;
	while (decimals-- > 0)
		limit *= 10;
	return value <= limit && value >= -limit;
}

extern Numeric fixed_to_numeric(int64 value, int decimals);
extern Numeric fixed_wide_to_numeric(int128 value, int decimals);
extern Numeric fixed_mean(int64 total, int decimals, int64 n);
extern double fixed_mean_float8(int64 total, int decimals, int64 n);
extern double fixed_to_float8(int64 value, int decimals);

/* As text: the sign, digits, and a point if there are decimals */
#define FIXED_TEXT_SIZE 24
extern int	fixed_to_text(int64 value, int decimals, char *text);

#endif							/* FIXED_H */
