/*
 * history_codec.c
 *		The packed form of a history: encode, decode, merge, and read.
 *
 * Pure C without server headers, so that it is fuzzed and unit-tested alone.
 *
 * The packed form is canonical: a history has exactly one sequence of bytes,
 * and equality of histories is equality of bytes.
 *
 *	byte		bits 7-4 version (1), bit 3 plain, bits 2-0 decimals code
 *	varint		number of days
 *	varint		newest day, zigzag, counted from 2020-01-01
 *	days		from the newest to the oldest
 *		plain		gap to the next older day, minus one; none for the newest
 *		otherwise	2 * (gap minus one; 0 for the newest) + 1 if events <> 1,
 *					followed in that case by events, zigzag
 *	totals		from the newest to the oldest; plain: as it is, otherwise zigzag
 *
 * A history is plain if every day has exactly one event and no total is
 * negative: that is what most customers of a shop look like, and it costs no
 * byte for counts and no bit for signs. The newest day stands first because
 * "how long ago?" and look-back windows start there, and days stand apart from
 * totals because most questions need only one of the two.
 */
#include "history_codec.h"

#include <string.h>

#include "varint.h"

#define FORMAT_VERSION	1
#define PLAIN_BIT		0x08
#define DECIMALS_MASK	0x07

/* 2020-01-01: days between 1997 and 2042 then take two bytes */
#define EPOCH			7305

static const int decimals_of_code[] = {0, 2, 3, 4, 6, 9};

#define N_DECIMALS_CODES ((int) (sizeof(decimals_of_code) / sizeof(decimals_of_code[0])))

static const int64_t powers_of_ten[HISTORY_MAX_DECIMALS + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000
};

/* The smallest number of decimals on offer that holds so many digits */
int
history_round_up_decimals(int digits)
{
	int			i = 0;

	while (decimals_of_code[i] < digits)
		i++;
	return decimals_of_code[i];
}

/* The next smaller number of decimals on offer; there must be one */
int
history_round_down_decimals(int decimals)
{
	int			i = 0;

	while (decimals_of_code[i + 1] < decimals)
		i++;
	return decimals_of_code[i];
}

static int
code_of_decimals(int decimals)
{
	int			i = 0;

	while (decimals_of_code[i] != decimals)
		i++;
	return i;
}

int64_t
history_power_of_ten(int exponent)
{
	return powers_of_ten[exponent];
}

/*
 * INT64_MIN is out of range for events and totals, so that every history has
 * a negative.
 */
static inline bool
add_overflows(int64_t a, int64_t b, int64_t *sum)
{
	return __builtin_add_overflow(a, b, sum) || *sum == INT64_MIN;
}

/* ---- open form ---- */

HistoryError
history_give_room(const Host *host, OpenHistory *open, size_t n)
{
	if (n <= SHORT_HISTORY_DAYS)
		open->days = open->short_days;
	else if (n > HISTORY_MAX_DAYS)
		return HISTORY_TOO_MANY_DAYS;
	else
		open->days = host_allocate(host, n * sizeof(HistoryDay));
	return HISTORY_OK;
}

void
history_free(const Host *host, OpenHistory *open)
{
	if (open->days != open->short_days)
		host->release(open->days);
}

static void
insertion_sort(HistoryDay *days, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		HistoryDay	moving = days[i];
		size_t		j = i;

		for (; j > 0 && days[j - 1].day > moving.day; j--)
			days[j] = days[j - 1];
		days[j] = moving;
	}
}

/* End of the run of ascending days that starts at "from" */
static size_t
run_end(const HistoryDay *days, size_t from, size_t n)
{
	size_t		i = from + 1;

	while (i < n && days[i - 1].day <= days[i].day)
		i++;
	return i;
}

/*
 * Sort by day: a merge sort over the runs that are there already, because a
 * history grows mostly at its end and moving windows add a few days to a
 * sorted one. Scratch has room for n days.
 */
