/*
 * history_wide.h
 *		The exact sum of histories whose totals may be too large on the way.
 *		Pure C, no server headers.
 */
#ifndef HISTORY_WIDE_H
#define HISTORY_WIDE_H

#include "history_codec.h"

struct WideDay;

typedef struct HistoryWide
{
	struct WideDay *days;		/* in any order */
	size_t		n;
	size_t		room;
} HistoryWide;

extern void history_wide_init(HistoryWide *wide);
extern HistoryError history_wide_add(const Host *host, HistoryWide *wide, const HistoryDay *days,
									 size_t n, int decimals);

/*
 * The sum, to be freed with history_free(); HISTORY_OVERFLOW where it is none.
 * It remains the same sum and can be added to.
 */
extern HistoryError history_wide_open(const Host *host, OpenHistory *open, HistoryWide *wide);
extern void history_wide_free(const Host *host, HistoryWide *wide);

#endif							/* HISTORY_WIDE_H */
