/*
 * touched.h
 *		Which events a statement has touched, of a model with a ledger.
 */
#ifndef CUSTOMER_SCORING_TOUCHED_H
#define CUSTOMER_SCORING_TOUCHED_H

#include "commands/trigger.h"
#include "utils/array.h"

extern bool touched_record(TriggerData *trigger, const char *model, const char *column,
						   ArrayBuildState **keys);
extern void touched_all(const char *model);

#endif							/* CUSTOMER_SCORING_TOUCHED_H */
