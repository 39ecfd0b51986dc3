/*
 * pending.h
 *		Append rows to the table pending of a model, to pending_events, or to touched.
 */
#ifndef CUSTOMER_SCORING_PENDING_H
#define CUSTOMER_SCORING_PENDING_H

#include "history/history.h"
#include "row_writer.h"

/* The table, open for as long as rows are written */
typedef struct Pending
{
	RowWriter	writer;
	int			key;			/* columns, from 0 on; in touched there is no other */
	int			tenant;
	int			customer;		/* -1 in a model without tenants */
	int			difference;
	int			stream;			/* the next two: -1 in the table of the orders */
	int			kind;
	int			stream_no;		/* 0: the orders */
} Pending;

/* The table of a stream's differences; 0: of the orders' */
#define PENDING_TABLE(stream_no) ((stream_no) == 0 ? "pending" : "pending_events")

extern Oid	pending_find(const char *model, int stream_no);
extern void pending_open(Pending *pending, const char *model, int stream_no, bool tenanted,
						 Oid history_type);
extern void pending_append(Pending *pending, const text *key, const History *difference);
extern Oid	touched_find(const char *model);
extern void touched_open(Pending *touched, const char *model);
extern void touched_append(Pending *touched, const text *event);
extern void pending_close(Pending *pending);

#endif							/* CUSTOMER_SCORING_PENDING_H */
