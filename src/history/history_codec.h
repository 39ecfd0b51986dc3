/*
 * history_codec.h
 *		The packed form of a history: one customer's days, each with a number
 *		of events and a total. Pure C, no server headers.
 */
#ifndef HISTORY_CODEC_H
#define HISTORY_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

/*
 * One day of a history in the open form. Days count from 2000-01-01, as
 * PostgreSQL's date does. The total is in units of 10^-decimals, where
 * decimals belong to the whole history.
 */
typedef struct HistoryDay
{
	int64_t		events;
	int64_t		total;
	int32_t		day;
} HistoryDay;

/* A history in the open form, with room on the stack for short ones */
#define SHORT_HISTORY_DAYS	32

typedef struct OpenHistory
{
	HistoryDay *days;
	size_t		n;
	int			decimals;
	HistoryDay	short_days[SHORT_HISTORY_DAYS];
} OpenHistory;

/* PostgreSQL's range of finite dates: 4714-11-24 BC to 5874897-12-31 */
#define HISTORY_MIN_DAY		(-2451545)
#define HISTORY_MAX_DAY		2145031948

/* As many days as fit an allocation of 1 GB in the open form, with room to sort */
#define HISTORY_MAX_DAYS	16000000

/* Totals have one of these numbers of decimals */
#define HISTORY_MAX_DECIMALS 9

/* Bytes of a history without days; any other has more */
#define HISTORY_EMPTY_SIZE	2

/* Bytes that n days can need at most */
#define HISTORY_MAX_SIZE(n)	(16 + (size_t) (n) * 25)

typedef enum HistoryError
{
	HISTORY_OK,
	HISTORY_MALFORMED,			/* not the canonical form of any history */
	HISTORY_DAY_RANGE,			/* a day that is no date */
	HISTORY_OVERFLOW,			/* events or total of a day past 64 bits */
	HISTORY_TOO_MANY_DAYS,
	HISTORY_TOO_LARGE			/* histories of many streams that no value holds */
} HistoryError;

/* The days of a history that have an event, in some range of days */
typedef struct HistoryActivity
{
	int64_t		events;			/* over all days in range, corrections of counts included */
	bool		overflow;		/* ... which is past 64 bits and means nothing */
	uint32_t	active_days;	/* days with events > 0; the next two are set if > 0 */
	int32_t		first_day;
	int32_t		last_day;
} HistoryActivity;

/* "since ever" as the exclusive lower bound of a range */
#define HISTORY_SINCE_EVER	INT64_MIN

extern int	history_round_up_decimals(int digits);
extern int	history_round_down_decimals(int decimals);
extern int64_t history_power_of_ten(int exponent);

/* open form; what has been given room is to be freed */
extern HistoryError history_give_room(const Host *host, OpenHistory *open, size_t n);
extern void history_free(const Host *host, OpenHistory *open);
extern HistoryError history_normalise_open(const Host *host, OpenHistory *open);
extern void history_sort(HistoryDay *days, size_t n, HistoryDay *scratch);
extern HistoryError history_normalise(HistoryDay *days, size_t *n, HistoryDay *scratch);
extern HistoryError history_rescale(HistoryDay *days, size_t n, int from_decimals, int to_decimals);
extern HistoryError history_merge(const HistoryDay *a, size_t na, const HistoryDay *b, size_t nb,
								  int sign, HistoryDay *out, size_t *nout);
extern int	history_reduce_decimals(HistoryDay *days, size_t n, int decimals);
extern size_t history_drop_negative_days(HistoryDay *days, size_t n, int32_t before);

/*
 * Packed form and open form, in memory of the host; the bytes have a head of so
 * many, for the host to fill.
 */
extern uint8_t *history_pack_days(const Host *host, HistoryDay *days, size_t n, int decimals,
								  size_t head, size_t *size);
extern HistoryError history_unpack(const Host *host, OpenHistory *open, const uint8_t *data,
								   size_t len);
extern HistoryError history_unpack_days(const Host *host, OpenHistory *open, const uint8_t *data,
										size_t len);

/* packed form */
extern size_t history_encode(const HistoryDay *days, size_t n, int decimals, uint8_t *out);
extern HistoryError history_count_days(const uint8_t *data, size_t len, size_t *n);
extern HistoryError history_decode(const uint8_t *data, size_t len, HistoryDay *days, size_t *n,
								   int *decimals);

/*
 * The packed form without its totals, of a history whose totals are its numbers
 * of events: one a click, say. Readers that ask for days and events alone read
 * it as they read the whole.
 */
extern bool history_is_count(const HistoryDay *days, size_t n, int decimals);
extern size_t history_encode_days(const HistoryDay *days, size_t n, uint8_t *out);
extern HistoryError history_find_totals(const uint8_t *data, size_t len, size_t *at,
										bool *is_count);
extern HistoryError history_decode_days(const uint8_t *data, size_t len, HistoryDay *days,
										size_t *n);

/* What happened on the days (after, upto] */
typedef struct HistoryWindow
{
	int64_t		after;
	int64_t		upto;
	int64_t		events;
	bool		has_days;		/* with events or corrections */
	bool		overflow;		/* the events don't fit 64 bits */
} HistoryWindow;

/* answers read straight from the packed form; the range is (after, upto] */
extern HistoryError history_last_day(const uint8_t *data, size_t len, int64_t upto,
									 bool *found, int32_t *day);
extern HistoryError history_activity(const uint8_t *data, size_t len, int64_t after, int64_t upto,
									 HistoryActivity *activity);
extern HistoryError history_windows(const uint8_t *data, size_t len, HistoryWindow *windows, int n);
extern HistoryError history_events(const uint8_t *data, size_t len, int64_t after, int64_t upto,
								   int64_t *events);
extern HistoryError history_total(const uint8_t *data, size_t len, int64_t after, int64_t upto,
								  int64_t *total, int *decimals);

#endif							/* HISTORY_CODEC_H */
