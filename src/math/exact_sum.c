/*
 * exact_sum.c
 *		Sums of doubles, and of products of two doubles, without rounding.
 *
 * The number is kept in limbs of 32 bits, each in an int64_t of its own, so
 * that an addition touches a few limbs and leaves its carries there; they are
 * propagated long before a limb can overflow. Only the limbs between the
 * lowest and the highest one touched are held: a sum of ordinary amounts takes
 * a handful of them.
 */
#include "exact_sum.h"

#include <math.h>
#include <string.h>

#define LIMB_MASK	UINT64_C(0xffffffff)

/*
 * An addition puts less than 2^33 into a limb, so after this many a limb is
 * below 2^62, and two such limbs can still be added.
 */
#define MAX_PENDING	((uint32_t) 1 << 29)

/* A sum in sign and magnitude, without zero limbs at either end. */
typedef struct Magnitude
{
	int			sign;			/* -1, 0 or 1 */
	int			first;			/* number of limb[0] */
	int			count;			/* 0 exactly when sign is 0 */
	uint32_t	limb[EXACT_SUM_LIMBS + 4];	/* room for carries out of the top */
} Magnitude;

void
exact_sum_init(ExactSum *sum, ExactSumResize resize)
{
	memset(sum, 0, sizeof(*sum));
	sum->resize = resize;
}

/* Make the limbs first .. first + count - 1 part of the sum. */
static void
widen(ExactSum *sum, int first, int count)
{
	int			end = first + count;
	int			below;

	if (sum->count == 0)
		sum->first = first;
	else
	{
		if (sum->first < first)
			first = sum->first;
		if (sum->first + sum->count > end)
			end = sum->first + sum->count;
	}
	count = end - first;
	below = sum->first - first;
	if (count > sum->room)
	{
		int			room = count + 3;

		sum->limb = sum->resize(sum->limb, (size_t) room * sizeof(int64_t));
		sum->room = room;
	}
	if (below > 0)
		memmove(sum->limb + below, sum->limb, (size_t) sum->count * sizeof(int64_t));
	memset(sum->limb, 0, (size_t) below * sizeof(int64_t));
	memset(sum->limb + below + sum->count, 0,
		   (size_t) (count - below - sum->count) * sizeof(int64_t));
	sum->first = first;
	sum->count = count;
}

/* Where limb number "first" is, with "count" limbs from there on in use. */
static inline int64_t *
limbs_at(ExactSum *sum, int first, int count)
{
	if (first < sum->first || first + count > sum->first + sum->count)
		widen(sum, first, count);
	return sum->limb + (first - sum->first);
}

/* Leave every limb but the highest in 0 .. 2^32 - 1, that one in +-2^32. */
static void
propagate(ExactSum *sum)
{
	int64_t		carry = 0;
	int			i;

	sum->pending = 0;
	if (sum->count == 0)
		return;
	for (i = 0; i < sum->count - 1; i++)
	{
		int64_t		value = sum->limb[i] + carry;

		sum->limb[i] = (int64_t) ((uint64_t) value & LIMB_MASK);
		carry = (value - sum->limb[i]) / ((int64_t) 1 << 32);
	}
	carry += sum->limb[i];
	while (carry >= (int64_t) 1 << 32 || carry <= -((int64_t) 1 << 32))
	{
		int64_t		low = (int64_t) ((uint64_t) carry & LIMB_MASK);

		widen(sum, sum->first, sum->count + 1);
		sum->limb[i++] = low;
		carry = (carry - low) / ((int64_t) 1 << 32);
	}
	sum->limb[i] = carry;
}

static inline void
added(ExactSum *sum)
{
	if (++sum->pending >= MAX_PENDING)
		propagate(sum);
}

/* |x| = mantissa * 2^exponent; true if x is negative. */
static inline int
split(double x, uint64_t *mantissa, int *exponent)
{
	uint64_t	bits;
	int			biased;

	memcpy(&bits, &x, sizeof(bits));
	biased = (int) ((bits >> 52) & 0x7ff);
	*mantissa = bits & ((UINT64_C(1) << 52) - 1);
	if (biased != 0)
		*mantissa |= UINT64_C(1) << 52;
	else
		biased = 1;
	*exponent = biased - 1075;
	return (int) (bits >> 63);
}

void
exact_sum_add(ExactSum *sum, double x)
{
	uint64_t	mantissa;
	int			exponent;
	int			negative = split(x, &mantissa, &exponent);
	int			position = exponent + EXACT_SUM_BIAS;
	int			shift = position & 31;
	uint64_t	low = (mantissa & LIMB_MASK) << shift;
	uint64_t	high = (mantissa >> 32) << shift;
	int64_t    *limb;
	int64_t		part[3];

	if (mantissa == 0)
		return;
	limb = limbs_at(sum, position >> 5, 3);
	part[0] = (int64_t) (low & LIMB_MASK);
	part[1] = (int64_t) ((low >> 32) + (high & LIMB_MASK));
	part[2] = (int64_t) (high >> 32);
	if (negative)
	{
		limb[0] -= part[0];
		limb[1] -= part[1];
		limb[2] -= part[2];
	}
	else
	{
		limb[0] += part[0];
		limb[1] += part[1];
		limb[2] += part[2];
	}
	added(sum);
}

