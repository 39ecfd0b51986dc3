/*
 * kmeans_fit.h
 *		The document of a k-means fit: printed by the aggregate, read by the
 *		functions that put points to clusters.
 */
#ifndef CUSTOMER_SCORING_KMEANS_FIT_H
#define CUSTOMER_SCORING_KMEANS_FIT_H

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "points.h"

/* A fit, as it is needed to put a point to a cluster */
typedef struct KmeansModel
{
	int			k;
	int			dimensions;
	InputScaling *scaling;
	double	   *centers;		/* k by dimensions, scaled */
} KmeansModel;

/*
 * The model of points and settings; what else the document says goes to "out", unless that is NULL.
 * Returns k, or how many points can be told apart: then there is no model.
 */
extern int64 kmeans_make(const Points *points, const ClusterSettings *settings, int64 left_out,
						 KmeansModel *model, StringInfo out);

/* Room for a point of the model, scaled; an error if that is beyond the range of doubles */
extern void kmeans_scale(const KmeansModel *model, const double *x, double *scaled);

/* The cluster of finite coordinates, from 1 on, and the distance from its center */
extern int	kmeans_cluster(const KmeansModel *model, const double *x, double *distance);

#endif							/* CUSTOMER_SCORING_KMEANS_FIT_H */
