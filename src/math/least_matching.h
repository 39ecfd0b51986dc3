/*
 * least_matching.h
 *		Pairs of rows and columns so that the total cost is least. Pure C, no server
 *		headers.
 */
#ifndef LEAST_MATCHING_H
#define LEAST_MATCHING_H

#include "host.h"

/*
 * Each row of a square matrix of finite costs gets a column of its own:
 * column_of has room for n.
 */
extern void least_matching(const double *cost, int n, int *column_of, const Host *host);

#endif							/* LEAST_MATCHING_H */
