/*
 * source.h
 *		Run a caller's query and hand on its rows: customer, day, value. Where it
 *		has whole histories, each of their days is handed on as a row; and where
 *		workers have read it, so is what each of them knows of a customer.
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
	/* rows that a worker has added up, as it wrote them: no other number counts but decimals */
	uint16		part_size;
	const void *part;			/* aligned for any type; or NULL */
} SourceRow;

/* The day of a row that is a part: no day that comes later is before it */
#define SOURCE_NO_DAY	PG_INT32_MIN

#define SOURCE_MAX_PART	8192

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
	const struct SourceShare *share;	/* what workers do; NULL: there are none */
	const void *share_settings;
} SourceReader;

/* A reader at work: what is started once, gets rows one by one, and is finished */
typedef struct SourceReceiver SourceReceiver;

extern SourceReceiver *source_receiver_create(const SourceReader *reader, SourceCounts *counts);
extern const SourceKey *source_receiver_understand(SourceReceiver *receiver, TupleDesc desc);
extern void source_receiver_start(SourceReceiver *receiver);
extern void source_receiver_receive(SourceReceiver *receiver, TupleTableSlot *slot);
extern void source_receiver_flush(SourceReceiver *receiver);
extern void source_receiver_look(SourceReceiver *receiver);
extern DestReceiver *source_receiver_dest(SourceReceiver *receiver);
extern void source_receiver_free(SourceReceiver *receiver);

extern SPIPlanPtr source_prepare(const char *source);
extern void source_run_plan(SPIPlanPtr plan, DestReceiver *dest);
extern void source_read_plan(SPIPlanPtr plan, const SourceReader *reader, SourceCounts *counts);
extern void source_read(const char *source, const SourceReader *reader, SourceCounts *counts);
extern void source_report_workers(const SourceReader *reader, const SourceCounts *counts,
								  int workers);
extern void source_report(const SourceCounts *counts);
extern uint64 source_key_hash(SourceKey *key, Datum datum);
extern Size source_key_size(const SourceKey *key, Datum datum);

#define SOURCE_HINT "Give a SELECT of customer, day, value, or the name of a table with these columns."

#endif							/* CUSTOMER_SCORING_SOURCE_H */
