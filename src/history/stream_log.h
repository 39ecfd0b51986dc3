/*
 * stream_log.h
 *		Stream histories in the making: a log of histories in the order they
 *		came, in one chunk of memory that grows. Pure C, no server headers.
 */
#ifndef STREAM_LOG_H
#define STREAM_LOG_H

#include "stream_codec.h"

typedef struct StreamLog
{
	uint32_t	capacity;		/* bytes of entries */
	uint32_t	used;
	uint32_t	last_key;		/* of the entry last added */
	bool		sorted;			/* keys ascend, each once */
	uint8_t		entries[];
} StreamLog;

#define STREAM_LOG_HEADER	offsetof(StreamLog, entries)

/* The first chunk: a handful of kinds with a few events each */
#define STREAM_LOG_FIRST_SIZE 128

/* "capacity" is what the chunk has beside the header. */
extern void stream_log_init(StreamLog *log, uint32_t capacity);

/*
 * Add an entry, which is copied, or all entries of a value (or with "repeats" of
 * a state). The log moves when it grows. On an error it holds what it did before,
 * or of a value some of the entries.
 */
extern HistoryError stream_log_add(const Host *host, StreamLog **log, const StreamEntry *entry);
extern HistoryError stream_log_add_all(const Host *host, StreamLog **log, const uint8_t *data,
									   size_t len, bool repeats);

/*
 * The sums, packed with a head of so many bytes, in memory of the host. What is
 * to be done with an entry whose sum is out of range?
 */
typedef enum StreamOverflow
{
	STREAM_RAISE,
	STREAM_LEAVE_OUT,
	STREAM_KEEP					/* several entries of one key: a state, no value */
} StreamOverflow;

extern HistoryError stream_log_pack(const Host *host, const StreamLog *log, StreamOverflow overflow,
									size_t head, uint8_t **bytes, size_t *size);

#endif							/* STREAM_LOG_H */