void
history_sort(HistoryDay *days, size_t n, HistoryDay *scratch)
{
	if (n <= 16)
	{
		insertion_sort(days, n);
		return;
	}

	for (;;)
	{
		HistoryDay *out = scratch;
		size_t		start = 0;

		if (run_end(days, 0, n) == n)
			return;
		while (start < n)
		{
			size_t		middle = run_end(days, start, n);
			size_t		end = middle < n ? run_end(days, middle, n) : n;
			size_t		i = start;
			size_t		j = middle;

			while (i < middle && j < end)
				*out++ = days[j].day < days[i].day ? days[j++] : days[i++];
			memcpy(out, days + i, (middle - i) * sizeof(HistoryDay));
			out += middle - i;
			memcpy(out, days + j, (end - j) * sizeof(HistoryDay));
			out += end - j;
			start = end;
		}
		memcpy(days, scratch, n * sizeof(HistoryDay));
	}
}

/* Sort, add up what belongs to the same day, drop days that came to nothing. */
HistoryError
history_normalise(HistoryDay *days, size_t *n, HistoryDay *scratch)
{
	size_t		out = 0;

	history_sort(days, *n, scratch);
	for (size_t i = 0; i < *n;)
	{
		HistoryDay	sum = days[i];

		for (i++; i < *n && days[i].day == sum.day; i++)
		{
			if (add_overflows(sum.events, days[i].events, &sum.events) ||
				add_overflows(sum.total, days[i].total, &sum.total))
				return HISTORY_OVERFLOW;
		}
		if (sum.events != 0 || sum.total != 0)
			days[out++] = sum;
	}
	*n = out;
	return HISTORY_OK;
}

HistoryError
history_normalise_open(const Host *host, OpenHistory *open)
{
	HistoryDay	short_scratch[SHORT_HISTORY_DAYS];
	HistoryDay *scratch = open->n <= SHORT_HISTORY_DAYS ? short_scratch :
		host_allocate(host, open->n * sizeof(HistoryDay));
	HistoryError error = history_normalise(open->days, &open->n, scratch);

	if (scratch != short_scratch)
		host->release(scratch);
	return error;
}

/* Express the totals with more decimals. */
HistoryError
history_rescale(HistoryDay *days, size_t n, int from_decimals, int to_decimals)
{
	int64_t		factor = powers_of_ten[to_decimals - from_decimals];

	if (factor == 1)
		return HISTORY_OK;
	for (size_t i = 0; i < n; i++)
	{
		if (__builtin_mul_overflow(days[i].total, factor, &days[i].total) ||
			days[i].total == INT64_MIN)
			return HISTORY_OVERFLOW;
	}
	return HISTORY_OK;
}

/* a + b, or a - b with sign -1; both normalised and with the same decimals */
HistoryError
history_merge(const HistoryDay *a, size_t na, const HistoryDay *b, size_t nb,
			  int sign, HistoryDay *out, size_t *nout)
{
	size_t		i = 0;
	size_t		j = 0;
	size_t		k = 0;

	while (i < na || j < nb)
	{
		HistoryDay	sum;

		if (j >= nb || (i < na && a[i].day < b[j].day))
			sum = a[i++];
		else
		{
			sum = b[j++];
			sum.events *= sign;
			sum.total *= sign;
			if (i < na && a[i].day == sum.day)
			{
				if (add_overflows(sum.events, a[i].events, &sum.events) ||
					add_overflows(sum.total, a[i].total, &sum.total))
					return HISTORY_OVERFLOW;
				i++;
			}
		}
		if (sum.events != 0 || sum.total != 0)
			out[k++] = sum;
	}
	if (k > HISTORY_MAX_DAYS)
		return HISTORY_TOO_MANY_DAYS;
	*nout = k;
	return HISTORY_OK;
}

/* The smallest number of decimals on offer that holds every total */
static int
needed_decimals(const HistoryDay *days, size_t n, int decimals)
{
	for (int code = 0; decimals_of_code[code] < decimals; code++)
	{
		int64_t		factor = powers_of_ten[decimals - decimals_of_code[code]];
		size_t		i = 0;

		while (i < n && days[i].total % factor == 0)
			i++;
		if (i == n)
			return decimals_of_code[code];
	}
	return decimals;
}

