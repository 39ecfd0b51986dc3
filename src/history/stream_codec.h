/*
 * stream_codec.h
 *		The packed form of stream_histories: what one customer did, by stream
 *		and kind. Pure C, no server headers.
 */
#ifndef STREAM_CODEC_H
#define STREAM_CODEC_H

#include "history_codec.h"

/* A stream has a number, and so has a kind in it; kind 0 is "other". */
#define STREAM_MAX_STREAM	255
#define STREAM_MAX_KIND		1023

#define STREAM_MIN_KEY		STREAM_KEY(1, 0)
#define STREAM_MAX_KEY		STREAM_KEY(STREAM_MAX_STREAM, STREAM_MAX_KIND)
#define STREAM_KEY(stream, kind) ((uint32_t) (stream) << 10 | (uint32_t) (kind))
#define STREAM_OF_KEY(key)	((int) ((key) >> 10))
#define STREAM_KIND_OF_KEY(key) ((int) ((key) & STREAM_MAX_KIND))

/* Bytes of a value */
#define STREAM_MAX_SIZE		((size_t) 1 << 29)

/* What no histories look like */
#define STREAM_EMPTY		0x10

/*
 * One history where it stands. history_last_day(), history_activity() and
 * history_events() read its bytes as they are. Its totals are left out if each
 * is the number of events of its day (is_count), so that what wants totals goes
 * by way of stream_total() or stream_unpack().
 */
typedef struct StreamEntry
{
	const uint8_t *bytes;
	size_t		len;
	uint32_t	key;			/* STREAM_KEY(stream, kind) */
	bool		is_count;
} StreamEntry;

/* Reads entries in the order of their keys */
typedef struct StreamReader
{
	const uint8_t *next;
	const uint8_t *end;
	uint32_t	key;			/* of the entry last read */
	bool		repeats;		/* the same key may come again: in states of aggregates */
	HistoryError error;
} StreamReader;

extern void stream_open(StreamReader *reader, const uint8_t *data, size_t len);

/* False at the end, and where the bytes are wrong: then reader->error says so. */
extern bool stream_read(StreamReader *reader, StreamEntry *entry);

/* What an entry says beside days and numbers of events */
extern HistoryError stream_unpack(const Host *host, OpenHistory *open, const StreamEntry *entry);
extern HistoryError stream_total(const StreamEntry *entry, int64_t after, int64_t upto,
								 int64_t *total, int *decimals);

/* The packed history of an entry, in memory of the host, and the other way round */
extern HistoryError stream_entry_history(const Host *host, const StreamEntry *entry, size_t head,
										 uint8_t **bytes, size_t *size);
extern HistoryError stream_entry_of_history(StreamEntry *entry, uint32_t key, const uint8_t *data,
											size_t len);

/* Are they exactly what a writer writes? */
extern HistoryError stream_check(const Host *host, const uint8_t *data, size_t len, bool repeats);

/* ---- write ---- */

typedef struct StreamWriter
{
	const Host *host;
	uint8_t    *bytes;			/* after a head, for the host to fill */
	size_t		used;
	size_t		room;
	uint32_t	key;			/* of the entry last written */
} StreamWriter;

extern void stream_write_open(StreamWriter *writer, const Host *host, size_t head, size_t room);

/*
 * Keys ascend. Days are normalised, and of no use any more afterwards; no days
 * are no entry. The bytes are the caller's to keep or to release.
 */
extern HistoryError stream_write_entry(StreamWriter *writer, const StreamEntry *entry);
extern HistoryError stream_write_days(StreamWriter *writer, uint32_t key, HistoryDay *days,
									  size_t n, int decimals);

/*
 * The sum of the entries, the last one times sign, whatever their keys: to be
 * freed; HISTORY_OVERFLOW only where no history can hold it.
 */
extern HistoryError stream_add_wide(const Host *host, const StreamEntry *entries, size_t n,
									int sign, OpenHistory *sum);

/*
 * a + b, or a - b with sign -1. An entry whose sum is out of range is an error,
 * or is left out.
 */
extern HistoryError stream_combine(const Host *host, const uint8_t *a, size_t alen,
								   const uint8_t *b, size_t blen, int sign, bool leave_out,
								   size_t head, uint8_t **bytes, size_t *size);

#endif							/* STREAM_CODEC_H */
