/*
 * stream_histories.h
 *		The SQL type stream_histories, as C files share it.
 */
#ifndef STREAM_HISTORIES_H
#define STREAM_HISTORIES_H

#include "fmgr.h"

#include "history.h"
#include "stream_codec.h"
#include "stream_log.h"

/* Packed histories by stream and kind, in a varlena */
typedef struct varlena StreamHistories;

#define PG_GETARG_STREAM_HISTORIES_PP(n) ((StreamHistories *) PG_GETARG_VARLENA_PP(n))
#define PG_RETURN_STREAM_HISTORIES_P(s)	PG_RETURN_POINTER(s)

/*
 * Every entry of a value, in the order of streams and kinds:
 *
 *		StreamReader reader;
 *		StreamEntry entry;
 *
 *		stream_histories_open(&reader, value);
 *		while (stream_histories_read(&reader, &entry))
 *			... STREAM_OF_KEY(entry.key) ... history_events(entry.bytes, entry.len, ...) ...
 *
 * The entry points into the value.
 */
static inline void
stream_histories_open(StreamReader *reader, const StreamHistories *value)
{
	stream_open(reader, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

pg_noreturn extern void stream_histories_raise(HistoryError error);

static inline void
stream_histories_check(HistoryError error)
{
	if (unlikely(error != HISTORY_OK))
		stream_histories_raise(error);
}

static inline bool
stream_histories_read(StreamReader *reader, StreamEntry *entry)
{
	if (stream_read(reader, entry))
		return true;
	stream_histories_check(reader->error);
	return false;
}

/* A set of kinds; NULL is all of them. */
typedef struct StreamKinds
{
	uint64		bits[(STREAM_MAX_KIND + 1) / 64];
} StreamKinds;

static inline bool
stream_kind_is_in(const StreamKinds *kinds, int kind)
{
	return kinds == NULL || (kinds->bits[kind / 64] >> kind % 64 & 1) != 0;
}

/* Errors name the SQL arguments stream and kind. */
extern int	stream_check_stream(int32 stream);
extern int	stream_check_kind(int32 kind);

extern StreamLog *stream_log_create(MemoryContext context);
extern StreamHistories *stream_histories_of_log(const StreamLog *log, StreamOverflow overflow);

/* The bytes of a value, which have a head of VARHDRSZ */
extern StreamHistories *stream_histories_of_bytes(uint8 *bytes, size_t size);

#endif							/* STREAM_HISTORIES_H */
