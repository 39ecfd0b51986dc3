/*
 * fixed.c
 *		Between PostgreSQL's number types and fixed point: an int64 in units
 *		of 10^-decimals.
 *
 * A numeric is read from, and written as, its stored digits: functions that
 * see hundreds of millions of amounts cannot afford a numeric operation for
 * each. The stored form of numeric is private to core but frozen, because
 * pg_upgrade keeps tables as they are:
 *
 *	uint16	header: the two highest bits are 10 for the short form, 11 for NaN
 *			and infinities, otherwise the long form
 *	short:	sign 0x2000, display scale 0x1F80, weight as 7 bits in 0x007F
 *	long:	sign 0x4000, display scale 0x3FFF; int16 weight follows
 *	int16	digits to the base 10000; the first is worth 10000^weight; no
 *			leading or trailing digit is zero
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "fixed.h"

#include "compat.h"

#define HEADER_SHORT		0x8000
#define HEADER_SPECIAL		0xC000
#define SHORT_SIGN			0x2000
#define SHORT_SCALE_SHIFT	7
#define SHORT_WEIGHT_SIGN	0x0040
#define SHORT_WEIGHT		0x003F
#define SHORT_WEIGHT_BITS	0x007F
#define LONG_SIGN			0x4000
#define BASE				10000

/* An int64 has no more than five digits to the base 10000. */
#define MAX_WEIGHT			4

static const int64 powers[] = {1, 10, 100, 1000, 10000};

/* ---- errors, each in one place ---- */

/* A numeric as messages show it: the start of it, if it is very long */
static char *
numeric_text(Datum datum)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, datum));

	if (strlen(text) > 60)
		strcpy(text + 50, "...");
	return text;
}

/*
 * The shortest decimal that reads back as the same real or double value: the
 * value as everybody sees it. Its cast to numeric keeps 6 or 15 digits only.
 */
static void
shortest_text(Oid type, Datum datum, char *text)
{
	if (type == FLOAT8OID)
		double_to_shortest_decimal_buf(DatumGetFloat8(datum), text);
	else
		float_to_shortest_decimal_buf(DatumGetFloat4(datum), text);
}

/* A real or double value as a numeric, rounded to 9 decimals */
static Datum
rounded(Oid type, Datum datum)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	shortest_text(type, datum, text);
	return DirectFunctionCall2(numeric_round,
							   DirectFunctionCall3(numeric_in, CStringGetDatum(text),
												   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)),
							   Int32GetDatum(HISTORY_MAX_DECIMALS));
}

static char *
number_text(Oid type, Datum datum)
{
	double		number;

	if (type == INT8OID)
		return psprintf(INT64_FORMAT, DatumGetInt64(datum));
	if (type == NUMERICOID)
		return numeric_text(datum);
	number = type == FLOAT8OID ? DatumGetFloat8(datum) : DatumGetFloat4(datum);
	if (isnan(number) || isinf(number))
		return pstrdup(isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
	return numeric_text(rounded(type, datum));
}

/* Say why a number of this type could not be converted. */
void
fixed_raise(FixedError error, Oid type, Datum datum)
{
	char	   *text = number_text(type, datum);

	switch (error)
	{
		case FIXED_OK:
			break;
		case FIXED_NOT_FINITE:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value must be finite, but is %s", text),
					 errhint("Leave such rows out, for example with a WHERE clause.")));
			break;
		case FIXED_TOO_PRECISE:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value %s has more than %d decimals", text, HISTORY_MAX_DECIMALS),
					 errhint("Round it, for example with round(value, 2).")));
			break;
		case FIXED_OUT_OF_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value %s is out of range for a history", text),
					 errdetail("A day's total has at most 18 digits, decimals included.")));
			break;
	}
	elog(ERROR, "no such error of a number: %d", (int) error);
}

/* ---- from a number to fixed point ---- */

static inline uint16
read_uint16(const char *p)
{
	uint16		result;

	memcpy(&result, p, sizeof(result));
	return result;
}

/*
 * What nearly all amounts are: the short form, of at most twelve digits before
 * the point and four behind it. False for anything else.
 */
