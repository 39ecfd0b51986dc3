/*
 * named_data.h
 *		Data that SQL functions find by a name: segment maps and scorecards, of
 *		which some are shipped and others are in tables of a user's.
 */
#ifndef CUSTOMER_SCORING_NAMED_DATA_H
#define CUSTOMER_SCORING_NAMED_DATA_H

#include "fmgr.h"

/* A kind of such data: its tables, and its words in messages */
typedef struct DataKind
{
	const char *argument;		/* "segment_map": as messages begin */
	const char *title;			/* "segment map" */
	const char *titles;			/* "segment maps" */
	const char *noun;			/* "map": also the key of all its tables */
	const char *nouns;			/* "Maps" */
	const char *example;		/* a shipped one */
	const char *create;			/* the function that makes one */
	const char *const *tables;	/* the first has one row for each name */
	int			ntables;
} DataKind;

typedef struct DataName
{
	const DataKind *kind;
	char	   *shown;			/* for messages: "essential", crm.winter */
	char	   *schema;			/* quoted for SQL */
	char	   *name;
	Oid			schema_oid;
	bool		shipped;
} DataName;

typedef struct Reading
{
	Oid			user;
	int			security;
	int			guc_level;
} Reading;

/* "function" is any function of the extension: shipped data are in its schema. */
extern void data_name_resolve(const DataKind *kind, text *argument, Oid function, DataName *name);
pg_noreturn extern void data_name_unknown(const DataName *name);

/* Queries on the tables stand between these two. */
extern void reading_begin(const DataName *name, Oid function, Reading *reading);
extern void reading_end(const Reading *reading);

/* Runs a query whose $1 is that text. */
extern uint64 reading_query(const DataName *name, const char *query);
extern char *reading_text(uint64 row, int column);
extern int32 reading_int(uint64 row, int column, int32 if_null);

/*
 * What "load" makes of a name, in the current memory context, kept for a call
 * site for as long as it sees the same data.
 */
extern void *cached_data(FunctionCallInfo fcinfo, text *argument,
						 void *(*load) (text *argument, Oid function));

#endif							/* CUSTOMER_SCORING_NAMED_DATA_H */
