/*
 * gauss_legendre.h
 *		The nodes of Gauss-Legendre quadrature on (-1, 1). Pure C, no server
 *		headers.
 */
#ifndef GAUSS_LEGENDRE_H
#define GAUSS_LEGENDRE_H

typedef struct GaussNode
{
	double		x;
	double		weight;
} GaussNode;

/* The positive half of the nodes, ascending; the other half mirrors it. */
extern const GaussNode gauss4[2];
extern const GaussNode gauss6[3];
extern const GaussNode gauss8[4];
extern const GaussNode gauss12[6];
extern const GaussNode gauss16[8];

#endif							/* GAUSS_LEGENDRE_H */
