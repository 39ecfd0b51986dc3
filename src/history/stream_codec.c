/*
 * stream_codec.c
 *		The packed form of stream_histories: read, write, add and subtract.
 *
 * Pure C without server headers, so that it is fuzzed and unit-tested alone.
 *
 * The packed form is canonical: equal values have equal bytes.
 *
 *	byte		bits 7-4 version (1), the others 0: STREAM_EMPTY
 *	entries		ascending by key, which is 1024 * stream + kind; none is empty
 *		varint		difference to the key before, to 0 for the first
 *		varint		2 * number of bytes that follow + 1 if these are without totals
 *		bytes		the packed history (history_codec.c), without its totals if each
 *					of them is the number of events of its day
 *
 * Most streams have no value, so one event counts one: their totals repeat what
 * the days have said, and would be a fifth of all bytes. Days come first in a
 * packed history, so that leaving out the totals is cutting them off, and who
 * asks for days and events only never knows.
 */
#include "stream_codec.h"

#include <string.h>

#include "history_wide.h"
#include "varint.h"

/* ---- read ---- */

void
stream_open(StreamReader *reader, const uint8_t *data, size_t len)
{
	reader->next = data + 1;
	reader->end = data + len;
	reader->key = 0;
	reader->repeats = false;
	reader->error = len < 1 || data[0] != STREAM_EMPTY ? HISTORY_MALFORMED : HISTORY_OK;
}

bool
stream_read(StreamReader *reader, StreamEntry *entry)
{
	uint64_t	step;
	uint64_t	size;
	const uint8_t *p = reader->next;

	if (reader->error != HISTORY_OK || p == reader->end)
		return false;
	p = get_varint(p, reader->end, &step);
	if (p != NULL)
		p = get_varint(p, reader->end, &size);
	if (p == NULL || step > STREAM_MAX_KEY - reader->key ||
		(step == 0 && !reader->repeats) || reader->key + step < STREAM_MIN_KEY ||
		size >> 1 > (size_t) (reader->end - p))
	{
		reader->error = HISTORY_MALFORMED;
		return false;
	}
	reader->key += (uint32_t) step;
	entry->key = reader->key;
	entry->is_count = size & 1;
	entry->len = (size_t) (size >> 1);
	entry->bytes = p;
	reader->next = p + entry->len;
	return true;
}

HistoryError
stream_unpack(const Host *host, OpenHistory *open, const StreamEntry *entry)
{
	return (entry->is_count ? history_unpack_days : history_unpack)
		(host, open, entry->bytes, entry->len);
}

/* As history_total() */
HistoryError
stream_total(const StreamEntry *entry, int64_t after, int64_t upto, int64_t *total, int *decimals)
{
	if (!entry->is_count)
		return history_total(entry->bytes, entry->len, after, upto, total, decimals);
	*decimals = 0;
	return history_events(entry->bytes, entry->len, after, upto, total);
}

HistoryError
stream_entry_history(const Host *host, const StreamEntry *entry, size_t head, uint8_t **bytes,
					 size_t *size)
{
	OpenHistory open;
	HistoryError error;

	if (!entry->is_count)
	{
		*size = head + entry->len;
		*bytes = host_allocate(host, *size);
		memcpy(*bytes + head, entry->bytes, entry->len);
		return HISTORY_OK;
	}
	error = stream_unpack(host, &open, entry);
	if (error != HISTORY_OK)
		return error;
	*bytes = history_pack_days(host, open.days, open.n, open.decimals, head, size);
	history_free(host, &open);
	return HISTORY_OK;
}

/* The bytes of the entry are those of the history. */
HistoryError
stream_entry_of_history(StreamEntry *entry, uint32_t key, const uint8_t *data, size_t len)
{
	size_t		at;
	HistoryError error = history_find_totals(data, len, &at, &entry->is_count);

	entry->key = key;
	entry->bytes = data;
	entry->len = entry->is_count ? at : len;
	return error;
}