/* Give up the decimals that no total needs; returns how many remain. */
int
history_reduce_decimals(HistoryDay *days, size_t n, int decimals)
{
	int			needed = needed_decimals(days, n, decimals);

	if (needed < decimals)
	{
		for (size_t i = 0; i < n; i++)
			days[i].total /= powers_of_ten[decimals - needed];
	}
	return needed;
}

/* Without days before a day that have less than no events; how many remain */
size_t
history_drop_negative_days(HistoryDay *days, size_t n, int32_t before)
{
	size_t		kept = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (days[i].events >= 0 || days[i].day >= before)
			days[kept++] = days[i];
	}
	return kept;
}

/* ---- packed form ---- */

static bool
is_plain(const HistoryDay *days, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (days[i].events != 1 || days[i].total < 0)
			return false;
	}
	return true;
}

/* All but the totals */
static uint8_t *
put_days(uint8_t *p, const HistoryDay *days, size_t n, int decimals, bool plain)
{
	*p++ = (uint8_t) (FORMAT_VERSION << 4 | (plain ? PLAIN_BIT : 0) | code_of_decimals(decimals));
	p = put_varint(p, n);
	if (n == 0)
		return p;
	p = put_varint(p, zigzag((int64_t) days[n - 1].day - EPOCH));
	if (plain)
	{
		for (size_t i = n - 1; i > 0; i--)
			p = put_varint(p, (uint64_t) ((int64_t) days[i].day - days[i - 1].day - 1));
		return p;
	}
	for (size_t i = n; i-- > 0;)
	{
		uint64_t	gap = i == n - 1 ? 0 :
			(uint64_t) ((int64_t) days[i + 1].day - days[i].day - 1);

		p = put_varint(p, gap << 1 | (days[i].events != 1));
		if (days[i].events != 1)
			p = put_varint(p, zigzag(days[i].events));
	}
	return p;
}

/*
 * Pack normalised days with reduced decimals. The room at "out" must be
 * HISTORY_MAX_SIZE(n) bytes; returns how many were used.
 */
size_t
history_encode(const HistoryDay *days, size_t n, int decimals, uint8_t *out)
{
	bool		plain = is_plain(days, n);
	uint8_t    *p = put_days(out, days, n, decimals, plain);

	for (size_t i = n; i-- > 0;)
		p = put_varint(p, plain ? (uint64_t) days[i].total : zigzag(days[i].total));
	return (size_t) (p - out);
}

/* Is the total of each day its number of events? Decimals are reduced. */
bool
history_is_count(const HistoryDay *days, size_t n, int decimals)
{
	if (decimals != 0)
		return false;
	for (size_t i = 0; i < n; i++)
	{
		if (days[i].total != days[i].events)
			return false;
	}
	return true;
}

/* The same without the totals, if history_is_count() */
size_t
history_encode_days(const HistoryDay *days, size_t n, uint8_t *out)
{
	return (size_t) (put_days(out, days, n, 0, is_plain(days, n)) - out);
}

/* Pack normalised days; gives up decimals that are not needed. */
uint8_t *
history_pack_days(const Host *host, HistoryDay *days, size_t n, int decimals, size_t head,
				  size_t *size)
{
	uint8_t		short_bytes[HISTORY_MAX_SIZE(SHORT_HISTORY_DAYS)];
	uint8_t    *bytes = n <= SHORT_HISTORY_DAYS ? short_bytes :
		host_allocate(host, HISTORY_MAX_SIZE(n));
	uint8_t    *result;

	decimals = history_reduce_decimals(days, n, decimals);
	*size = head + history_encode(days, n, decimals, bytes);
	result = host_allocate(host, *size);
	memcpy(result + head, bytes, *size - head);
	if (bytes != short_bytes)
		host->release(bytes);
	return result;
}

/* Where we are in a packed history while its days are read */
typedef struct Cursor
{
	const uint8_t *next;
	const uint8_t *end;
	size_t		n;				/* days in all */
	size_t		i;				/* days read */
	int64_t		day;			/* the last one read, before that the newest */
	int64_t		events;
	int			decimals;
	bool		plain;
} Cursor;