void
exact_sum_add_product(ExactSum *sum, double x, double y)
{
	uint64_t	mx,
				my,
				low,
				middle,
				high;
	int			ex,
				ey,
				position,
				shift;
	int			negative = split(x, &mx, &ex) ^ split(y, &my, &ey);
	uint32_t	piece[4];
	int64_t    *limb;

	if (mx == 0 || my == 0)
		return;
	position = ex + ey + EXACT_SUM_BIAS;
	shift = position & 31;

	/* 53 by 53 bits, in halves of 32 and 21 bits: no sum below overflows. */
	low = (mx & LIMB_MASK) * (my & LIMB_MASK);
	middle = (mx >> 32) * (my & LIMB_MASK) + (low >> 32);
	high = (mx >> 32) * (my >> 32);
	middle += (mx & LIMB_MASK) * (my >> 32);
	high += middle >> 32;
	piece[0] = (uint32_t) low;
	piece[1] = (uint32_t) middle;
	piece[2] = (uint32_t) high;
	piece[3] = (uint32_t) (high >> 32);

	limb = limbs_at(sum, position >> 5, 5);
	for (int i = 0; i < 4; i++)
	{
		uint64_t	shifted = (uint64_t) piece[i] << shift;

		if (negative)
		{
			limb[i] -= (int64_t) (shifted & LIMB_MASK);
			limb[i + 1] -= (int64_t) (shifted >> 32);
		}
		else
		{
			limb[i] += (int64_t) (shifted & LIMB_MASK);
			limb[i + 1] += (int64_t) (shifted >> 32);
		}
	}
	added(sum);
}

void
exact_sum_merge(ExactSum *sum, const ExactSum *other)
{
	int64_t    *limb;

	if (other->count == 0)
		return;
	propagate(sum);
	limb = limbs_at(sum, other->first, other->count);
	for (int i = 0; i < other->count; i++)
		limb[i] += other->limb[i];
	propagate(sum);
}

static void
get_magnitude(const ExactSum *sum, Magnitude *magnitude)
{
	int			count;
	int			zeros = 0;

	magnitude->sign = 1;
	for (;;)
	{
		int64_t		carry = 0;

		count = sum->count;
		for (int i = 0; i < sum->count || carry > 0; i++)
		{
			int64_t		value = carry;
			int64_t		low;

			if (i < sum->count)
				value += magnitude->sign > 0 ? sum->limb[i] : -sum->limb[i];
			low = (int64_t) ((uint64_t) value & LIMB_MASK);
			magnitude->limb[i] = (uint32_t) low;
			carry = (value - low) / ((int64_t) 1 << 32);
			count = i + 1;
		}
		if (carry == 0)
			break;
		/* A carry is left only if the sum is negative: its opposite is not. */
		magnitude->sign = -1;
	}
	while (count > 0 && magnitude->limb[count - 1] == 0)
		count--;
	while (zeros < count && magnitude->limb[zeros] == 0)
		zeros++;
	memmove(magnitude->limb, magnitude->limb + zeros,
			(size_t) (count - zeros) * sizeof(uint32_t));
	magnitude->first = sum->first + zeros;
	magnitude->count = count - zeros;
	if (magnitude->count == 0)
	{
		magnitude->sign = 0;
		magnitude->first = 0;
	}
}

void
exact_sum_add_multiple(ExactSum *sum, const ExactSum *other, uint64_t factor)
{
	Magnitude	term;
	int64_t    *limb;

	get_magnitude(other, &term);
	if (term.sign == 0 || factor == 0)
		return;
	propagate(sum);
	limb = limbs_at(sum, term.first, term.count + 2);
	for (int i = 0; i < term.count; i++)
	{
		uint64_t	low = term.limb[i] * (factor & LIMB_MASK);
		uint64_t	high = term.limb[i] * (factor >> 32);

		limb[i] += term.sign * (int64_t) (low & LIMB_MASK);
		limb[i + 1] += term.sign * (int64_t) ((low >> 32) + (high & LIMB_MASK));
		limb[i + 2] += term.sign * (int64_t) (high >> 32);
	}
	propagate(sum);
}

void
exact_sum_subtract_product(ExactSum *sum, const ExactSum *one, const ExactSum *other)
{
	Magnitude	left;
	Magnitude	right;
	int			sign;
	int			first;
	int64_t    *limb;

	get_magnitude(one, &left);
	get_magnitude(other, &right);
	sign = left.sign * right.sign;
	if (sign == 0)
		return;
	propagate(sum);

	/* 2^(32 * (i + j) - 2 * BIAS) is limb i + j - BIAS / 32. */
	first = left.first + right.first - EXACT_SUM_BIAS / 32;
	limb = limbs_at(sum, first, left.count + right.count + 1);
	for (int i = 0; i < left.count; i++)
	{
		for (int j = 0; j < right.count; j++)
		{
			uint64_t	product = (uint64_t) left.limb[i] * right.limb[j];

			/* A limb takes at most 2 * 144 times 2^32 here. */
			limb[i + j] -= sign * (int64_t) (product & LIMB_MASK);
			limb[i + j + 1] -= sign * (int64_t) (product >> 32);
		}
	}
	propagate(sum);
}