HistoryError
stream_check(const Host *host, const uint8_t *data, size_t len, bool repeats)
{
	StreamReader reader;
	StreamEntry entry;

	stream_open(&reader, data, len);
	reader.repeats = repeats;
	while (stream_read(&reader, &entry))
	{
		OpenHistory open;

		reader.error = stream_unpack(host, &open, &entry);
		if (reader.error != HISTORY_OK)
			break;
		if (open.n == 0 || history_is_count(open.days, open.n, open.decimals) != entry.is_count)
			reader.error = HISTORY_MALFORMED;
		history_free(host, &open);
		host->check();
	}
	return reader.error;
}

/* ---- write ---- */

void
stream_write_open(StreamWriter *writer, const Host *host, size_t head, size_t room)
{
	writer->host = host;
	writer->room = head + 1 + room;
	writer->bytes = host_allocate(host, writer->room);
	writer->bytes[head] = STREAM_EMPTY;
	writer->used = head + 1;
	writer->key = 0;
}

/* The start of an entry, and room for the rest */
static HistoryError
begin_entry(StreamWriter *writer, uint32_t key, bool is_count, size_t len)
{
	size_t		needed = writer->used + 2 * VARINT_MAX_SIZE + len;
	uint8_t    *p;

	if (needed > STREAM_MAX_SIZE)
		return HISTORY_TOO_LARGE;
	if (needed > writer->room)
	{
		writer->room = needed + needed / 2;
		writer->bytes = writer->host->resize(writer->bytes, writer->room);
	}
	p = writer->bytes + writer->used;
	p = put_varint(p, key - writer->key);
	p = put_varint(p, (uint64_t) len << 1 | is_count);
	writer->used = (size_t) (p - writer->bytes);
	writer->key = key;
	return HISTORY_OK;
}

HistoryError
stream_write_entry(StreamWriter *writer, const StreamEntry *entry)
{
	HistoryError error = begin_entry(writer, entry->key, entry->is_count, entry->len);

	if (error == HISTORY_OK)
	{
		memcpy(writer->bytes + writer->used, entry->bytes, entry->len);
		writer->used += entry->len;
	}
	return error;
}

HistoryError
stream_write_days(StreamWriter *writer, uint32_t key, HistoryDay *days, size_t n, int decimals)
{
	uint8_t		short_bytes[HISTORY_MAX_SIZE(SHORT_HISTORY_DAYS)];
	uint8_t    *bytes = short_bytes;
	StreamEntry entry;
	HistoryError error;

	if (n == 0)
		return HISTORY_OK;
	if (n > SHORT_HISTORY_DAYS)
		bytes = host_allocate(writer->host, HISTORY_MAX_SIZE(n));
	decimals = history_reduce_decimals(days, n, decimals);
	entry.key = key;
	entry.bytes = bytes;
	entry.is_count = history_is_count(days, n, decimals);
	entry.len = entry.is_count ? history_encode_days(days, n, bytes) :
		history_encode(days, n, decimals, bytes);
	error = stream_write_entry(writer, &entry);
	if (bytes != short_bytes)
		writer->host->release(bytes);
	return error;
}

/* ---- the group ---- */

static void
negate(OpenHistory *open)
{
	for (size_t i = 0; i < open->n; i++)
	{
		open->days[i].events = -open->days[i].events;
		open->days[i].total = -open->days[i].total;
	}
}

/* An entry that only one side has: as it is, or its negative */
static HistoryError
write_alone(StreamWriter *writer, const StreamEntry *entry, int sign)
{
	OpenHistory open;
	HistoryError error;

	if (sign > 0)
		return stream_write_entry(writer, entry);
	error = stream_unpack(writer->host, &open, entry);
	if (error != HISTORY_OK)
		return error;
	negate(&open);
	error = stream_write_days(writer, entry->key, open.days, open.n, open.decimals);
	history_free(writer->host, &open);
	return error;
}

