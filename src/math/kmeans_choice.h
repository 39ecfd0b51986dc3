/*
 * kmeans_choice.h
 *		Figures by which a number of clusters is chosen. Pure C, no server headers.
 */
#ifndef KMEANS_CHOICE_H
#define KMEANS_CHOICE_H

#include "host.h"
#include "math/kmeans.h"

/* Fits of resampled rows that stability is the mean of */
#define CHOICE_RESAMPLES		20

/* At most so many rows are drawn for each of them */
#define CHOICE_RESAMPLED_ROWS	20000

typedef struct KmeansChoice
{
	int			k;
	double		inertia;
	double		silhouette;		/* mean over rows; NaN for one cluster */
	double		calinski_harabasz;	/* NaN for one cluster, and where each point is its own */
	double		smallest;		/* rows of the smallest cluster */
	double		stability;		/* mean over clusters of the mean Jaccard index */
	double		least_stability;	/* of the cluster that has the least */
} KmeansChoice;

/*
 * For each k that stands in choices, in ascending order. Returns how many have
 * a result: none from where points are too few.
 */
extern int	kmeans_choices(const KmeansPoints *points, KmeansChoice *choices, int count,
						   int32_t seed, int starts, const Host *host);

#endif							/* KMEANS_CHOICE_H */
