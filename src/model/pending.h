/*
 * pending.h
 *		Append rows to the table pending of a model.
 */
#ifndef CUSTOMER_SCORING_PENDING_H
#define CUSTOMER_SCORING_PENDING_H

#include "executor/tuptable.h"
#include "nodes/execnodes.h"

#include "history/history.h"

/* The table, open for as long as rows are written */
typedef struct Pending
{
	Relation	relation;
	int			key;			/* columns, from 0 on */
	int			tenant;
	int			customer;		/* -1 in a model without tenants */
	int			difference;
	EState	   *estate;
	ResultRelInfo *target;
	TupleTableSlot *slot;
} Pending;

extern Oid	pending_find(const char *model);
extern void pending_open(Pending *pending, const char *model, bool tenanted, Oid history_type);
extern void pending_append(Pending *pending, const text *key, History *difference);
extern void pending_close(Pending *pending);

#endif							/* CUSTOMER_SCORING_PENDING_H */