static HistoryError
cursor_open(Cursor *cursor, const uint8_t *data, size_t len)
{
	uint64_t	value;
	int			code;

	cursor->next = data;
	cursor->end = data + len;
	cursor->i = 0;
	cursor->day = 0;
	cursor->events = 1;
	if (len < 2 || data[0] >> 4 != FORMAT_VERSION)
		return HISTORY_MALFORMED;
	code = data[0] & DECIMALS_MASK;
	if (code >= N_DECIMALS_CODES)
		return HISTORY_MALFORMED;
	cursor->decimals = decimals_of_code[code];
	cursor->plain = (data[0] & PLAIN_BIT) != 0;
	cursor->next = get_varint(data + 1, cursor->end, &value);
	/* a day takes two bytes at least, except the newest of a plain history */
	if (cursor->next == NULL || value > len)
		return HISTORY_MALFORMED;
	if (value > HISTORY_MAX_DAYS)
		return HISTORY_TOO_MANY_DAYS;
	cursor->n = (size_t) value;
	if (cursor->n > 0)
	{
		cursor->next = get_varint(cursor->next, cursor->end, &value);
		if (cursor->next == NULL)
			return HISTORY_MALFORMED;
		if (__builtin_add_overflow(unzigzag(value), (int64_t) EPOCH, &cursor->day) ||
			cursor->day > HISTORY_MAX_DAY || cursor->day < HISTORY_MIN_DAY)
			return HISTORY_DAY_RANGE;
	}
	return HISTORY_OK;
}

/* Step to the next older day; only while i < n. */
static inline bool
cursor_step(Cursor *cursor)
{
	uint64_t	value;

	if (cursor->plain)
	{
		if (cursor->i++ > 0)
		{
			cursor->next = get_varint(cursor->next, cursor->end, &value);
			if (cursor->next == NULL || value > UINT32_MAX)
				return false;
			cursor->day -= (int64_t) value + 1;
		}
		return true;
	}

	cursor->next = get_varint(cursor->next, cursor->end, &value);
	if (cursor->next == NULL || value > (uint64_t) UINT32_MAX << 1)
		return false;
	if (cursor->i++ > 0)
		cursor->day -= (int64_t) (value >> 1) + 1;
	else if (value > 1)
		return false;
	cursor->events = 1;
	if (value & 1)
	{
		cursor->next = get_varint(cursor->next, cursor->end, &value);
		if (cursor->next == NULL)
			return false;
		cursor->events = unzigzag(value);
		/* a single event has a shorter spelling */
		if (cursor->events == 1)
			return false;
	}
	return true;
}

/* Read the next total, once all days have been read. */
static inline bool
cursor_total(Cursor *cursor, int64_t *total)
{
	uint64_t	value;

	cursor->next = get_varint(cursor->next, cursor->end, &value);
	if (cursor->next == NULL)
		return false;
	*total = cursor->plain ? (int64_t) value : unzigzag(value);
	return true;
}

/* Step over varints without looking at them. */
static inline bool
cursor_skip(Cursor *cursor, size_t varints)
{
	const uint8_t *p = cursor->next;
	const uint8_t *end = cursor->end;

	while (varints >= 8 && end - p >= 8)
	{
		uint64_t	word;

		memcpy(&word, p, 8);
		varints -= (size_t) __builtin_popcountll(~word & UINT64_C(0x8080808080808080));
		p += 8;
	}
	while (varints > 0)
	{
		if (p >= end)
			return false;
		varints -= *p++ < 0x80;
	}
	cursor->next = p;
	return true;
}

/* How many days there are: how much room history_decode will need. */
HistoryError
history_count_days(const uint8_t *data, size_t len, size_t *n)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);

	*n = error == HISTORY_OK ? cursor.n : 0;
	return error;
}

/*
 * Unpack into days in ascending order. Trusts no byte: whatever is not exactly
 * what history_encode would write is refused; where the bytes have no totals,
 * what history_encode_days would.
 */