void
exact_sum_subtract_square(ExactSum *sum, const ExactSum *other)
{
	exact_sum_subtract_product(sum, other, other);
}

/* 64 bits of the magnitude from bit "from" on, counted from its lowest limb. */
static uint64_t
bits_from(const Magnitude *magnitude, int from)
{
	uint64_t	bits = 0;

	for (int i = 0; i < 3; i++)
	{
		int			limb = from / 32 + i;
		int			shift = 32 * i - from % 32;

		if (limb < magnitude->count)
			bits |= shift >= 0 ? (shift < 64 ? (uint64_t) magnitude->limb[limb] << shift : 0)
				: (uint64_t) magnitude->limb[limb] >> -shift;
	}
	return bits;
}

/* m and e of exact_sum_scaled(), e being at least "lowest". */
static double
round_sum(const ExactSum *sum, int lowest, int *exponent)
{
	Magnitude	magnitude;
	int			unit;			/* exponent of the magnitude's lowest bit */
	int			length;			/* its bits */
	int			cut;			/* bits to round away */
	uint64_t	kept;

	*exponent = 0;
	get_magnitude(sum, &magnitude);
	if (magnitude.sign == 0)
		return 0.0;
	unit = 32 * magnitude.first - EXACT_SUM_BIAS;
	length = 32 * magnitude.count;
	for (uint32_t top = magnitude.limb[magnitude.count - 1]; !(top >> 31); top <<= 1)
		length--;
	cut = length - 53;
	if (unit + cut < lowest)
		cut = lowest - unit;
	if (cut <= 0)
	{
		/* Nothing is lost; short of 53 bits the low ones are zero. */
		kept = bits_from(&magnitude, 0) << (cut > -64 ? -cut : 0);
	}
	else if (cut > length)
		kept = 0;				/* below half of the lowest bit allowed */
	else
	{
		int			half = cut - 1;
		int			round_bit;
		int			sticky = 0;

		kept = cut == length ? 0 : bits_from(&magnitude, cut);
		round_bit = (int) ((magnitude.limb[half / 32] >> (half % 32)) & 1);
		for (int i = 0; i < half / 32 && !sticky; i++)
			sticky = magnitude.limb[i] != 0;
		if (half % 32 != 0 && (magnitude.limb[half / 32] << (32 - half % 32)) != 0)
			sticky = 1;
		if (round_bit && (sticky || (kept & 1)))
			kept++;
	}
	*exponent = unit + cut;
	if (kept == UINT64_C(1) << 53)
	{
		kept >>= 1;
		*exponent += 1;
	}
	return magnitude.sign * (double) kept;
}

double
exact_sum_scaled(const ExactSum *sum, int *exponent)
{
	return round_sum(sum, -2 * EXACT_SUM_BIAS, exponent);
}

double
exact_sum_double(const ExactSum *sum)
{
	int			exponent;
	double		mantissa = round_sum(sum, -1074, &exponent);

	return ldexp(mantissa, exponent);
}

double
exact_sum_ratio(const ExactSum *one, const ExactSum *other)
{
	int			exponent;
	int			other_exponent;
	double		mantissa = exact_sum_scaled(one, &exponent);

	mantissa /= exact_sum_scaled(other, &other_exponent);
	return ldexp(mantissa, exponent - other_exponent);
}

size_t
exact_sum_write(const ExactSum *sum, unsigned char *bytes)
{
	Magnitude	magnitude;
	unsigned char *to = bytes;

	get_magnitude(sum, &magnitude);
	*to++ = (unsigned char) (magnitude.sign + 1);
	*to++ = (unsigned char) magnitude.first;
	*to++ = (unsigned char) magnitude.count;
	for (int i = 0; i < magnitude.count; i++)
	{
		for (int shift = 24; shift >= 0; shift -= 8)
			*to++ = (unsigned char) (magnitude.limb[i] >> shift);
	}
	return (size_t) (to - bytes);
}

size_t
exact_sum_read(ExactSum *sum, const unsigned char *bytes, size_t length)
{
	int			sign,
				first,
				count;
	int64_t    *limb;

	if (length < 3)
		return 0;
	sign = (int) bytes[0] - 1;
	first = bytes[1];
	count = bytes[2];
	if (sign > 1 || (sign == 0) != (count == 0) || (sign == 0 && first != 0) ||
		first + count > EXACT_SUM_LIMBS || length < 3 + 4 * (size_t) count)
		return 0;
	sum->count = 0;
	sum->pending = 0;
	if (count == 0)
		return 3;
	limb = limbs_at(sum, first, count);
	bytes += 3;
	for (int i = 0; i < count; i++, bytes += 4)
		limb[i] = sign * (int64_t) ((uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
									(uint32_t) bytes[2] << 8 | bytes[3]);
	if (limb[0] == 0 || limb[count - 1] == 0)
		return 0;
	return 3 + 4 * (size_t) count;
}
