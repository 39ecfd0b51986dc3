/*
 * parallel_source.h
 *		Read a source by parallel workers: each adds up the rows that it gets, and
 *		hands over one part for each customer instead of their rows.
 */
#ifndef CUSTOMER_SCORING_PARALLEL_SOURCE_H
#define CUSTOMER_SCORING_PARALLEL_SOURCE_H

#include "lib/stringinfo.h"

#include "customer_table.h"

/*
 * What a worker does with its share of the rows. The parts that "put" writes come
 * to the "take" of the leader's SourceReader as rows, in any order, and several of
 * a customer: what is made of them must not depend on it.
 */
typedef struct SourceShare
{
	const char *name;			/* how a worker finds it */
	Size		settings_size;	/* of what SourceReader.share_settings points to */
	CustomerTable *(*start) (const void *settings, const SourceKey *key, bool of_histories);
	void		(*take) (CustomerTable *table, SourceRow *rows, int n);
	void		(*put) (CustomerTable *table, void *entry, StringInfo chunk);
} SourceShare;

extern void parallel_source_register(void);
extern bool parallel_source_read(SPIPlanPtr plan, const SourceReader *reader, SourceCounts *counts);
extern void parallel_source_put(StringInfo chunk, CustomerTable *table, Datum key, int decimals,
								const void *part, Size size);

#endif							/* CUSTOMER_SCORING_PARALLEL_SOURCE_H */
