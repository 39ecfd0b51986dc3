/*
 * silhouette.h
 *		How much nearer a point is to its own cluster than to the next: the
 *		silhouette of Rousseeuw (1987). Pure C, no server headers.
 */
#ifndef SILHOUETTE_H
#define SILHOUETTE_H

#include "host.h"
#include "math/kmeans.h"

/*
 * Up to so many distinct points every point is compared with every other, and
 * beyond with rows of a fixed sample, so many in all.
 */
#define SILHOUETTE_EXACT	10000
#define SILHOUETTE_SAMPLE	2500

/*
 * (b - a) / max(a, b) of each point, where a is its mean distance from the
 * other rows of its cluster and b that from the rows of the nearest other one:
 * -1 .. 1; 0 in a cluster of one row. NaN for all where there is one cluster.
 * Clusters are numbered 0 .. k - 1, and each has points.
 */
extern void silhouettes(const KmeansPoints *points, const int *cluster, int k, double *value,
						const Host *host);

#endif							/* SILHOUETTE_H */
