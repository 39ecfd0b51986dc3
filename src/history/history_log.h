/*
 * history_log.h
 *		The state of history_agg: a log of days in the order they came, in one
 *		chunk of memory. Pure C, no server headers; the caller owns the memory.
 */
#ifndef HISTORY_LOG_H
#define HISTORY_LOG_H

#include "history_codec.h"

typedef struct HistoryLog
{
	uint32_t	capacity;		/* bytes of entries */
	uint32_t	used;
	int32_t		last_day;		/* of the entry last added */
	uint8_t		decimals;		/* of all totals in the log */
	bool		sorted;			/* normalised: ascending days, each once */
	uint8_t		entries[];
} HistoryLog;

#define HISTORY_LOG_HEADER	offsetof(HistoryLog, entries)

/* Bytes of an entry, at least and at most */
#define HISTORY_LOG_MIN_ENTRY 2
#define HISTORY_LOG_MAX_ENTRY 30

extern void history_log_init(HistoryLog *log, uint32_t capacity);
extern bool history_log_add(HistoryLog *log, const HistoryDay *day);
extern size_t history_log_count(const HistoryLog *log);
extern size_t history_log_read(const HistoryLog *log, HistoryDay *days);
extern bool history_log_write(HistoryLog *log, const HistoryDay *days, size_t n, int decimals);
extern size_t history_log_size(const HistoryDay *days, size_t n);

#endif							/* HISTORY_LOG_H */
