/*
 * customer_history.h
 *		Customers of a CustomerTable, each with a history in the making.
 */
#ifndef CUSTOMER_SCORING_CUSTOMER_HISTORY_H
#define CUSTOMER_SCORING_CUSTOMER_HISTORY_H

#include "customer_table.h"
#include "history/history.h"

typedef struct CustomerHistory
{
	Datum		key;
	HistoryLog *log;			/* NULL after try_add: a total doesn't fit */
} CustomerHistory;

/* For CustomerOps; what becomes of a complete history is up to "emit". */
extern void customer_history_create(CustomerTable *table, void *entry);
extern void customer_history_add(CustomerTable *table, void **entries, const SourceRow *rows,
								 int n);
extern void customer_history_try_add(CustomerTable *table, void **entries, const SourceRow *rows,
									 int n);
extern const void *customer_history_memory(const void *entry);
extern void customer_history_put_aside(CustomerTable *table, void *entry);

#endif							/* CUSTOMER_SCORING_CUSTOMER_HISTORY_H */