HistoryError
stream_add_wide(const Host *host, const StreamEntry *entries, size_t n, int sign, OpenHistory *sum)
{
	HistoryWide wide;
	HistoryError error = HISTORY_OK;

	history_wide_init(&wide);
	for (size_t i = 0; i < n && error == HISTORY_OK; i++)
	{
		OpenHistory open;

		error = stream_unpack(host, &open, &entries[i]);
		if (error != HISTORY_OK)
			break;
		if (sign < 0 && i == n - 1)
			negate(&open);
		error = history_wide_add(host, &wide, open.days, open.n, open.decimals);
		history_free(host, &open);
	}
	if (error == HISTORY_OK)
		error = history_wide_open(host, sum, &wide);
	history_wide_free(host, &wide);
	return error;
}

/* The sum of two histories, to be freed */
static HistoryError
add_narrow(const Host *host, const StreamEntry *a, const StreamEntry *b, int sign, OpenHistory *sum)
{
	OpenHistory left;
	OpenHistory right;
	HistoryError error = stream_unpack(host, &left, a);

	if (error != HISTORY_OK)
		return error;
	error = stream_unpack(host, &right, b);
	if (error == HISTORY_OK)
	{
		sum->decimals = left.decimals > right.decimals ? left.decimals : right.decimals;
		error = history_rescale(left.days, left.n, left.decimals, sum->decimals);
		if (error == HISTORY_OK)
			error = history_rescale(right.days, right.n, right.decimals, sum->decimals);
		/* days that both have count twice here: room for more than there can be */
		if (error == HISTORY_OK)
		{
			sum->days = left.n + right.n <= SHORT_HISTORY_DAYS ? sum->short_days :
				host_allocate(host, (left.n + right.n) * sizeof(HistoryDay));
			error = history_merge(left.days, left.n, right.days, right.n, sign, sum->days,
								  &sum->n);
			if (error != HISTORY_OK)
				history_free(host, sum);
		}
		history_free(host, &right);
	}
	history_free(host, &left);
	return error;
}

/* Totals that are too large may fit with fewer decimals. */
static HistoryError
add(const Host *host, const StreamEntry *a, const StreamEntry *b, int sign, OpenHistory *sum)
{
	HistoryError error = add_narrow(host, a, b, sign, sum);

	if (error == HISTORY_OVERFLOW)
	{
		StreamEntry both[] = {*a, *b};

		error = stream_add_wide(host, both, 2, sign, sum);
	}
	return error;
}

HistoryError
stream_combine(const Host *host, const uint8_t *a, size_t alen, const uint8_t *b, size_t blen,
			   int sign, bool leave_out, size_t head, uint8_t **bytes, size_t *size)
{
	StreamReader left;
	StreamReader right;
	StreamEntry l;
	StreamEntry r;
	StreamWriter writer;
	HistoryError error = HISTORY_OK;
	bool		has_left;
	bool		has_right;

	stream_open(&left, a, alen);
	stream_open(&right, b, blen);
	stream_write_open(&writer, host, head, alen + blen);
	has_left = stream_read(&left, &l);
	has_right = stream_read(&right, &r);
	while (error == HISTORY_OK && (has_left || has_right))
	{
		if (!has_right || (has_left && l.key < r.key))
		{
			error = write_alone(&writer, &l, 1);
			has_left = stream_read(&left, &l);
		}
		else if (!has_left || r.key < l.key)
		{
			error = write_alone(&writer, &r, sign);
			has_right = stream_read(&right, &r);
		}
		else
		{
			OpenHistory sum;

			host->check();
			error = add(host, &l, &r, sign, &sum);
			if (error == HISTORY_OK)
			{
				error = stream_write_days(&writer, l.key, sum.days, sum.n, sum.decimals);
				history_free(host, &sum);
			}
			else if (error == HISTORY_OVERFLOW && leave_out)
				error = HISTORY_OK;
			has_left = stream_read(&left, &l);
			has_right = stream_read(&right, &r);
		}
	}
	if (error == HISTORY_OK)
		error = left.error != HISTORY_OK ? left.error : right.error;
	if (error != HISTORY_OK)
	{
		host->release(writer.bytes);
		return error;
	}
	*bytes = writer.bytes;
	*size = writer.used;
	return HISTORY_OK;
}
