/*
 * least_matching.c
 *		The Hungarian method (Kuhn 1955) in the form of Jonker and Volgenant
 *		(1987): rows are taken in one after the other, each along the shortest
 *		path of reduced costs to a column that is free. Takes n^3 steps.
 */
#include "least_matching.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* Rows and columns from 1 on; column 0 stands for the row that is taken in. */
typedef struct Matching
{
	const double *cost;
	int			n;
	double	   *row_price;
	double	   *column_price;
	int		   *row_of;			/* of a column; 0: free */
	int		   *before;			/* column before this one on the shortest path */
	double	   *least;			/* length of that path */
	bool	   *reached;
} Matching;

static double
reduced(const Matching *m, int row, int column)
{
	return m->cost[(size_t) (row - 1) * (size_t) m->n + (size_t) (column - 1)] -
		m->row_price[row] - m->column_price[column];
}

/* The free column at the end of the shortest path from that row; prices follow. */
static int
shortest_path(Matching *m, int row)
{
	int			at = 0;

	m->row_of[0] = row;
	for (int j = 0; j <= m->n; j++)
	{
		m->least[j] = INFINITY;
		m->reached[j] = false;
	}
	do
	{
		double		step = INFINITY;
		int			next = 0;

		m->reached[at] = true;
		for (int j = 1; j <= m->n; j++)
		{
			double		length;

			if (m->reached[j])
				continue;
			length = reduced(m, m->row_of[at], j);
			if (length < m->least[j])
			{
				m->least[j] = length;
				m->before[j] = at;
			}
			if (next == 0 || m->least[j] < step)
			{
				step = m->least[j];
				next = j;
			}
		}
		for (int j = 0; j <= m->n; j++)
		{
			if (m->reached[j])
			{
				m->row_price[m->row_of[j]] += step;
				m->column_price[j] -= step;
			}
			else
				m->least[j] -= step;
		}
		at = next;
	} while (m->row_of[at] != 0);
	return at;
}

void
least_matching(const double *cost, int n, int *column_of, const Host *host)
{
	size_t		room = (size_t) n + 1;
	Matching	m = {
		.cost = cost,
		.n = n,
		.row_price = host_allocate(host, room * sizeof(double)),
		.column_price = host_allocate(host, room * sizeof(double)),
		.row_of = host_allocate(host, room * sizeof(int)),
		.before = host_allocate(host, room * sizeof(int)),
		.least = host_allocate(host, room * sizeof(double)),
		.reached = host_allocate(host, room * sizeof(bool))
	};

	for (int j = 0; j <= n; j++)
	{
		m.row_price[j] = m.column_price[j] = 0.0;
		m.row_of[j] = 0;
	}
	for (int row = 1; row <= n; row++)
	{
		int			column = shortest_path(&m, row);

		host->check();
		/* every row on the path goes one column on */
		while (column != 0)
		{
			int			before = m.before[column];

			m.row_of[column] = m.row_of[before];
			column = before;
		}
	}
	for (int j = 1; j <= n; j++)
		column_of[m.row_of[j] - 1] = j - 1;
	host->release(m.row_price);
	host->release(m.column_price);
	host->release(m.row_of);
	host->release(m.before);
	host->release(m.least);
	host->release(m.reached);
}
