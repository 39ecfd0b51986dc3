/*
 * stream_log.c
 *		Stream histories in the making: a log of histories in the order they
 *		came.
 *
 * Like the log of one history (history_log.c), the state of an aggregate is one
 * small chunk to which a row adds its bytes, for there are millions of states at
 * a time; most hold each stream and kind once, so there is nothing to add up.
 *
 *	varint		key
 *	varint, bytes	as in the packed form (stream_codec.c)
 *
 * The log is added up when it has filled a chunk of some size, and at the end. A
 * sum that doesn't fit on the way stays several entries: at the end it is computed
 * with wider numbers, so whether there is one doesn't depend on the order.
 *
 * Pure C without server headers: memory is the host's, errors are returned.
 */
#include "stream_log.h"

#include <stdlib.h>
#include <string.h>

#include "history_log.h"
#include "varint.h"

/*
 * A log at least so large is added up before it doubles: one customer may come
 * with a million rows. Below, that costs more than the bytes it saves.
 */
#define COALESCE_SIZE	2048

void
stream_log_init(StreamLog *log, uint32_t capacity)
{
	log->capacity = capacity;
	log->used = 0;
	log->last_key = 0;
	log->sorted = true;
}

static size_t
entry_size(const StreamEntry *entry)
{
	return varint_size(entry->key) + varint_size((uint64_t) entry->len << 1) + entry->len;
}

/* There is room. */
static void
put_entry(StreamLog *log, const StreamEntry *entry)
{
	uint8_t    *p = log->entries + log->used;

	p = put_varint(p, entry->key);
	p = put_varint(p, (uint64_t) entry->len << 1 | entry->is_count);
	memcpy(p, entry->bytes, entry->len);
	log->used = (uint32_t) (p + entry->len - log->entries);
	log->sorted = log->sorted && entry->key > log->last_key;
	log->last_key = entry->key;
}

/* All entries, in the order they came; how many they are. NULL only counts. */
static size_t
read_entries(const StreamLog *log, StreamEntry *entries)
{
	const uint8_t *p = log->entries;
	const uint8_t *end = p + log->used;
	size_t		n = 0;

	while (p < end)
	{
		uint64_t	key = 0;
		uint64_t	size = 0;

		p = get_varint(p, end, &key);
		p = get_varint(p, end, &size);
		if (entries != NULL)
			entries[n] = (StreamEntry) {p, (size_t) (size >> 1), (uint32_t) key, size & 1};
		n++;
		p += size >> 1;
	}
	return n;
}

/* By key, and of one key in the order they came */
static int
compare_entries(const void *a, const void *b)
{
	const StreamEntry *left = a;
	const StreamEntry *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return left->bytes < right->bytes ? -1 : left->bytes > right->bytes;
}

/* ---- sums of several entries of one key ---- */

