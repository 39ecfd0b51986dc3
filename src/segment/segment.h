/*
 * segment.h
 *		A segment map in compiled form: built rule by rule, asked for the
 *		segment of a customer, printed as a CASE expression, checked.
 *
 * Nothing here reads a table. segment_map.c fills a map from the catalog of
 * maps and gives it the facts of a row from jsonb; a caller with columns of
 * its own (a bulk function) looks each of map->columns up once and answers
 * SegmentFetch from an array, so that every way to a segment shares one
 * evaluator.
 */
#ifndef CUSTOMER_SCORING_SEGMENT_H
#define CUSTOMER_SCORING_SEGMENT_H

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#define SEGMENT_MIN_BINS 2
#define SEGMENT_MAX_BINS 20
#define SEGMENT_MAX_RULES 1000
#define SEGMENT_MAX_DEPTH 100	/* levels of and, or, not in one condition */
#define SEGMENT_MAX_ITEMS 10000 /* elements of one array in a condition */
#define SEGMENT_MAX_CONSTANTS 12000 /* of all conditions of a map together */

/* What segment_match answers when it isn't the index of a rule. */
#define SEGMENT_NONE (-1)		/* no rule applies */
#define SEGMENT_PROSPECT (-2)	/* r is NULL, and no rule speaks of them */

/* A bound that a rule doesn't have. */
#define SEGMENT_NO_MIN PG_INT32_MIN
#define SEGMENT_NO_MAX PG_INT32_MAX

typedef enum SegmentValueKind
{
	SEGMENT_NULL,
	SEGMENT_INT,
	SEGMENT_FLOAT,
	SEGMENT_NUMERIC,
	SEGMENT_STRING,
	SEGMENT_BOOL,
	SEGMENT_OTHER				/* an object or array: comparable with nothing */
} SegmentValueKind;

typedef struct SegmentValue
{
	SegmentValueKind kind;
	union
	{
		int64		i;
		double		d;
		Numeric		n;
		bool		b;
		struct
		{
			const char *p;
			int			len;
		}			s;
	}			u;
} SegmentValue;

/*
 * A column that conditions read. The scores and what follows from them are
 * known to the evaluator; all others are facts, asked for by their index.
 */
typedef struct SegmentColumn
{
	char	   *name;
	int			len;
	int			attribute;		/* offset of NAME in attributes.NAME, else 0 */
} SegmentColumn;

/* Gives the value of the fact map->columns[column] in the row at hand. */
typedef void (*SegmentFetch) (void *arg, const SegmentColumn *columns,
							  int column, SegmentValue *value);

/* Columns that need no facts; facts are numbered from 0. */
#define SEGMENT_COLUMN_R (-1)
#define SEGMENT_COLUMN_F (-2)
#define SEGMENT_COLUMN_M (-3)
#define SEGMENT_COLUMN_FM (-4)

typedef enum SegmentConditionKind
{
	SEGMENT_CONDITION_AND,
	SEGMENT_CONDITION_OR,
	SEGMENT_CONDITION_NOT,
	SEGMENT_CONDITION_COMPARE
} SegmentConditionKind;

typedef enum SegmentOp
{
	SEGMENT_OP_EQ,
	SEGMENT_OP_NE,
	SEGMENT_OP_LT,
	SEGMENT_OP_LE,
	SEGMENT_OP_GT,
	SEGMENT_OP_GE,
	SEGMENT_OP_BETWEEN,
	SEGMENT_OP_IN
} SegmentOp;

typedef struct SegmentConstant
{
	SegmentValueKind kind;		/* SEGMENT_NUMERIC, _STRING or _BOOL */
	Numeric		number;
	char	   *text;			/* the number in digits, or the string */
	int			len;
	bool		is_int;			/* number is also i ... */
	bool		is_float;		/* ... and d, with nothing lost in order */
	int64		i;
	double		d;
	bool		b;
} SegmentConstant;

typedef struct SegmentCondition
{
	SegmentConditionKind kind;
	int			nargs;			/* and, or, not */
	struct SegmentCondition **args;
	int			column;			/* compare */
	SegmentOp	op;
	int			nconstants;
	SegmentConstant *constants;
} SegmentCondition;

extern const char *const segment_op_names[];

typedef struct SegmentRule
{
	int32		position;
	char	   *segment;
	int			segment_len;
	int32		min[3];			/* r, f, m */
	int32		max[3];
	SegmentCondition *condition;	/* or NULL */
	bool		malformed;		/* its condition could not be read: never applies */
	bool		refinement;		/* reads facts: more than r, f and m decide */
	bool		prospect;		/* its segment has the role prospect */
	bool		reads_reason;	/* its condition reads score_reason */
	bool		no_order;		/* speaks of people without an order only */
} SegmentRule;

typedef struct SegmentMap
{
	char	   *name;			/* as the user wrote it, for messages */
	int			bins;
	char	   *prospect;		/* segment of role prospect that needs no rule, or NULL */
	int			prospect_len;
	int			nrules;
	int			nrules_max;
	SegmentRule *rules;			/* ascending positions */
	int			nconstants;		/* in all conditions */
	int			ncolumns;
	int			ncolumns_max;
	SegmentColumn *columns;
	SegmentCondition *refunded; /* they have bought, and hold no order now */
	/* what segment_map_finish computes: for every cell of r, f, m ... */
	int16	   *first;			/* the first rule that covers it */
	int16	   *settled;		/* the first that needs no facts */
	int			nrefinements;
	int16	   *refinements;	/* the rules that read facts, ascending */
} SegmentMap;

extern SegmentMap *segment_map_begin(const char *name, int bins);
extern char *segment_map_add(SegmentMap *map, int32 position,
							 const char *segment, bool prospect,
							 const int32 *min, const int32 *max,
							 Jsonb *conditions);
extern void segment_map_finish(SegmentMap *map, const char *prospect);

extern SegmentMap *segment_map_load(text *argument, Oid function);
extern int	segment_match(const SegmentMap *map, int r, int f, int m,
						  SegmentFetch fetch, void *arg);

extern bool segment_rule_covers(const SegmentMap *map, int rule,
								int r, int f, int m);
extern bool segment_rule_is_else(const SegmentMap *map, int rule);
extern bool segment_rule_without_order(const SegmentMap *map, int rule);
extern bool segment_rule_can_apply(const SegmentMap *map, int rule,
								   const bool *known, bool without_order);
extern bool segment_rules_equal(const SegmentMap *map, int rule, int other);
extern List *segment_rule_columns(const SegmentMap *map, int rule);
extern SegmentValueKind segment_column_constant(const SegmentMap *map, int rule,
												int column, SegmentValueKind allowed);

/* The columns that segment_case may use: three scores, then facts. */
typedef struct SegmentCaseColumn
{
	char	   *name;			/* last part of the name, unquoted */
	char	   *sql;			/* the whole name, quoted where needed */
	bool		jsonb;			/* of that type, whatever is in it */
} SegmentCaseColumn;

extern SegmentCaseColumn *segment_read_columns(ArrayType *array, int *count, int first);

/* in_scale: no score is below 1 or above the bins of the map */
extern char *segment_map_as_case(const SegmentMap *map, const SegmentCaseColumn *columns,
								 int ncolumns, bool in_scale);
extern char *segment_condition_as_sql(const SegmentMap *map, int rule,
									  const SegmentCaseColumn *columns, int ncolumns);

#endif							/* CUSTOMER_SCORING_SEGMENT_H */
