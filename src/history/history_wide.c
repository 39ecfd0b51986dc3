/*
 * history_wide.c
 *		The exact sum of histories whose totals may be too large on the way.
 *
 * Whether a sum fits must not depend on the order of what is added: a total
 * that doesn't fit half way may do so in the end. So totals are 128 bits wide
 * here, in units of the ninth decimal, and numbers of events, too. Where the
 * compiler has no such integers, nothing is added and every sum is too large.
 *
 * Pure C without server headers: memory is the host's, errors are returned.
 */
#include "history_wide.h"

#include <stdlib.h>

#define FIRST_ROOM	64

#ifdef __SIZEOF_INT128__

/* The alignment is that of the server's memory. */
typedef __int128 wide_int __attribute__((aligned(8)));

typedef struct WideDay
{
	wide_int	total;
	wide_int	events;
	int32_t		day;
} WideDay;

static int
compare_days(const void *a, const void *b)
{
	int32_t		left = ((const WideDay *) a)->day;
	int32_t		right = ((const WideDay *) b)->day;

	return (left > right) - (left < right);
}

/* Each day once, ascending */
static void
normalise(HistoryWide *wide)
{
	size_t		n = 0;

	if (wide->n == 0)
		return;
	qsort(wide->days, wide->n, sizeof(WideDay), compare_days);
	for (size_t i = 1; i < wide->n; i++)
	{
		WideDay    *last = &wide->days[n];

		if (last->day == wide->days[i].day)
		{
			last->total += wide->days[i].total;
			last->events += wide->days[i].events;
		}
		else
			wide->days[++n] = wide->days[i];
	}
	wide->n = n + 1;
}

static inline bool
fits(wide_int value)
{
	return value <= INT64_MAX && value >= -INT64_MAX;
}

void
history_wide_init(HistoryWide *wide)
{
	wide->days = NULL;
	wide->n = wide->room = 0;
}

static HistoryError
make_room(const Host *host, HistoryWide *wide)
{
	host->check();
	normalise(wide);
	if (wide->room > 0 && wide->n <= wide->room / 2)
		return HISTORY_OK;
	if (wide->room > HISTORY_MAX_DAYS)
		return HISTORY_TOO_MANY_DAYS;
	wide->room = wide->room == 0 ? FIRST_ROOM : wide->room * 2;
	wide->days = host->resize(wide->days, wide->room * sizeof(WideDay));
	return HISTORY_OK;
}

HistoryError
history_wide_add(const Host *host, HistoryWide *wide, const HistoryDay *days, size_t n,
				 int decimals)
{
	int64_t		unit = history_power_of_ten(HISTORY_MAX_DECIMALS - decimals);

	for (size_t i = 0; i < n; i++)
	{
		WideDay    *day;

		if (wide->n == wide->room)
		{
			HistoryError error = make_room(host, wide);

			if (error != HISTORY_OK)
				return error;
		}
		day = &wide->days[wide->n++];
		day->day = days[i].day;
		day->events = days[i].events;
		day->total = (wide_int) days[i].total * unit;
	}
	return HISTORY_OK;
}

HistoryError
history_wide_open(const Host *host, OpenHistory *open, HistoryWide *wide)
{
	int			decimals = 0;
	int64_t		unit;
	HistoryError error;

	normalise(wide);
	for (size_t i = 0; i < wide->n; i++)
	{
		while (wide->days[i].total % history_power_of_ten(HISTORY_MAX_DECIMALS - decimals) != 0)
			decimals = history_round_up_decimals(decimals + 1);
	}
	unit = history_power_of_ten(HISTORY_MAX_DECIMALS - decimals);
	error = history_give_room(host, open, wide->n);
	if (error != HISTORY_OK)
		return error;
	open->n = 0;
	open->decimals = decimals;
	for (size_t i = 0; i < wide->n; i++)
	{
		wide_int	total = wide->days[i].total / unit;
		wide_int	events = wide->days[i].events;

		if (!fits(total) || !fits(events))
		{
			history_free(host, open);
			return HISTORY_OVERFLOW;
		}
		if (total == 0 && events == 0)
			continue;
		open->days[open->n].day = wide->days[i].day;
		open->days[open->n].events = (int64_t) events;
		open->days[open->n++].total = (int64_t) total;
	}
	return HISTORY_OK;
}

#else

void
history_wide_init(HistoryWide *wide)
{
	wide->days = NULL;
	wide->n = wide->room = 0;
}

HistoryError
history_wide_add(const Host *host, HistoryWide *wide, const HistoryDay *days, size_t n,
				 int decimals)
{
	(void) host, (void) wide, (void) days, (void) n, (void) decimals;
	return HISTORY_OK;
}

HistoryError
history_wide_open(const Host *host, OpenHistory *open, HistoryWide *wide)
{
	(void) host, (void) open, (void) wide;
	return HISTORY_OVERFLOW;
}

#endif

void
history_wide_free(const Host *host, HistoryWide *wide)
{
	if (wide->days != NULL)
		host->release(wide->days);
	history_wide_init(wide);
}
