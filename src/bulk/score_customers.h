/*
 * score_customers.h
 *		What parallel workers do for score_customers.
 */
#ifndef CUSTOMER_SCORING_SCORE_CUSTOMERS_H
#define CUSTOMER_SCORING_SCORE_CUSTOMERS_H

#include "parallel_source.h"

extern const SourceShare score_share;

#endif							/* CUSTOMER_SCORING_SCORE_CUSTOMERS_H */
