/*
 * history.h
 *		The SQL type history, as its C files share it.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/nodes.h"
#include "utils/date.h"
#include "utils/numeric.h"

#include "compat.h"
#include "history_codec.h"
#include "history_log.h"
#include "memory.h"

/* A packed history in a varlena */
typedef struct varlena History;

#define PG_GETARG_HISTORY_PP(n)	((History *) PG_GETARG_VARLENA_PP(n))
#define PG_RETURN_HISTORY_P(h)	PG_RETURN_POINTER(h)

#define HISTORY_BYTES(h)	((const uint8 *) VARDATA_ANY(h))
#define HISTORY_LENGTH(h)	((size_t) VARSIZE_ANY_EXHDR(h))

/*
 * The days that a model keeps: those on which to_char and date_trunc, which
 * make timestamps of them, never fail. Timestamps begin on 24 November 4714 BC,
 * and the month of that day before they do.
 */
#define SCORABLE_FIRST_DAY	(7 - POSTGRES_EPOCH_JDATE)	/* 4714-12-01 BC */
#define SCORABLE_LAST_DAY	(TIMESTAMP_END_JULIAN - 1 - POSTGRES_EPOCH_JDATE)	/* 294276-12-31 */

static inline bool
is_scorable_day(DateADT day)
{
	return day >= SCORABLE_FIRST_DAY && day <= SCORABLE_LAST_DAY;
}

pg_noreturn extern void history_raise(HistoryError error);
extern HistoryDay *history_alloc_days(size_t n);
extern void history_open(OpenHistory *open, const History *history);
extern History *history_pack(HistoryDay *days, size_t n, int decimals);
extern History *history_from_text(const char *input, Node *escontext);
extern void history_append_text(StringInfo text, const OpenHistory *open);
extern HistoryLog *history_log_create(MemoryContext context);
extern History *history_of_log(HistoryLog *log);
extern History *history_of_log_if_it_fits(HistoryLog *log);
extern int32 history_check_day(DateADT day);
extern int64 history_window_start(DateADT as_of, int32 window_days);
extern Numeric history_numeric_total(const History *history, int64 after, int64 upto);
pg_noreturn extern void history_too_many_events(void);
extern Datum history_pl(PG_FUNCTION_ARGS);
extern Datum history_monetary_float8(PG_FUNCTION_ARGS);

static inline void
history_check(HistoryError error)
{
	if (unlikely(error != HISTORY_OK))
		history_raise(error);
}

static inline void
history_close(OpenHistory *open)
{
	history_free(&server_host, open);
}

/* The words of score_reason for somebody without an order */
static inline const char *
history_reason_without_order(bool money_came, bool money_went)
{
	return money_came && money_went ? "all_refunded" : "no_order";
}

#endif							/* HISTORY_H */