static inline bool
short_numeric(Datum datum, int64 *value, int *decimals)
{
	const struct varlena *number = (const struct varlena *) DatumGetPointer(datum);
	const char *data;
	uint16		header;
	int			weight;
	int			ndigits;
	int64		whole = 0;
	int			fraction = 0;

	if (VARATT_IS_1B_E(number) || !(VARATT_IS_1B(number) || VARATT_IS_4B_U(number)))
		return false;
	data = VARDATA_ANY(number);
	header = read_uint16(data);
	/* neither long nor special, weight -1 to 2 */
	if ((header & HEADER_SPECIAL) != HEADER_SHORT)
		return false;
	weight = (int) ((header + 1) & SHORT_WEIGHT_BITS) - 1;
	ndigits = (int) (VARSIZE_ANY_EXHDR(number) - sizeof(uint16)) / 2;
	if (weight > 2 || ndigits > weight + 2)
		return false;
	data += sizeof(uint16);
	for (int i = 0; i <= weight; i++)
		whole = whole * BASE + (i < ndigits ? read_uint16(data + 2 * i) : 0);
	if (ndigits == weight + 2)
		fraction = read_uint16(data + 2 * (weight + 1));

	/* 0, 2, 3 and 4 decimals are on offer */
	if (fraction == 0)
		*decimals = 0;
	else if (fraction % 100 == 0)
	{
		*decimals = 2;
		whole = whole * 100 + fraction / 100;
	}
	else if (fraction % 10 == 0)
	{
		*decimals = 3;
		whole = whole * 1000 + fraction / 10;
	}
	else
	{
		*decimals = 4;
		whole = whole * BASE + fraction;
	}
	*value = header & SHORT_SIGN ? -whole : whole;
	return true;
}

/* The digits of a numeric, as they are stored */
typedef struct NumericDigits
{
	const char *data;
	int			n;
	int			weight;			/* of the first */
	bool		negative;
} NumericDigits;

static inline int
numeric_digit(const NumericDigits *digits, int i)
{
	return read_uint16(digits->data + 2 * i);
}

/* False for NaN and infinities */
static bool
numeric_digits(const struct varlena *packed, NumericDigits *digits)
{
	const char *data = VARDATA_ANY(packed);
	uint16		header = read_uint16(data);
	int			header_size = sizeof(uint16);

	if ((header & HEADER_SPECIAL) == HEADER_SPECIAL)
		return false;
	if (header & HEADER_SHORT)
	{
		digits->negative = (header & SHORT_SIGN) != 0;
		digits->weight = header & SHORT_WEIGHT;
		if (header & SHORT_WEIGHT_SIGN)
			digits->weight |= ~SHORT_WEIGHT;
	}
	else
	{
		digits->negative = (header & LONG_SIGN) != 0;
		digits->weight = (int16) read_uint16(data + sizeof(uint16));
		header_size += sizeof(uint16);
	}
	digits->data = data + header_size;
	digits->n = ((int) VARSIZE_ANY_EXHDR(packed) - header_size) / 2;
	return true;
}

/* How many decimals are not zero */
static int
numeric_decimals(const NumericDigits *digits)
{
	int			groups = digits->n - 1 - digits->weight;	/* behind the point */
	int			decimals = 4 * groups;
	int			last;

	if (digits->n == 0 || groups <= 0)
		return 0;
	for (last = numeric_digit(digits, digits->n - 1); last % 10 == 0 && last > 0; last /= 10)
		decimals--;
	return decimals;
}

/* The value in units of 10^-decimals, which are enough for it; false if that is past 64 bits */
static bool
numeric_value(const NumericDigits *digits, int decimals, int64 *value)
{
	int64		result = 0;

	if (digits->n > 0 && digits->weight > MAX_WEIGHT)
		return false;
	/* from the digit that counts most to the last decimal needed */
	for (int i = 0; i < digits->n; i++)
	{
		int			behind = -4 * (digits->weight - i); /* decimals when it has been added */
		int			keep = behind <= decimals ? 4 : 4 - (behind - decimals);

		if (pg_mul_s64_overflow(result, powers[keep], &result) ||
			pg_add_s64_overflow(result, numeric_digit(digits, i) / powers[4 - keep], &result))
			return false;
	}
	/* and the zeros that the digits leave out */
	for (int have = 4 * (digits->n - 1 - digits->weight); digits->n > 0 && have < decimals;
		 have += 4)
	{
		if (pg_mul_s64_overflow(result, powers[Min(decimals - have, 4)], &result))
			return false;
	}
	*value = digits->negative ? -result : result;
	return true;
}

static FixedError
long_numeric(Datum datum, int64 *value, int *decimals)
{
	struct varlena *packed = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(datum));
	NumericDigits digits;
	FixedError	error = FIXED_OK;

	if (!numeric_digits(packed, &digits))
		error = FIXED_NOT_FINITE;
	else if ((*decimals = numeric_decimals(&digits)) > HISTORY_MAX_DECIMALS)
		error = FIXED_TOO_PRECISE;
	else
	{
		*decimals = history_round_up_decimals(*decimals);
		if (!numeric_value(&digits, *decimals, value))
			error = FIXED_OUT_OF_RANGE;
	}
	if ((Pointer) packed != DatumGetPointer(datum))
		pfree(packed);
	return error;
}

