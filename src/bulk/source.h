/*
 * source.h
 *		Run a caller's query and hand on its rows: customer, day, value. Where it
 *		has whole histories, each of their days is handed on as a row.
 */
#ifndef CUSTOMER_SCORING_SOURCE_H
#define CUSTOMER_SCORING_SOURCE_H

#include "executor/spi.h"
#include "fmgr.h"

/* Rows are handed on in batches, so that the one who takes them can look ahead. */
#define SOURCE_BATCH	128

/* A customer_key is indexed, and an index takes no more than 2,700 bytes. */
#define MAX_KEY_BYTES	1000

/* The type of the source's customers, with the equality that GROUP BY uses */
typedef struct SourceKey
{
	Oid			type;
	Oid			collation;
	int16		length;
	bool		by_value;
	bool		integer;		/* int4 or int8: equal if the Datum is */
	bool		plain_array;	/* ARRAY[...] of texts: hashed as bytes */
	FmgrInfo	hash;			/* the extended one if "seeded" */
	bool		seeded;
	FmgrInfo	equal;
} SourceKey;

typedef struct SourceRow
{
	Datum		key;			/* not NULL; by reference: for this batch only */
	uint64		hash;			/* of the key */
	int64		value;			/* in units of 10^-decimals */
	int64		events;			/* 0 or 1 as read; of days and rows added up any number */
	int32		day;
	uint8		decimals;
} SourceRow;

/* What has been left out, by reason */
typedef struct SourceCounts
{
	int64		rows;			/* all of them */
	int64		no_customer;
	int64		no_day;
	int64		no_value;		/* or no history */
	int64		unconvertible;	/* customer, day or value; only if "keep_going" */
} SourceCounts;

typedef struct SourceReader
{
	const char *function;		/* the SQL function's name, for hints */
	Oid			schema;			/* of the extension, and of its type history */
	Oid			key_type;		/* the type that customers must have; 0 = any */
	text	   *time_zone;		/* or NULL */
	/* hold rows to the limits of models, and name no value in an error */
	bool		for_model;
	bool		keep_going;		/* rows beyond them are left out, not an error */
	void		(*start) (void *arg, const SourceKey *key, bool of_histories);
	void		(*take) (void *arg, SourceRow *rows, int n);
	void	   *arg;
	bool		quiet;			/* no NOTICE about how far it is */
} SourceReader;

extern SPIPlanPtr source_prepare(const char *source);
extern void source_read_plan(SPIPlanPtr plan, const SourceReader *reader, SourceCounts *counts);
extern void source_read(const char *source, const SourceReader *reader, SourceCounts *counts);
extern void source_report(const SourceCounts *counts);
extern uint64 source_key_hash(SourceKey *key, Datum datum);
extern Size source_key_size(const SourceKey *key, Datum datum);

#define SOURCE_HINT "Give a SELECT of customer, day, value, or the name of a table with these columns."

#endif							/* CUSTOMER_SCORING_SOURCE_H */
