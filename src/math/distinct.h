/*
 * distinct.h
 *		Rows of doubles of which many are equal. Pure C, no server headers.
 */
#ifndef DISTINCT_H
#define DISTINCT_H

#include <stddef.h>
#include <stdint.h>

#include "host.h"

/* A key, and the row that it belongs to */
typedef struct Entry
{
	uint64_t	key;
	size_t		row;
} Entry;

/* By key, rows of equal keys in their order; returns which of the two arrays has the result. */
extern Entry *sort_by_key(Entry *from, Entry *to, size_t n, const Host *host);

/*
 * The numbers of the distinct rows, in an order that depends on their content
 * alone, and how many there are of each; returns how many are distinct. A row is
 * "width" doubles, finite and never a negative zero; the first or the second of
 * them, number "count" (0 or 1), is no content but says how many such rows it
 * stands for. Both arrays have room for n.
 */
extern size_t distinct_rows(const double *rows, size_t n, size_t width, int count,
							size_t *order, double *counts, const Host *host);

/* Which of the distinct rows, in that order, is equal to this one; "distinct" if none is. */
extern size_t distinct_find(const double *rows, size_t distinct, size_t width, int count,
							const size_t *order, const double *row);

#endif							/* DISTINCT_H */