/*
 * Exact, with the smallest number of decimals on offer that holds the value;
 * trailing zeros don't count.
 */
FixedError
fixed_from_numeric(Datum datum, int64 *value, int *decimals)
{
	if (short_numeric(datum, value, decimals))
		return FIXED_OK;
	return long_numeric(datum, value, decimals);
}

/*
 * From the digits of the shortest decimal, [-]d[.ddd][e[+-]dd], rounded to 9
 * decimals, halves away from zero as numeric does.
 */
static FixedError
from_shortest(Oid type, Datum datum, int64 *value, int *decimals)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];
	const char *p = text;
	bool		negative;
	int64		digits = 0;		/* 17 at most */
	int			behind = 0;		/* how many of them are behind the point */
	bool		point = false;
	int			needed;

	shortest_text(type, datum, text);
	negative = *p == '-';
	if (negative)
		p++;
	for (; *p != '\0' && *p != 'e'; p++)
	{
		if (*p == '.')
			point = true;
		else
		{
			digits = digits * 10 + (*p - '0');
			behind += point;
		}
	}
	if (*p == 'e')
		behind -= atoi(p + 1);
	/* beyond so many, nothing is left of 17 digits */
	if (digits == 0 || behind > HISTORY_MAX_DECIMALS + 18)
		digits = behind = 0;
	if (behind > HISTORY_MAX_DECIMALS)
	{
		int64		unit = 1;

		for (; behind > HISTORY_MAX_DECIMALS; behind--)
			unit *= 10;
		digits = digits / unit + (digits % unit >= unit - digits % unit);
	}
	while (behind > 0 && digits % 10 == 0)
	{
		digits /= 10;
		behind--;
	}
	needed = behind > 0 ? history_round_up_decimals(behind) : 0;
	for (; behind < needed; behind++)
	{
		if (pg_mul_s64_overflow(digits, 10, &digits))
			return FIXED_OUT_OF_RANGE;
	}
	*value = negative ? -digits : digits;
	*decimals = needed;
	return FIXED_OK;
}

static FixedError
from_float8(Datum datum, int64 *value, int *decimals)
{
	static const int few[] = {0, 2, 4};
	double		number = DatumGetFloat8(datum);
	int			i;

	if (isnan(number) || isinf(number))
		return FIXED_NOT_FINITE;

	/*
	 * No two decimals of at most 15 digits have the same nearest double, so one
	 * that is nearest to such a decimal has no shorter one than that. With few
	 * decimals that is quickly seen.
	 */
	for (i = 0; i < (int) lengthof(few); i++)
	{
		double		factor = (double) history_power_of_ten(few[i]);
		double		scaled = rint(number * factor);

		if (fabs(scaled) < 1e15 && scaled / factor == number)
		{
			*value = (int64) scaled;
			*decimals = few[i];
			if (few[i] == 4 && *value % 10 == 0)
			{
				*value /= 10;
				*decimals = 3;
			}
			return FIXED_OK;
		}
	}
	return from_shortest(FLOAT8OID, datum, value, decimals);
}

static FixedError
from_float4(Datum datum, int64 *value, int *decimals)
{
	float		number = DatumGetFloat4(datum);

	if (isnan(number) || isinf(number))
		return FIXED_NOT_FINITE;
	return from_shortest(FLOAT4OID, datum, value, decimals);
}

static FixedError
from_int8(Datum datum, int64 *value, int *decimals)
{
	*value = DatumGetInt64(datum);
	*decimals = 0;
	return *value == PG_INT64_MIN ? FIXED_OUT_OF_RANGE : FIXED_OK;
}

static FixedError
from_int4(Datum datum, int64 *value, int *decimals)
{
	*value = DatumGetInt32(datum);
	*decimals = 0;
	return FIXED_OK;
}

static FixedError
from_int2(Datum datum, int64 *value, int *decimals)
{
	*value = DatumGetInt16(datum);
	*decimals = 0;
	return FIXED_OK;
}

const FixedReader *
fixed_reader(Oid type)
{
	static const FixedReader readers[] = {
		{NUMERICOID, fixed_from_numeric},
		{FLOAT8OID, from_float8},
		{FLOAT4OID, from_float4},
		{INT8OID, from_int8},
		{INT4OID, from_int4},
		{INT2OID, from_int2},
	};

	for (int i = 0; i < (int) lengthof(readers); i++)
	{
		if (readers[i].type == type)
			return &readers[i];
	}
	return NULL;
}

