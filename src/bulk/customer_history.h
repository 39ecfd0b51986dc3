/*
 * customer_history.h
 *		Customers of a CustomerTable, each with a history in the making.
 */
#ifndef CUSTOMER_SCORING_CUSTOMER_HISTORY_H
#define CUSTOMER_SCORING_CUSTOMER_HISTORY_H

#include "customer_table.h"
#include "history/history.h"
#include "parallel_source.h"

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
extern void customer_history_put_part(CustomerTable *table, void *entry, int decimals,
									  StringInfo chunk);

/* Workers that build histories, and nothing else */
typedef struct HistoryShareSettings
{
	bool		keep_going;		/* customers with a total that doesn't fit have no log */
} HistoryShareSettings;

extern const SourceShare history_share;

#endif							/* CUSTOMER_SCORING_CUSTOMER_HISTORY_H */