static HistoryError
decode(const uint8_t *data, size_t len, bool has_totals, HistoryDay *days, size_t *n,
	   int *decimals)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);
	bool		could_be_plain = true;

	*n = 0;
	if (error != HISTORY_OK)
		return error;
	while (cursor.i < cursor.n)
	{
		HistoryDay *day;

		if (!cursor_step(&cursor))
			return HISTORY_MALFORMED;
		if (cursor.day < HISTORY_MIN_DAY)
			return HISTORY_DAY_RANGE;
		day = &days[cursor.n - cursor.i];
		day->day = (int32_t) cursor.day;
		day->events = cursor.events;
		if (cursor.events == INT64_MIN)
			return HISTORY_OVERFLOW;
	}
	for (size_t i = cursor.n; i-- > 0;)
	{
		HistoryDay *day = &days[i];

		if (!has_totals)
			day->total = day->events;
		else if (!cursor_total(&cursor, &day->total))
			return HISTORY_MALFORMED;
		if (day->total == INT64_MIN || (cursor.plain && day->total < 0))
			return HISTORY_OVERFLOW;
		if (day->events == 0 && day->total == 0)
			return HISTORY_MALFORMED;
		if (day->events != 1 || day->total < 0)
			could_be_plain = false;
	}
	if (cursor.next != cursor.end || cursor.plain != could_be_plain)
		return HISTORY_MALFORMED;

	if (needed_decimals(days, cursor.n, cursor.decimals) != cursor.decimals ||
		(!has_totals && cursor.decimals != 0))
		return HISTORY_MALFORMED;
	*n = cursor.n;
	*decimals = cursor.decimals;
	return HISTORY_OK;
}

HistoryError
history_decode(const uint8_t *data, size_t len, HistoryDay *days, size_t *n, int *decimals)
{
	return decode(data, len, true, days, n, decimals);
}

HistoryError
history_decode_days(const uint8_t *data, size_t len, HistoryDay *days, size_t *n)
{
	int			decimals;

	return decode(data, len, false, days, n, &decimals);
}

/*
 * Where in the packed form the totals begin, and whether each of them is its
 * day's number of events.
 */
HistoryError
history_find_totals(const uint8_t *data, size_t len, size_t *at, bool *is_count)
{
	Cursor		days;
	Cursor		totals;
	HistoryError error = cursor_open(&days, data, len);

	if (error != HISTORY_OK)
		return error;
	totals = days;
	while (totals.i < totals.n)
	{
		if (!cursor_step(&totals))
			return HISTORY_MALFORMED;
	}
	*at = (size_t) (totals.next - data);
	*is_count = days.decimals == 0;
	while (*is_count && days.i < days.n)
	{
		int64_t		total;

		if (!cursor_step(&days) || !cursor_total(&totals, &total))
			return HISTORY_MALFORMED;
		*is_count = total == days.events;
	}
	return HISTORY_OK;
}

static HistoryError
unpack(const Host *host, OpenHistory *open, const uint8_t *data, size_t len, bool has_totals)
{
	size_t		n;
	HistoryError error = history_count_days(data, len, &n);

	if (error == HISTORY_OK)
		error = history_give_room(host, open, n);
	if (error != HISTORY_OK)
		return error;
	error = decode(data, len, has_totals, open->days, &open->n, &open->decimals);
	if (error != HISTORY_OK)
		history_free(host, open);
	return error;
}

/* Nothing is left to be freed if the bytes are no history. */
HistoryError
history_unpack(const Host *host, OpenHistory *open, const uint8_t *data, size_t len)
{
	return unpack(host, open, data, len, true);
}

/* The same of the packed form without totals */
HistoryError
history_unpack_days(const Host *host, OpenHistory *open, const uint8_t *data, size_t len)
{
	return unpack(host, open, data, len, false);
}

/* ---- answers from the packed form ---- */

/* The newest day up to "upto" that has an event */
HistoryError
history_last_day(const uint8_t *data, size_t len, int64_t upto, bool *found, int32_t *day)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);

	*found = false;
	if (error != HISTORY_OK)
		return error;
	while (cursor.i < cursor.n)
	{
		if (!cursor_step(&cursor))
			return HISTORY_MALFORMED;
		if (cursor.day <= upto && cursor.events > 0)
		{
			*found = true;
			*day = (int32_t) cursor.day;
			break;
		}
	}
	return HISTORY_OK;
}