/* ---- from fixed point to a number ---- */

/*
 * The numeric of digits to the base 10000, of which the last "groups" are
 * behind the point, with so many decimals shown. Zeros at either end are left
 * out.
 */
static Numeric
make_numeric(const int16 *digits, int ndigits, int groups, bool negative, int decimals)
{
	int			first = 0;
	int			end = ndigits;
	uint16		header = (uint16) (HEADER_SHORT | decimals << SHORT_SCALE_SHIFT);
	struct varlena *result;
	Size		size;
	char	   *p;

	while (first < end && digits[first] == 0)
		first++;
	while (end > first && digits[end - 1] == 0)
		end--;
	if (end > first)
		header |= (uint16) ((negative ? SHORT_SIGN : 0) |
							((ndigits - groups - 1 - first) & SHORT_WEIGHT_BITS));
	size = VARHDRSZ + sizeof(uint16) + (end - first) * sizeof(int16);
	result = palloc(size);
	SET_VARSIZE(result, size);
	p = VARDATA(result);
	memcpy(p, &header, sizeof(header));
	memcpy(p + sizeof(header), digits + first, (end - first) * sizeof(int16));
	return (Numeric) result;
}

/* The numeric that equals it, with as many decimals shown */
Numeric
fixed_to_numeric(int64 value, int decimals)
{
	uint64		left = value < 0 ? -(uint64) value : (uint64) value;
	uint64		unit = (uint64) history_power_of_ten(decimals);
	uint64		whole = left / unit;
	uint64		fraction = left % unit;
	int			groups = (decimals + 3) / 4;	/* behind the point */
	int16		digits[8];		/* five before and three behind the point */
	int			first = 5;		/* the first digit that has been set */

	for (int i = 5 + groups; i > 5; i--)
	{
		/* the last group is filled up with zeros */
		int			power = i == 5 + groups ? 4 - (4 * groups - decimals) : 4;

		digits[i - 1] = (int16) (fraction % (uint64) powers[power] * (uint64) powers[4 - power]);
		fraction /= (uint64) powers[power];
	}
	while (whole > 0)
	{
		digits[--first] = (int16) (whole % BASE);
		whole /= BASE;
	}
	return make_numeric(digits + first, 5 + groups - first, groups, value < 0, decimals);
}

/* Weight and first digit to the base 10000 */
static inline int
leading_digit(uint128 value, int *digit)
{
	int			weight = 0;

	while (value > PG_UINT64_MAX)
	{
		value /= (uint64) BASE * BASE;
		weight += 2;
	}
	for (uint64 left = (uint64) value;; weight++, left /= BASE)
	{
		if (left < BASE)
		{
			*digit = (int) left;
			return weight;
		}
	}
}

/* As fixed_to_numeric, beyond 64 bits */
Numeric
fixed_wide_to_numeric(int128 value, int decimals)
{
	const uint64 half = UINT64CONST(10000000000000000); /* four digits */
	uint128		left = value < 0 ? -(uint128) value : (uint128) value;
	int			groups = (decimals + 3) / 4;
	int			zeros = 4 * groups - decimals;	/* with which the last group is filled up */
	int16		digits[13];
	int			i = lengthof(digits);

	digits[--i] = (int16) ((uint64) (left % (uint64) powers[4 - zeros]) * (uint64) powers[zeros]);
	left /= (uint64) powers[4 - zeros];
	while (i > 0)
	{
		uint64		part = (uint64) (left % half);

		left /= half;
		for (int j = 0; j < 4; j++)
		{
			digits[--i] = (int16) (part % BASE);
			part /= BASE;
		}
	}
	return make_numeric(digits, lengthof(digits), groups, value < 0, decimals);
}

/*
 * The magnitude of the quotient that core's division of numerics gives, in units
 * of 10^-scale, with the same number of decimals: at least 16 significant digits
 * by its estimate of the quotient's weight. False if that doesn't fit 128 bits.
 */
