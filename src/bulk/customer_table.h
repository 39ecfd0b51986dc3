/*
 * customer_table.h
 *		A hash table of customers that grows past memory into files.
 */
#ifndef CUSTOMER_SCORING_CUSTOMERS_H
#define CUSTOMER_SCORING_CUSTOMERS_H

#include "nodes/pg_list.h"
#include "storage/buffile.h"

#include "history/history_codec.h"
#include "source.h"

/*
 * What a table keeps for each customer is up to its user: an entry begins with
 * the key, followed by whatever "add" makes of a batch of rows and the entries
 * of their customers. Entries stay where they are until they are emitted, or
 * put aside.
 */
typedef struct CustomerTable CustomerTable;

/*
 * "add" sees rows, and parts of customers (SourceRow.part) where workers read the
 * source: then it is up to it to know what a part is.
 */
typedef struct CustomerOps
{
	Size		entry_size;		/* the key included, a multiple of 8 */
	void		(*create) (CustomerTable *table, void *entry);
	/* row by row */
	void		(*add) (CustomerTable *table, void **entries, const SourceRow *rows, int n);
	const void *(*next_memory) (const void *entry); /* what "add" and "emit" touch beside the entry, or NULL */
	void		(*put_aside) (CustomerTable *table, void *entry);	/* customers_put_aside() for what it has, if "add" enlarges it */
	void		(*emit) (CustomerTable *table, void *entry);	/* the customer is complete */
	void	   *arg;			/* for these functions to find */
} CustomerOps;

struct CustomerTable
{
	MemoryContext context;		/* all that counts against the limit */
	Size		limit;
	Size		allocated;		/* in the context, when large_memory_grown() saw it last */
	const CustomerOps *ops;
	SourceKey	key;

	uint64	   *slots;			/* upper half of the hash, number of the entry + 1 */
	uint64		mask;
	char	  **blocks;			/* of entries */
	int			nblocks;
	int			max_blocks;
	char	   *arena;			/* memory for blocks to come */
	int			arena_blocks;	/* how many it is for */
	int64		entries;

	char	   *key_bytes;		/* a piece of memory for keys by reference */
	Size		key_bytes_left;

	/*
	 * A worker hands over what it has instead of writing files: nothing is put
	 * aside, but the table says that it is full.
	 */
	bool		hands_over;
	bool		full;			/* new customers go to files, or are handed over */
	int			level;			/* how often the rows at hand have been divided */
	BufFile   **files;			/* one for each part, made when needed */
	List	   *pending;		/* parts that wait for their turn */
};

extern CustomerTable *customers_create(const CustomerOps *ops, Size limit);
extern void customers_set_key(CustomerTable *table, const SourceKey *key);
extern void customers_put_aside(CustomerTable *table, Datum key, const HistoryDay *days, size_t n,
								int decimals);
extern void customers_add(CustomerTable *table, SourceRow *rows, int n);
extern bool customers_spilled(const CustomerTable *table);
extern void customers_emit(CustomerTable *table);
extern void customers_reset(CustomerTable *table);
extern void customers_free(CustomerTable *table);
extern void *customers_entry(const CustomerTable *table, int64 i);

extern void customers_write_key(BufFile *file, const SourceKey *key, Datum datum);
extern Datum customers_read_key(BufFile *file, const SourceKey *key);
extern void customers_rewind(BufFile *file);
extern bool customers_read(BufFile *file, void *data, Size size);

#endif							/* CUSTOMER_SCORING_CUSTOMERS_H */
