/*
 * window.h
 *		What window functions over a whole partition share.
 */
#ifndef CUSTOMER_SCORING_WINDOW_H
#define CUSTOMER_SCORING_WINDOW_H

#include "windowapi.h"

/* A NULL is handed on too, with a value of no meaning. */
typedef void (*TakeValue) (void *state, double value, bool isnull);

/* Hand the value of every row of the partition to take(), in their order. */
extern void read_partition(WindowObject window, TakeValue take, void *state);

/* An argument must not change from row to row of a partition. */
pg_noreturn extern void argument_varies(const char *name);

#endif							/* CUSTOMER_SCORING_WINDOW_H */