static bool
divide(int64 total, int decimals, int64 n, uint128 *quotient, int *quotient_scale)
{
	uint64		magnitude = total < 0 ? -(uint64) total : (uint64) total;
	int			groups = (decimals + 3) / 4;
	int			digit,
				digit_n;
	int			weight = leading_digit((uint128) magnitude * (uint64) powers[4 * groups - decimals],
									   &digit) - groups;
	int			weight_n = leading_digit((uint128) n, &digit_n);
	int			scale;
	uint128		scaled;

	if (magnitude == 0)
		weight = 0;
	scale = 16 - 4 * (weight - weight_n - (digit <= digit_n ? 1 : 0));
	scale = Max(scale, decimals);
	/* 19 more digits than the 19 of an int64 are within 128 bits, and so is half of n */
	if (scale - decimals > 18 || scale > 28)
		return false;
	scaled = magnitude;
	for (int more = scale - decimals; more > 0; more -= Min(more, HISTORY_MAX_DECIMALS))
		scaled *= (uint64) history_power_of_ten(Min(more, HISTORY_MAX_DECIMALS));
	*quotient = (scaled + (uint64) n / 2) / (uint64) n;
	*quotient_scale = scale;
	return true;
}

/* Without decimals that the total doesn't need: they play no part in its quotients. */
static void
drop_decimals(int64 *total, int *decimals)
{
	while (*decimals > 0)
	{
		int			fewer = history_round_down_decimals(*decimals);
		int64		unit = history_power_of_ten(*decimals - fewer);

		if (*total % unit != 0)
			break;
		*total /= unit;
		*decimals = fewer;
	}
}

/*
 * total / n as core divides numerics, but in a tenth of the time. n must be
 * positive.
 */
Numeric
fixed_mean(int64 total, int decimals, int64 n)
{
	uint128		quotient;
	int			scale;

	drop_decimals(&total, &decimals);
	if (divide(total, decimals, n, &quotient, &scale))
		return fixed_wide_to_numeric(total < 0 ? -(int128) quotient : (int128) quotient, scale);
	return DatumGetNumeric(DirectFunctionCall2(numeric_div,
											   NumericGetDatum(fixed_to_numeric(total, decimals)),
											   NumericGetDatum(int64_to_numeric(n))));
}

#if LDBL_MANT_DIG == 64 && LDBL_MAX_EXP == 16384

/*
 * value / 10^scale, rounded once. Both are exact in 64 bits of a long double, whose
 * quotient is rounded again to 53: that is the same as once, but where the first
 * one seems to lie in the middle of two doubles. False there, and for others.
 */
static bool
nearest_double(uint128 value, int scale, double *result)
{
	static const long double units[] = {
		1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L,
		1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L,
		1e27L
	};
	long double quotient;
	uint64		bits;

	if (value > PG_UINT64_MAX || scale >= (int) lengthof(units))
		return false;
	quotient = (long double) (uint64) value / units[scale];
	memcpy(&bits, &quotient, sizeof(bits));
	*result = (double) quotient;
	return (bits & 0x7FF) != 0x400;
}

#else

static bool
nearest_double(uint128 value, int scale, double *result)
{
	static const double units[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
		1e17, 1e18, 1e19, 1e20, 1e21, 1e22
	};

	/* both exact: the division rounds once */
	if (value >= UINT64CONST(1) << 53 || scale >= (int) lengthof(units))
		return false;
	*result = (double) (uint64) value / units[scale];
	return true;
}

#endif

/* The mean as a cast of the numeric to double precision gives it, which goes by way of text */
double
fixed_mean_float8(int64 total, int decimals, int64 n)
{
	uint128		quotient;
	int			scale;
	double		result;

	drop_decimals(&total, &decimals);
	if (divide(total, decimals, n, &quotient, &scale) && nearest_double(quotient, scale, &result))
		return total < 0 ? -result : result;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
											  NumericGetDatum(fixed_mean(total, decimals, n))));
}

/* As a cast of the numeric to double precision gives it, which goes by way of text */
double
fixed_to_float8(int64 value, int decimals)
{
	/* both exact: the division rounds once */
	if (likely(value > -(INT64CONST(1) << 53) && value < INT64CONST(1) << 53))
		return (double) value / (double) history_power_of_ten(decimals);
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
											  NumericGetDatum(fixed_to_numeric(value, decimals))));
}

int
fixed_to_text(int64 value, int decimals, char *text)
{
	uint64		left = value < 0 ? -(uint64) value : (uint64) value;
	uint64		unit = (uint64) history_power_of_ten(decimals);
	char	   *p = text;

	if (value < 0)
		*p++ = '-';
	p += pg_ulltoa_n(left / unit, p);
	if (decimals > 0)
	{
		uint64		fraction = left % unit;
		int			i;

		*p++ = '.';
		for (i = decimals - 1; i >= 0; i--)
		{
			p[i] = (char) ('0' + fraction % 10);
			fraction /= 10;
		}
		p += decimals;
	}
	*p = '\0';
	return (int) (p - text);
}
