/*
 * history_model.h
 *		What the unit tests and the fuzz harnesses compare the packed form of a
 *		history with: the same answers from plain loops over its days.
 */
#ifndef HISTORY_MODEL_H
#define HISTORY_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "history/history_codec.h"

typedef __int128 model_wide;

static inline bool
model_fits(model_wide value)
{
	return value >= INT64_MIN && value <= INT64_MAX;
}

/*
 * Ask every reader of the packed form about the days (after, upto] and compare
 * with the days themselves. NULL if all is well, otherwise what is not.
 */
static inline const char *
model_check_reads(const uint8_t *bytes, size_t len, const HistoryDay *days, size_t n, int decimals,
				  int64_t after, int64_t upto)
{
	model_wide	events = 0;
	model_wide	total = 0;
	model_wide	magnitude = 0;	/* of all events: no order overflows if it fits */
	uint32_t	active_days = 0;
	int32_t		first_day = 0;
	int32_t		last_day = 0;
	bool		ever = false;
	int32_t		ever_last_day = 0;
	bool		has_days = false;
	HistoryActivity activity;
	/* the one that is asked for between two that reach further */
	HistoryWindow windows[] = {
		{.after = upto,.upto = INT64_MAX},
		{.after = after,.upto = upto},
		{.after = HISTORY_SINCE_EVER,.upto = after}
	};
	HistoryError error;
	bool		found;
	int32_t		day;
	int64_t		got;
	int			got_decimals;
	size_t		count;

	for (size_t i = 0; i < n; i++)
	{
		if (days[i].day <= upto && days[i].events > 0)
		{
			ever = true;
			ever_last_day = days[i].day;
		}
		if (days[i].day <= after || days[i].day > upto)
			continue;
		has_days = true;
		events += days[i].events;
		magnitude += days[i].events > 0 ? days[i].events : -(model_wide) days[i].events;
		total += days[i].total;
		if (days[i].events > 0)
		{
			if (active_days++ == 0)
				first_day = days[i].day;
			last_day = days[i].day;
		}
	}

	if (history_count_days(bytes, len, &count) != HISTORY_OK || count != n)
		return "history_count_days";

	if (history_last_day(bytes, len, upto, &found, &day) != HISTORY_OK || found != ever ||
		(ever && day != ever_last_day))
		return "history_last_day";

	if (history_activity(bytes, len, after, upto, &activity) != HISTORY_OK ||
		activity.active_days != active_days ||
		(active_days > 0 && (activity.first_day != first_day || activity.last_day != last_day)))
		return "history_activity: days";
	if (activity.overflow ? model_fits(magnitude) : activity.events != events)
		return "history_activity: events";

	error = history_events(bytes, len, after, upto, &got);
	if (error == HISTORY_OK ? got != events : (error != HISTORY_OVERFLOW || model_fits(magnitude)))
		return "history_events";

	if (history_windows(bytes, len, windows, 3) != HISTORY_OK || windows[1].has_days != has_days ||
		(windows[1].overflow ? model_fits(magnitude) : windows[1].events != events))
		return "history_windows";
	for (size_t i = 0; i < n; i++)
	{
		int			which = days[i].day > upto ? 0 : days[i].day > after ? 1 : 2;
		const HistoryWindow *window = &windows[which];

		if (!window->has_days && days[i].day > window->after && days[i].day <= window->upto)
			return "history_windows: days";
	}

	magnitude = 0;
	for (size_t i = 0; i < n; i++)
	{
		if (days[i].day > after && days[i].day <= upto)
			magnitude += days[i].total > 0 ? days[i].total : -(model_wide) days[i].total;
	}
	error = history_total(bytes, len, after, upto, &got, &got_decimals);
	if (error == HISTORY_OK ? got != total || got_decimals != decimals
		: (error != HISTORY_OVERFLOW || model_fits(magnitude)))
		return "history_total";
	return NULL;
}

/* The same over ranges that start and end at, before and after so many of the days */
static inline const char *
model_check_all_reads(const uint8_t *bytes, size_t len, const HistoryDay *days, size_t n,
					  int decimals, size_t parts)
{
	const char *wrong;
	size_t		step = n / parts + 1;

	wrong = model_check_reads(bytes, len, days, n, decimals, HISTORY_SINCE_EVER, INT32_MAX);
	if (wrong == NULL)
		wrong = model_check_reads(bytes, len, days, n, decimals, HISTORY_SINCE_EVER, INT32_MIN);
	for (size_t i = 0; i < n && wrong == NULL; i += step)
	{
		for (int offset = -1; offset <= 1 && wrong == NULL; offset++)
		{
			int64_t		upto = (int64_t) days[i].day + offset;

			wrong = model_check_reads(bytes, len, days, n, decimals, HISTORY_SINCE_EVER, upto);
			for (size_t j = 0; j <= i && wrong == NULL; j += step)
			{
				for (int64_t after = (int64_t) days[j].day - 1;
					 after <= (int64_t) days[j].day && wrong == NULL; after++)
					wrong = model_check_reads(bytes, len, days, n, decimals, after, upto);
			}
			if (wrong == NULL)
				wrong = model_check_reads(bytes, len, days, n, decimals, upto - INT32_MAX, upto);
		}
	}
	return wrong;
}

/*
 * The sum of entries day by day, by adding each where it belongs; returns the
 * number of days. Totals past 64 bits give false.
 */
static inline bool
model_sum(const HistoryDay *entries, size_t n, HistoryDay *days, size_t *ndays)
{
	size_t		count = 0;
	size_t		kept = 0;

	for (size_t i = 0; i < n; i++)
	{
		size_t		at = count;

		while (at > 0 && days[at - 1].day >= entries[i].day)
			at--;
		if (at < count && days[at].day == entries[i].day)
		{
			model_wide	events = (model_wide) days[at].events + entries[i].events;
			model_wide	total = (model_wide) days[at].total + entries[i].total;

			if (!model_fits(events) || !model_fits(total) || events == INT64_MIN ||
				total == INT64_MIN)
				return false;
			days[at].events = (int64_t) events;
			days[at].total = (int64_t) total;
			continue;
		}
		memmove(days + at + 1, days + at, (count - at) * sizeof(HistoryDay));
		days[at] = entries[i];
		count++;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (days[i].events != 0 || days[i].total != 0)
			days[kept++] = days[i];
	}
	*ndays = kept;
	return true;
}

static inline bool
model_equal(const HistoryDay *a, size_t na, const HistoryDay *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
	{
		if (a[i].day != b[i].day || a[i].events != b[i].events || a[i].total != b[i].total)
			return false;
	}
	return true;
}

#endif							/* HISTORY_MODEL_H */