HistoryError
history_activity(const uint8_t *data, size_t len, int64_t after, int64_t upto,
				 HistoryActivity *activity)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);

	memset(activity, 0, sizeof(*activity));
	if (error != HISTORY_OK)
		return error;
	while (cursor.i < cursor.n)
	{
		if (!cursor_step(&cursor))
			return HISTORY_MALFORMED;
		if (cursor.day <= after)
			break;
		if (cursor.day > upto)
			continue;
		if (cursor.events > 0)
		{
			activity->first_day = (int32_t) cursor.day;
			if (activity->active_days++ == 0)
				activity->last_day = (int32_t) cursor.day;
		}
		if (__builtin_add_overflow(activity->events, cursor.events, &activity->events))
			activity->overflow = true;
	}
	return HISTORY_OK;
}

HistoryError
history_events(const uint8_t *data, size_t len, int64_t after, int64_t upto, int64_t *events)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);
	HistoryActivity activity;

	/* the usual question: everything there is, one event a day */
	if (error == HISTORY_OK && cursor.plain && after == HISTORY_SINCE_EVER &&
		(cursor.n == 0 || cursor.day <= upto))
	{
		*events = (int64_t) cursor.n;
		return HISTORY_OK;
	}
	error = history_activity(data, len, after, upto, &activity);
	*events = activity.events;
	return error == HISTORY_OK && activity.overflow ? HISTORY_OVERFLOW : error;
}

/* Fill in what the windows leave open, all in one reading. */
HistoryError
history_windows(const uint8_t *data, size_t len, HistoryWindow *windows, int n)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);
	int64_t		oldest = INT64_MAX;

	for (int w = 0; w < n; w++)
	{
		windows[w].events = 0;
		windows[w].has_days = windows[w].overflow = false;
		if (windows[w].after < oldest)
			oldest = windows[w].after;
	}
	if (error != HISTORY_OK)
		return error;
	while (cursor.i < cursor.n)
	{
		if (!cursor_step(&cursor))
			return HISTORY_MALFORMED;
		if (cursor.day <= oldest)
			break;
		for (int w = 0; w < n; w++)
		{
			if (cursor.day <= windows[w].after || cursor.day > windows[w].upto)
				continue;
			windows[w].has_days = true;
			if (__builtin_add_overflow(windows[w].events, cursor.events, &windows[w].events))
				windows[w].overflow = true;
		}
	}
	return HISTORY_OK;
}

/* HISTORY_OVERFLOW here means only that the sum over days is past 64 bits. */
HistoryError
history_total(const uint8_t *data, size_t len, int64_t after, int64_t upto,
			  int64_t *total, int *decimals)
{
	Cursor		cursor;
	HistoryError error = cursor_open(&cursor, data, len);
	size_t		newer = 0;		/* days after the range */
	size_t		inside = 0;		/* days in the range */
	int64_t		sum = 0;

	if (error != HISTORY_OK)
		return error;
	*decimals = cursor.decimals;
	if (cursor.plain && after == HISTORY_SINCE_EVER && cursor.day <= upto)
	{
		if (cursor.n > 1 && !cursor_skip(&cursor, cursor.n - 1))
			return HISTORY_MALFORMED;
		inside = cursor.n;
	}
	else
	{
		while (cursor.i < cursor.n)
		{
			if (!cursor_step(&cursor))
				return HISTORY_MALFORMED;
			if (cursor.day > upto)
				newer++;
			else if (cursor.day > after)
				inside++;
			else if (cursor.plain)
			{
				/* the rest is older: step over it */
				if (!cursor_skip(&cursor, cursor.n - cursor.i))
					return HISTORY_MALFORMED;
				break;
			}
		}
	}
	if (!cursor_skip(&cursor, newer))
		return HISTORY_MALFORMED;
	for (size_t i = 0; i < inside; i++)
	{
		int64_t		day_total;

		if (!cursor_total(&cursor, &day_total))
			return HISTORY_MALFORMED;
		if (__builtin_add_overflow(sum, day_total, &sum))
			return HISTORY_OVERFLOW;
	}
	*total = sum;
	return HISTORY_OK;
}
