/*
 * distinct.c
 *		Rows of doubles of which many are equal.
 *
 * Rows are sorted by a hash of their bits, and by their content where hashes
 * are equal: an order that looks random, and is the same for the same rows, in
 * whatever order they came.
 */
#include "distinct.h"

#include <string.h>

static inline uint64_t
bits_of(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static uint64_t
row_key(const double *row, size_t width, int count)
{
	uint64_t	key = bits_of(row[1 - count]) * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 2; i < width; i++)
	{
		key = (key ^ (key >> 29) ^ bits_of(row[i])) * UINT64_C(0xbf58476d1ce4e5b9);
		key ^= key >> 32;
	}
	key *= UINT64_C(0x94d049bb133111eb);
	return key ^ (key >> 31);
}

static int
compare_rows(const double *a, const double *b, size_t width, int count)
{
	if (a[1 - count] != b[1 - count])
		return a[1 - count] < b[1 - count] ? -1 : 1;
	for (size_t i = 2; i < width; i++)
	{
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

/* 11 bits at a time */
Entry *
sort_by_key(Entry *from, Entry *to, size_t n, const Host *host)
{
	size_t		count[2048];

	for (int shift = 0; shift < 64; shift += 11)
	{
		size_t		total = 0;
		Entry	   *swap = from;

		host->check();
		memset(count, 0, sizeof(count));
		for (size_t i = 0; i < n; i++)
			count[(from[i].key >> shift) & 2047]++;
		for (int i = 0; i < 2048; i++)
		{
			size_t		here = count[i];

			count[i] = total;
			total += here;
		}
		for (size_t i = 0; i < n; i++)
			to[count[(from[i].key >> shift) & 2047]++] = from[i];
		from = to;
		to = swap;
	}
	return from;
}

/* Different rows of one key, which hardly ever happens: Shell's sort. */
static void
sort_by_content(Entry *entries, size_t n, const double *rows, size_t width, int count,
				const Host *host)
{
	size_t		gap = 1;

	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap > 0; gap /= 3)
	{
		for (size_t i = gap; i < n; i++)
		{
			Entry		entry = entries[i];
			size_t		j = i;

			if (i % 4096 == 0)
				host->check();
			for (; j >= gap && compare_rows(rows + entries[j - gap].row * width,
											rows + entry.row * width, width, count) > 0; j -= gap)
				entries[j] = entries[j - gap];
			entries[j] = entry;
		}
	}
}

size_t
distinct_rows(const double *rows, size_t n, size_t width, int count,
			  size_t *order, double *counts, const Host *host)
{
	Entry	   *entries = host_allocate(host, 2 * (n + 1) * sizeof(Entry));
	Entry	   *sorted;
	size_t		distinct = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (i % 65536 == 0)
			host->check();
		entries[i].key = row_key(rows + i * width, width, count);
		entries[i].row = i;
	}
	sorted = sort_by_key(entries, entries + n, n, host);
	for (size_t start = 0, end; start < n; start = end)
	{
		int			collision = 0;

		if (start % 65536 == 0)
			host->check();
		for (end = start + 1; end < n && sorted[end].key == sorted[start].key; end++)
			collision |= compare_rows(rows + sorted[start].row * width,
									  rows + sorted[end].row * width, width, count);
		if (collision)
			sort_by_content(sorted + start, end - start, rows, width, count, host);
		for (size_t i = start; i < end; i++)
		{
			const double *row = rows + sorted[i].row * width;

			if (i > start &&
				compare_rows(rows + order[distinct - 1] * width, row, width, count) == 0)
				counts[distinct - 1] += row[count];
			else
			{
				order[distinct] = sorted[i].row;
				counts[distinct++] = row[count];
			}
		}
	}
	host->release(entries);
	return distinct;
}

size_t
distinct_find(const double *rows, size_t distinct, size_t width, int count,
			  const size_t *order, const double *row)
{
	uint64_t	key = row_key(row, width, count);
	size_t		low = 0;
	size_t		high = distinct;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;
		const double *other = rows + order[middle] * width;
		uint64_t	other_key = row_key(other, width, count);

		if (other_key < key || (other_key == key && compare_rows(other, row, width, count) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low < distinct && compare_rows(rows + order[low] * width, row, width, count) == 0 ?
		low : distinct;
}