static HistoryError
add_up_narrow(const Host *host, const StreamEntry *entries, size_t n, OpenHistory *sum)
{
	HistoryLog *log = host_allocate(host, HISTORY_LOG_FIRST_SIZE);
	HistoryError error = HISTORY_OK;

	history_log_init(log, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
	for (size_t i = 0; i < n && error == HISTORY_OK; i++)
	{
		OpenHistory open;

		error = stream_unpack(host, &open, &entries[i]);
		if (error != HISTORY_OK)
			break;
		for (size_t j = 0; j < open.n && error == HISTORY_OK; j++)
			error = history_log_append(host, &log, &open.days[j], open.decimals);
		history_free(host, &open);
	}
	if (error == HISTORY_OK)
		error = history_log_open(host, sum, log);
	host->release(log);
	return error;
}

/* Write the sum of n entries of one key. */
static HistoryError
write_sum(StreamWriter *writer, const StreamEntry *entries, size_t n, StreamOverflow overflow)
{
	const Host *host = writer->host;
	OpenHistory sum;
	HistoryError error;

	if (n == 1)
		return stream_write_entry(writer, entries);
	host->check();
	error = add_up_narrow(host, entries, n, &sum);
	if (error == HISTORY_OVERFLOW)
	{
		if (overflow == STREAM_KEEP)
		{
			error = HISTORY_OK;
			for (size_t i = 0; i < n && error == HISTORY_OK; i++)
				error = stream_write_entry(writer, &entries[i]);
			return error;
		}
		error = stream_add_wide(host, entries, n, 1, &sum);
		if (error == HISTORY_OVERFLOW && overflow == STREAM_LEAVE_OUT)
			return HISTORY_OK;
	}
	if (error != HISTORY_OK)
		return error;
	error = stream_write_days(writer, entries->key, sum.days, sum.n, sum.decimals);
	history_free(host, &sum);
	return error;
}

/* ---- out of a log ---- */

HistoryError
stream_log_pack(const Host *host, const StreamLog *log, StreamOverflow overflow, size_t head,
				uint8_t **bytes, size_t *size)
{
	StreamEntry short_entries[64];
	StreamEntry *entries = short_entries;
	StreamWriter writer;
	HistoryError error = HISTORY_OK;
	size_t		n = read_entries(log, NULL);

	if (n > sizeof(short_entries) / sizeof(short_entries[0]))
		entries = host_allocate(host, n * sizeof(StreamEntry));
	read_entries(log, entries);
	if (!log->sorted)
		qsort(entries, n, sizeof(StreamEntry), compare_entries);

	stream_write_open(&writer, host, head, log->used + 2 * VARINT_MAX_SIZE);
	for (size_t i = 0; i < n && error == HISTORY_OK;)
	{
		size_t		end = i + 1;

		while (end < n && entries[end].key == entries[i].key)
			end++;
		error = write_sum(&writer, &entries[i], end - i, overflow);
		i = end;
	}
	if (entries != short_entries)
		host->release(entries);
	if (error != HISTORY_OK)
	{
		host->release(writer.bytes);
		return error;
	}
	*bytes = writer.bytes;
	*size = writer.used;
	return HISTORY_OK;
}

/* ---- into a log ---- */

static HistoryError
enlarge(const Host *host, StreamLog **log, size_t used)
{
	size_t		size = STREAM_LOG_HEADER + (*log)->capacity;

	while (size < STREAM_LOG_HEADER + used)
	{
		if (size >= STREAM_MAX_SIZE)
			return HISTORY_TOO_LARGE;
		size *= 2;
	}
	*log = host->resize(*log, size);
	(*log)->capacity = (uint32_t) (size - STREAM_LOG_HEADER);
	return HISTORY_OK;
}

/* Replace the contents by their sums. */
static HistoryError
add_up(const Host *host, StreamLog **log)
{
	uint8_t    *bytes;
	size_t		size;
	StreamReader reader;
	StreamEntry entry;
	size_t		used = 0;
	HistoryError error = stream_log_pack(host, *log, STREAM_KEEP, 0, &bytes, &size);

	if (error != HISTORY_OK)
		return error;
	stream_open(&reader, bytes, size);
	reader.repeats = true;
	while (stream_read(&reader, &entry))
		used += entry_size(&entry);
	/* a sum may be longer than its parts, for it has more decimals */
	if (used > (*log)->capacity)
		error = enlarge(host, log, used);
	if (error == HISTORY_OK)
	{
		stream_log_init(*log, (*log)->capacity);
		stream_open(&reader, bytes, size);
		reader.repeats = true;
		while (stream_read(&reader, &entry))
			put_entry(*log, &entry);
	}
	host->release(bytes);
	return error;
}

HistoryError
stream_log_add(const Host *host, StreamLog **log, const StreamEntry *entry)
{
	size_t		size = entry_size(entry);
	HistoryError error = HISTORY_OK;

	if (size > (*log)->capacity - (*log)->used)
	{
		if ((*log)->capacity >= COALESCE_SIZE - STREAM_LOG_HEADER && !(*log)->sorted)
			error = add_up(host, log);
		/* full by more than a half: else the next time would come too soon */
		if (error == HISTORY_OK && (size > (*log)->capacity - (*log)->used ||
									(*log)->used > (*log)->capacity / 2))
			error = enlarge(host, log, (size_t) (*log)->capacity + size);
	}
	if (error == HISTORY_OK)
		put_entry(*log, entry);
	return error;
}

HistoryError
stream_log_add_all(const Host *host, StreamLog **log, const uint8_t *data, size_t len, bool repeats)
{
	StreamReader reader;
	StreamEntry entry;
	HistoryError error = HISTORY_OK;

	stream_open(&reader, data, len);
	reader.repeats = repeats;
	while (error == HISTORY_OK && stream_read(&reader, &entry))
		error = stream_log_add(host, log, &entry);
	return error != HISTORY_OK ? error : reader.error;
}
