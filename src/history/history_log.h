/*
 * history_log.h
 *		A history in the making: a log of days in the order they came, in one
 *		chunk of memory that grows. Pure C, no server headers.
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

/* The first chunk: eight or so orders of a shop */
#define HISTORY_LOG_FIRST_SIZE 64

/* Bytes of an entry, at least and at most */
#define HISTORY_LOG_MIN_ENTRY 2
#define HISTORY_LOG_MAX_ENTRY 30

/* "capacity" is what the chunk has beside the header. */
extern void history_log_init(HistoryLog *log, uint32_t capacity);

/*
 * The one way in for a day, and the ways out: the days normalised, to be freed
 * with history_free(), and packed with a head of so many bytes. The log moves
 * when it grows. On an error it holds what it did before, and the day may be
 * spoilt; there is nothing to free.
 */
extern HistoryError history_log_append(const Host *host, HistoryLog **log, HistoryDay *day,
									   int decimals);
extern HistoryError history_log_open(const Host *host, OpenHistory *open, const HistoryLog *log);
extern HistoryError history_log_pack(const Host *host, HistoryLog *log, size_t head,
									 uint8_t **bytes, size_t *size);

/* Add another log, as if its days came now. On an error some of them may have come. */
extern HistoryError history_log_append_log(const Host *host, HistoryLog **log,
										   const HistoryLog *added);

/* Replace the contents by these days, with as much room as they need. */
extern HistoryError history_log_replace(const Host *host, HistoryLog **log,
										const OpenHistory *open);

/* What it consists of */
extern bool history_log_add(HistoryLog *log, const HistoryDay *day);
extern size_t history_log_count(const HistoryLog *log);
extern size_t history_log_read(const HistoryLog *log, HistoryDay *days);
extern bool history_log_write(HistoryLog *log, const HistoryDay *days, size_t n, int decimals);
extern size_t history_log_size(const HistoryDay *days, size_t n);

#endif							/* HISTORY_LOG_H */
