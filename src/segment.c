/*
 * segment.c
 *		Segment maps: read a rule's condition, find the segment of a customer,
 *		print the whole map as one CASE expression.
 *
 * The first rule by position that applies wins. For every cell of r, f and m
 * the answer is worked out once, when the map is compiled, up to the point
 * where a condition on other columns decides; a row then costs one look into
 * a table, and conditions are only evaluated in the cells they cover.
 *
 * Conditions are a closed grammar in jsonb:
 *
 *		{"column": c, "op": o, "value": v}
 *		{"and": [...]}   {"or": [...]}   {"not": ...}
 *
 * They are compiled to a small tree, never to SQL text. Logic is three-valued
 * as in SQL. A comparison between different types is unknown.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "compat.h"
#include "segment.h"

/* Columns that need no facts; facts are numbered from 0. */
#define COLUMN_R (-1)
#define COLUMN_F (-2)
#define COLUMN_M (-3)
#define COLUMN_FM (-4)

static const struct
{
	const char *name;
	int			column;
}			score_columns[] =
{
	{"r_score", COLUMN_R},
	{"f_score", COLUMN_F},
	{"m_score", COLUMN_M},
	{"fm_score", COLUMN_FM},
};

typedef enum Truth
{
	NO,
	YES,
	UNKNOWN
} Truth;

typedef enum ConditionKind
{
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT,
	CONDITION_COMPARE
} ConditionKind;

typedef enum CompareOp
{
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_BETWEEN,
	OP_IN
} CompareOp;

static const char *const op_names[] = {"=", "<>", "<", "<=", ">", ">=", "between", "in"};

typedef struct Constant
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
} Constant;

struct SegmentCondition
{
	ConditionKind kind;
	int			nargs;			/* and, or, not */
	struct SegmentCondition **args;
	int			column;			/* compare */
	CompareOp	op;
	int			nconstants;
	Constant   *constants;
};

/* One row while it is being matched. */
typedef struct Row
{
	const SegmentMap *map;
	int			score[3];		/* 0 is NULL */
	SegmentFetch fetch;
	void	   *arg;
} Row;

/*
 * ---- Reading conditions
 *
 * A malformed condition is not an ereport here, but a sentence: segment()
 * raises it, check_segment_map() lists it.
 */

/* User text that goes into a message: short, and whole characters. */
static char *
clipped(const char *p, int len)
{
	int			keep = pg_mbcliplen(p, len, 60);

	return keep < len ? psprintf("%s...", pnstrdup(p, keep)) : pnstrdup(p, len);
}

static bool
same_name(const char *a, const char *b, int b_len)
{
	return strlen(a) == (size_t) b_len && memcmp(a, b, b_len) == 0;
}

static int
column_number(SegmentMap *map, const char *name, int len)
{
	SegmentColumn *column;

	for (int i = 0; i < (int) lengthof(score_columns); i++)
		if (same_name(score_columns[i].name, name, len))
			return score_columns[i].column;

	for (int i = 0; i < map->ncolumns; i++)
		if (same_name(map->columns[i].name, name, len))
			return i;

	if (map->ncolumns == map->ncolumns_max)
	{
		map->ncolumns_max = Max(8, map->ncolumns_max * 2);
		map->columns = map->columns ?
			repalloc(map->columns, sizeof(SegmentColumn) * map->ncolumns_max) :
			palloc(sizeof(SegmentColumn) * map->ncolumns_max);
	}
	column = &map->columns[map->ncolumns];
	column->name = pnstrdup(name, len);
	column->len = len;
	column->attribute = 0;
	if (len > 11 && memcmp(name, "attributes.", 11) == 0)
		column->attribute = 11;
	return map->ncolumns++;
}

/*
 * Comparing a float8 with the float8 next to a constant gives the same order
 * as comparing the float8's shortest decimal with the constant itself, as
 * long as the constant survives the trip: 15 digits, no extreme exponent.
 */
static bool
survives_float(const char *digits, double d)
{
	int			significant = 0,
				zeros = 0;
	bool		started = false;

	for (const char *p = digits; *p; p++)
	{
		if (*p < '0' || *p > '9')
			continue;
		if (*p == '0')
		{
			if (started)
				zeros++;
			continue;
		}
		significant += zeros + 1;
		zeros = 0;
		started = true;
	}
	return significant <= 15 &&
		(!started || (fabs(d) > 1e-290 && fabs(d) < 1e290));
}

static bool
read_constant(const JsonbValue *value, Constant *constant)
{
	memset(constant, 0, sizeof(Constant));
	if (value->type == jbvNumeric)
	{
		char	   *end;

		constant->kind = SEGMENT_NUMERIC;
		constant->number = DatumGetNumericCopy(NumericGetDatum(value->val.numeric));
		constant->text = DatumGetCString(DirectFunctionCall1(numeric_out,
															 NumericGetDatum(constant->number)));
		constant->len = strlen(constant->text);
		errno = 0;
		constant->i = strtoll(constant->text, &end, 10);
		constant->is_int = *end == '\0' && errno == 0;
		constant->d = strtod(constant->text, NULL);
		constant->is_float = survives_float(constant->text, constant->d);
		return true;
	}
	if (value->type == jbvString)
	{
		constant->kind = SEGMENT_STRING;
		constant->text = pnstrdup(value->val.string.val, value->val.string.len);
		constant->len = value->val.string.len;
		return true;
	}
	if (value->type == jbvBool)
	{
		constant->kind = SEGMENT_BOOL;
		constant->b = value->val.boolean;
		return true;
	}
	return false;
}

static char *
read_constants(const JsonbValue *value, SegmentCondition *condition)
{
	const char *op = op_names[condition->op];
	bool		is_array = value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);

	if (condition->op == OP_IN || condition->op == OP_BETWEEN)
	{
		uint32		n = is_array ? JsonContainerSize(value->val.binary.data) : 0;

		if (condition->op == OP_BETWEEN && n != 2)
			return pstrdup("the value of \"between\" must be an array of two, the lower and the upper bound");
		if (n == 0)
			return pstrdup("the value of \"in\" must be an array of at least one number, string or boolean");
		if (n > SEGMENT_MAX_ITEMS)
			return psprintf("the array of \"in\" has more than %d elements", SEGMENT_MAX_ITEMS);
		condition->nconstants = n;
		condition->constants = palloc(sizeof(Constant) * n);
		for (uint32 i = 0; i < n; i++)
		{
			JsonbValue *element = getIthJsonbValueFromContainer(value->val.binary.data, i);

			if (!read_constant(element, &condition->constants[i]))
				return psprintf("the array of \"%s\" may hold numbers, strings and booleans only", op);
			pfree(element);
			CHECK_FOR_INTERRUPTS();
		}
		if (condition->op == OP_BETWEEN &&
			condition->constants[0].kind != condition->constants[1].kind)
			return pstrdup("the two bounds of \"between\" must be of one type");
	}
	else
	{
		condition->nconstants = 1;
		condition->constants = palloc(sizeof(Constant) * 1);
		if (!read_constant(value, &condition->constants[0]))
			return psprintf("the value of \"%s\" must be a number, a string or a boolean", op);
	}
	if (condition->constants[0].kind == SEGMENT_BOOL &&
		condition->op != OP_EQ && condition->op != OP_NE && condition->op != OP_IN)
		return psprintf("a boolean can't be compared by \"%s\"", op);
	return NULL;
}

static char *
read_condition(SegmentMap *map, JsonbContainer *json, int depth,
			   SegmentCondition **result)
{
	static const char *const links[] = {"and", "or", "not"};
	SegmentCondition *condition = palloc0(sizeof(SegmentCondition));
	JsonbValue	column,
				op,
				value;
	char	   *problem;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	*result = condition;
	if (depth > SEGMENT_MAX_DEPTH)
		return psprintf("conditions are nested more than %d levels deep", SEGMENT_MAX_DEPTH);
	if (!JsonContainerIsObject(json))
		return pstrdup("a condition must be a JSON object");

	for (int link = 0; link < (int) lengthof(links); link++)
	{
		const char *name = links[link];
		JsonbContainer *args;

		if (JsonContainerSize(json) != 1 ||
			getKeyJsonValueFromContainer(json, name, strlen(name), &value) == NULL)
			continue;
		condition->kind = link == 0 ? CONDITION_AND : link == 1 ? CONDITION_OR : CONDITION_NOT;
		args = value.type == jbvBinary ? value.val.binary.data : NULL;
		if (condition->kind == CONDITION_NOT)
		{
			if (args == NULL || !JsonContainerIsObject(args))
				return pstrdup("\"not\" must hold one condition");
			condition->nargs = 1;
			condition->args = palloc(sizeof(SegmentCondition *) * 1);
			return read_condition(map, args, depth + 1, &condition->args[0]);
		}
		if (args == NULL || !JsonContainerIsArray(args) || JsonContainerSize(args) == 0)
			return psprintf("\"%s\" must hold an array of at least one condition", name);
		if (JsonContainerSize(args) > SEGMENT_MAX_ITEMS)
			return psprintf("the array of \"%s\" has more than %d elements", name, SEGMENT_MAX_ITEMS);
		condition->nargs = JsonContainerSize(args);
		condition->args = palloc(sizeof(SegmentCondition *) * condition->nargs);
		for (int i = 0; i < condition->nargs; i++)
		{
			JsonbValue *arg = getIthJsonbValueFromContainer(args, i);

			if (arg->type != jbvBinary)
				return pstrdup("a condition must be a JSON object");
			problem = read_condition(map, arg->val.binary.data, depth + 1, &condition->args[i]);
			if (problem)
				return problem;
			pfree(arg);
		}
		return NULL;
	}

	condition->kind = CONDITION_COMPARE;
	if (JsonContainerSize(json) != 3 ||
		getKeyJsonValueFromContainer(json, "column", 6, &column) == NULL ||
		getKeyJsonValueFromContainer(json, "op", 2, &op) == NULL ||
		getKeyJsonValueFromContainer(json, "value", 5, &value) == NULL)
		return pstrdup("a condition must have either the keys \"column\", \"op\" and \"value\", or one of \"and\", \"or\", \"not\"");
	if (column.type != jbvString || column.val.string.len == 0)
		return pstrdup("\"column\" must be the name of a column");
	if (op.type != jbvString)
		return pstrdup("\"op\" must be one of = <> < <= > >= between in");
	condition->column = column_number(map, column.val.string.val, column.val.string.len);
	for (int i = 0; i < (int) lengthof(op_names); i++)
		if (same_name(op_names[i], op.val.string.val, op.val.string.len))
		{
			condition->op = (CompareOp) i;
			return read_constants(&value, condition);
		}
	return psprintf("unknown op \"%s\": it must be one of = <> < <= > >= between in",
					clipped(op.val.string.val, op.val.string.len));
}

/*
 * ---- Evaluating conditions
 */

/* <0, 0, >0; or false when the two can't be compared. */
static bool
compare(const SegmentValue *value, const Constant *constant, int *result)
{
	Numeric		number;

	if (constant->kind == SEGMENT_STRING)
	{
		int			common;

		if (value->kind != SEGMENT_STRING)
			return false;
		common = Min(value->u.s.len, constant->len);
		*result = common == 0 ? 0 : memcmp(value->u.s.p, constant->text, common);
		if (*result == 0)
			*result = value->u.s.len - constant->len;
		return true;
	}
	if (constant->kind == SEGMENT_BOOL)
	{
		if (value->kind != SEGMENT_BOOL)
			return false;
		*result = (int) value->u.b - (int) constant->b;
		return true;
	}

	switch (value->kind)
	{
		case SEGMENT_INT:
			if (constant->is_int)
			{
				*result = (value->u.i > constant->i) - (value->u.i < constant->i);
				return true;
			}
			number = int64_to_numeric(value->u.i);
			break;
		case SEGMENT_FLOAT:
			if (!isfinite(value->u.d))
				return false;
			if (constant->is_float)
			{
				*result = (value->u.d > constant->d) - (value->u.d < constant->d);
				return true;
			}
			number = DatumGetNumeric(DirectFunctionCall3(numeric_in,
														 CStringGetDatum(float8out_internal(value->u.d)),
														 ObjectIdGetDatum(InvalidOid),
														 Int32GetDatum(-1)));
			break;
		case SEGMENT_NUMERIC:
			number = value->u.n;
			break;
		default:
			return false;
	}
	*result = DatumGetInt32(DirectFunctionCall2(numeric_cmp,
												NumericGetDatum(number),
												NumericGetDatum(constant->number)));
	return true;
}

static void
column_value(const Row *row, int column, SegmentValue *value)
{
	value->kind = SEGMENT_NULL;
	if (column >= 0)
	{
		if (row->fetch)
			row->fetch(row->arg, row->map->columns, column, value);
	}
	else if (column == COLUMN_FM)
	{
		if (row->score[1] == 0 || row->score[2] == 0)
			return;
		value->kind = SEGMENT_FLOAT;
		value->u.d = (row->score[1] + row->score[2]) / 2.0;
	}
	else if (row->score[-1 - column] != 0)
	{
		value->kind = SEGMENT_INT;
		value->u.i = row->score[-1 - column];
	}
}

static Truth
evaluate(const SegmentCondition *condition, const Row *row)
{
	SegmentValue value;
	Truth		truth;
	int			order;

	switch (condition->kind)
	{
		case CONDITION_NOT:
			truth = evaluate(condition->args[0], row);
			return truth == UNKNOWN ? UNKNOWN : truth == YES ? NO : YES;

		case CONDITION_AND:
		case CONDITION_OR:
			{
				Truth		decisive = condition->kind == CONDITION_AND ? NO : YES;
				Truth		result = condition->kind == CONDITION_AND ? YES : NO;

				for (int i = 0; i < condition->nargs; i++)
				{
					truth = evaluate(condition->args[i], row);
					if (truth == decisive)
						return decisive;
					if (truth == UNKNOWN)
						result = UNKNOWN;
				}
				return result;
			}

		case CONDITION_COMPARE:
			break;
	}

	column_value(row, condition->column, &value);
	if (value.kind == SEGMENT_NULL)
		return UNKNOWN;
	truth = NO;
	if (condition->op == OP_IN)
	{
		for (int i = 0; i < condition->nconstants; i++)
		{
			if (!compare(&value, &condition->constants[i], &order))
				truth = UNKNOWN;
			else if (order == 0)
				return YES;
		}
		return truth;
	}
	if (!compare(&value, &condition->constants[0], &order))
		return UNKNOWN;
	switch (condition->op)
	{
		case OP_EQ:
			return order == 0 ? YES : NO;
		case OP_NE:
			return order != 0 ? YES : NO;
		case OP_LT:
			return order < 0 ? YES : NO;
		case OP_LE:
			return order <= 0 ? YES : NO;
		case OP_GT:
			return order > 0 ? YES : NO;
		case OP_GE:
			return order >= 0 ? YES : NO;
		case OP_BETWEEN:
			if (order < 0)
				return NO;
			compare(&value, &condition->constants[1], &order);
			return order <= 0 ? YES : NO;
		case OP_IN:
			break;
	}
	return UNKNOWN;
}

/*
 * ---- Building a map
 */

SegmentMap *
segment_map_begin(const char *name, int bins)
{
	SegmentMap *map = palloc0(sizeof(SegmentMap));

	map->name = pstrdup(name);
	map->bins = bins;
	return map;
}

static bool
reads_facts(const SegmentCondition *condition)
{
	if (condition->kind == CONDITION_COMPARE)
		return condition->column >= 0;
	for (int i = 0; i < condition->nargs; i++)
		if (reads_facts(condition->args[i]))
			return true;
	return false;
}

/*
 * Add the rule with the next higher position. Returns what is wrong with its
 * condition, or NULL; a rule with a malformed condition stays and never
 * applies.
 */
char *
segment_map_add(SegmentMap *map, int32 position, const char *segment,
				const int32 *min, const int32 *max, Jsonb *conditions)
{
	SegmentRule *rule;
	char	   *problem = NULL;

	if (map->nrules == SEGMENT_MAX_RULES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("segment map %s has more than %d rules", map->name, SEGMENT_MAX_RULES)));
	if (map->nrules == map->nrules_max)
	{
		map->nrules_max = Max(16, map->nrules_max * 2);
		map->rules = map->rules ?
			repalloc(map->rules, sizeof(SegmentRule) * map->nrules_max) :
			palloc(sizeof(SegmentRule) * map->nrules_max);
	}
	rule = &map->rules[map->nrules++];
	memset(rule, 0, sizeof(SegmentRule));
	rule->position = position;
	rule->segment = pstrdup(segment);
	rule->segment_len = strlen(segment);
	memcpy(rule->min, min, sizeof(rule->min));
	memcpy(rule->max, max, sizeof(rule->max));
	if (conditions)
	{
		problem = read_condition(map, &conditions->root, 1, &rule->condition);
		if (problem)
		{
			rule->condition = NULL;
			rule->malformed = true;
		}
		else
			rule->refinement = reads_facts(rule->condition);
	}
	return problem;
}

/* Scores are 1..bins; f and m may also be 0, which stands for NULL. */
static inline int
cell_of(const SegmentMap *map, int r, int f, int m)
{
	return ((r - 1) * (map->bins + 1) + f) * (map->bins + 1) + m;
}

static bool
box_covers(const SegmentRule *rule, const int *score)
{
	for (int i = 0; i < 3; i++)
	{
		if (score[i] == 0)
		{
			if (rule->min[i] != SEGMENT_NO_MIN || rule->max[i] != SEGMENT_NO_MAX)
				return false;
		}
		else if (score[i] < rule->min[i] || score[i] > rule->max[i])
			return false;
	}
	return true;
}

/*
 * Can the rule apply in this cell? Its bounds are asked, and its condition
 * where r, f and m alone decide it.
 */
bool
segment_rule_covers(const SegmentMap *map, int rule, int r, int f, int m)
{
	const SegmentRule *the_rule = &map->rules[rule];
	Row			row = {map, {r, f, m}, NULL, NULL};

	if (the_rule->malformed || !box_covers(the_rule, row.score))
		return false;
	return the_rule->condition == NULL || the_rule->refinement ||
		evaluate(the_rule->condition, &row) == YES;
}

void
segment_map_finish(SegmentMap *map, const char *prospect)
{
	int			ncells = map->bins * (map->bins + 1) * (map->bins + 1);

	if (prospect)
	{
		map->prospect = pstrdup(prospect);
		map->prospect_len = strlen(prospect);
	}
	map->refinements = palloc(sizeof(int16) * Max(1, map->nrules));
	for (int i = 0; i < map->nrules; i++)
		if (map->rules[i].refinement)
			map->refinements[map->nrefinements++] = i;

	map->first = palloc(sizeof(int16) * ncells);
	map->settled = palloc(sizeof(int16) * ncells);
	for (int r = 1; r <= map->bins; r++)
		for (int f = 0; f <= map->bins; f++)
			for (int m = 0; m <= map->bins; m++)
			{
				int			cell = cell_of(map, r, f, m);

				CHECK_FOR_INTERRUPTS();
				map->first[cell] = map->settled[cell] = SEGMENT_NONE;
				for (int i = 0; i < map->nrules; i++)
				{
					if (!segment_rule_covers(map, i, r, f, m))
						continue;
					if (map->first[cell] == SEGMENT_NONE)
						map->first[cell] = i;
					if (!map->rules[i].refinement)
					{
						map->settled[cell] = i;
						break;
					}
				}
			}
}

/*
 * The index of the rule that applies to a customer with these scores (0 for
 * NULL), SEGMENT_PROSPECT or SEGMENT_NONE. The caller has checked the scores.
 */
int
segment_match(const SegmentMap *map, int r, int f, int m,
			  SegmentFetch fetch, void *arg)
{
	Row			row = {map, {r, f, m}, fetch, arg};
	int			cell,
				settled;

	if (r == 0)
		return SEGMENT_PROSPECT;
	Assert(r >= 1 && r <= map->bins && f >= 0 && f <= map->bins && m >= 0 && m <= map->bins);
	cell = cell_of(map, r, f, m);
	settled = map->settled[cell];
	if (map->first[cell] == settled)
		return settled;
	for (int i = 0; i < map->nrefinements; i++)
	{
		int			rule = map->refinements[i];

		if (settled != SEGMENT_NONE && rule > settled)
			break;
		if (rule >= map->first[cell] && box_covers(&map->rules[rule], row.score) &&
			evaluate(map->rules[rule].condition, &row) == YES)
			return rule;
	}
	return settled;
}

/*
 * ---- What check_segment_map asks
 */

/*
 * A last rule without bounds and condition says what everything else is; it
 * overlaps with all others by intent.
 */
bool
segment_rule_is_else(const SegmentMap *map, int rule)
{
	const SegmentRule *last = &map->rules[rule];

	if (rule != map->nrules - 1 || last->condition || last->malformed)
		return false;
	for (int i = 0; i < 3; i++)
		if (last->min[i] != SEGMENT_NO_MIN || last->max[i] != SEGMENT_NO_MAX)
			return false;
	return true;
}

static List *
collect_columns(const SegmentCondition *condition, List *columns)
{
	if (condition->kind == CONDITION_COMPARE)
		return condition->column >= 0 ?
			list_append_unique_int(columns, condition->column) : columns;
	for (int i = 0; i < condition->nargs; i++)
		columns = collect_columns(condition->args[i], columns);
	return columns;
}

/* Indexes into map->columns of the facts that a rule reads. */
List *
segment_rule_columns(const SegmentMap *map, int rule)
{
	return map->rules[rule].condition ?
		collect_columns(map->rules[rule].condition, NIL) : NIL;
}

static SegmentValueKind
other_constant(const SegmentCondition *condition, int column, SegmentValueKind allowed)
{
	if (condition->kind == CONDITION_COMPARE)
	{
		for (int i = 0; condition->column == column && i < condition->nconstants; i++)
			if (condition->constants[i].kind != allowed)
				return condition->constants[i].kind;
		return SEGMENT_NULL;
	}
	for (int i = 0; i < condition->nargs; i++)
	{
		SegmentValueKind kind = other_constant(condition->args[i], column, allowed);

		if (kind != SEGMENT_NULL)
			return kind;
	}
	return SEGMENT_NULL;
}

/*
 * The kind of a constant that a rule compares the column with and that isn't
 * of the kind allowed, or SEGMENT_NULL.
 */
SegmentValueKind
segment_column_constant(const SegmentMap *map, int rule, int column,
						SegmentValueKind allowed)
{
	return map->rules[rule].condition ?
		other_constant(map->rules[rule].condition, column, allowed) : SEGMENT_NULL;
}

/*
 * ---- Printing
 *
 * The expression means the same under any search_path: every operator, type
 * and collation is named with its schema, and IN, BETWEEN and simple CASE,
 * whose operators can't be, are not used.
 */

typedef struct Printer
{
	StringInfoData out;
	const SegmentMap *map;
	const SegmentCaseColumn *columns;
	int			ncolumns;
} Printer;

static void
print_constant(Printer *p, const Constant *constant)
{
	switch (constant->kind)
	{
		case SEGMENT_NUMERIC:
			if (constant->text[0] == '-')
				appendStringInfo(&p->out, "(%s)", constant->text);
			else
				appendStringInfoString(&p->out, constant->text);
			break;
		case SEGMENT_STRING:
			appendStringInfoString(&p->out, quote_literal_cstr(constant->text));
			break;
		default:
			appendStringInfoString(&p->out, constant->b ? "true" : "false");
			break;
	}
}

static void
print_comparison(Printer *p, const char *operand, CompareOp op, const Constant *constant)
{
	appendStringInfo(&p->out, "%s OPERATOR(pg_catalog.%s) ", operand, op_names[op]);
	print_constant(p, constant);
}

/* operand = any of the constants of one kind */
static void
print_in(Printer *p, const char *operand, const SegmentCondition *condition,
		 SegmentValueKind kind)
{
	const char *separator = "";

	appendStringInfo(&p->out, "%s OPERATOR(pg_catalog.=) ANY (ARRAY[", operand);
	for (int i = 0; i < condition->nconstants; i++)
		if (condition->constants[i].kind == kind)
		{
			appendStringInfoString(&p->out, separator);
			print_constant(p, &condition->constants[i]);
			separator = ", ";
		}
	appendStringInfoString(&p->out, kind == SEGMENT_STRING ? "]::pg_catalog.text[])" : "])");
}

static void
print_operation(Printer *p, const char *operand, const SegmentCondition *condition,
				SegmentValueKind kind)
{
	if (condition->op == OP_IN)
		print_in(p, operand, condition, kind);
	else if (condition->op == OP_BETWEEN)
	{
		appendStringInfoChar(&p->out, '(');
		print_comparison(p, operand, OP_GE, &condition->constants[0]);
		appendStringInfoString(&p->out, " AND ");
		print_comparison(p, operand, OP_LE, &condition->constants[1]);
		appendStringInfoChar(&p->out, ')');
	}
	else
		print_comparison(p, operand, condition->op, &condition->constants[0]);
}

/* The same for a jsonb operand, whose type is only known in each row. */
static void
print_jsonb_operation(Printer *p, const char *jsonb, const SegmentCondition *condition,
					  SegmentValueKind kind)
{
	const char *type = kind == SEGMENT_NUMERIC ? "number" :
		kind == SEGMENT_STRING ? "string" : "boolean";
	char	   *operand;

	if (kind == SEGMENT_NUMERIC)
		operand = psprintf("(%s)::pg_catalog.numeric", jsonb);
	else if (kind == SEGMENT_BOOL)
		operand = psprintf("(%s)::pg_catalog.bool", jsonb);
	else
		operand = psprintf("(%s OPERATOR(pg_catalog.#>>) '{}'::pg_catalog.text[]) COLLATE pg_catalog.\"C\"", jsonb);

	appendStringInfo(&p->out, "CASE WHEN pg_catalog.jsonb_typeof(%s) OPERATOR(pg_catalog.=) '%s' THEN ",
					 jsonb, type);
	print_operation(p, operand, condition, kind);
	appendStringInfoString(&p->out, " END");
}

/*
 * The column that a condition reads as it is called in the CASE, or NULL if
 * it isn't among the columns given; *is_jsonb for a part of attributes.
 */
static char *
column_sql(Printer *p, int column, bool *is_jsonb)
{
	const SegmentColumn *fact;
	const char *wanted;
	char	   *found = NULL;

	*is_jsonb = false;
	if (column == COLUMN_FM)
		return psprintf("((%s OPERATOR(pg_catalog.+) %s) OPERATOR(pg_catalog./) 2.0)",
						p->columns[1].sql, p->columns[2].sql);
	if (column < 0)
		return p->columns[-1 - column].sql;

	fact = &p->map->columns[column];
	wanted = fact->name;
	for (;;)
	{
		for (int i = 3; i < p->ncolumns; i++)
			if (strcmp(p->columns[i].name, wanted) == 0)
			{
				if (found)
					ereport(ERROR,
							(errcode(ERRCODE_AMBIGUOUS_COLUMN),
							 errmsg("columns has more than one column named \"%s\"", wanted),
							 errdetail("Segment map %s has a condition on that column.", p->map->name)));
				found = p->columns[i].sql;
			}
		if (found || fact->attribute == 0 || wanted != fact->name)
			break;
		wanted = "attributes";
		*is_jsonb = true;
	}
	if (found && *is_jsonb)
		return psprintf("(%s OPERATOR(pg_catalog.->) %s)", found,
						quote_literal_cstr(fact->name + fact->attribute));
	return found;
}

static bool
has_kind(const SegmentCondition *condition, SegmentValueKind kind)
{
	for (int i = 0; i < condition->nconstants; i++)
		if (condition->constants[i].kind == kind)
			return true;
	return false;
}

static void
print_condition(Printer *p, const SegmentCondition *condition)
{
	static const SegmentValueKind kinds[] = {SEGMENT_NUMERIC, SEGMENT_STRING, SEGMENT_BOOL};
	const char *separator = "";
	char	   *operand;
	bool		is_jsonb;
	int			nkinds = 0;

	CHECK_FOR_INTERRUPTS();
	switch (condition->kind)
	{
		case CONDITION_NOT:
			appendStringInfoString(&p->out, "(NOT ");
			print_condition(p, condition->args[0]);
			appendStringInfoChar(&p->out, ')');
			return;
		case CONDITION_AND:
		case CONDITION_OR:
			appendStringInfoChar(&p->out, '(');
			for (int i = 0; i < condition->nargs; i++)
			{
				appendStringInfoString(&p->out, separator);
				print_condition(p, condition->args[i]);
				separator = condition->kind == CONDITION_AND ? " AND " : " OR ";
			}
			appendStringInfoChar(&p->out, ')');
			return;
		case CONDITION_COMPARE:
			break;
	}

	operand = column_sql(p, condition->column, &is_jsonb);
	if (operand == NULL)
	{
		appendStringInfoString(&p->out, "NULL::pg_catalog.bool");
		return;
	}
	for (int i = 0; i < (int) lengthof(kinds); i++)
		nkinds += has_kind(condition, kinds[i]);

	/*
	 * Numbers and booleans are compared with the column as it is. Strings go
	 * by the column's JSON form, as in facts: a date is ISO text there under
	 * any DateStyle. So do lists of several types.
	 */
	if (nkinds == 1 && !is_jsonb && !has_kind(condition, SEGMENT_STRING))
	{
		print_operation(p, operand, condition, condition->constants[0].kind);
		return;
	}
	if (!is_jsonb)
		operand = psprintf("pg_catalog.to_jsonb(%s)", operand);
	appendStringInfoChar(&p->out, '(');
	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (has_kind(condition, kinds[i]))
		{
			appendStringInfoString(&p->out, separator);
			print_jsonb_operation(p, operand, condition, kinds[i]);
			separator = " OR ";
		}
	appendStringInfoChar(&p->out, ')');
}

static void
print_bound(Printer *p, const char **separator, int score, const char *op, int32 bound)
{
	appendStringInfo(&p->out, bound < 0 ? "%s%s OPERATOR(pg_catalog.%s) (%d)" :
					 "%s%s OPERATOR(pg_catalog.%s) %d",
					 *separator, p->columns[score].sql, op, bound);
	*separator = " AND ";
}

char *
segment_map_as_case(const SegmentMap *map, const SegmentCaseColumn *columns,
					int ncolumns)
{
	Printer		p = {.map = map,.columns = columns,.ncolumns = ncolumns};

	Assert(ncolumns >= 3);
	initStringInfo(&p.out);
	appendStringInfo(&p.out, "CASE\n  WHEN %s IS NULL THEN %s\n", columns[0].sql,
					 map->prospect ? quote_literal_cstr(map->prospect) : "NULL::pg_catalog.text");
	for (int i = 0; i < map->nrules; i++)
	{
		const SegmentRule *rule = &map->rules[i];
		const char *separator = "";

		if (rule->malformed)
			continue;
		if (segment_rule_is_else(map, i))
		{
			appendStringInfo(&p.out, "  ELSE %s\n", quote_literal_cstr(rule->segment));
			break;
		}
		appendStringInfoString(&p.out, "  WHEN ");
		for (int k = 0; k < 3; k++)
		{
			bool		has_min = rule->min[k] != SEGMENT_NO_MIN,
						has_max = rule->max[k] != SEGMENT_NO_MAX;

			if (has_min && has_max && rule->min[k] == rule->max[k])
				print_bound(&p, &separator, k, "=", rule->min[k]);
			else
			{
				if (has_min)
					print_bound(&p, &separator, k, ">=", rule->min[k]);
				if (has_max)
					print_bound(&p, &separator, k, "<=", rule->max[k]);
			}
		}
		if (rule->condition)
		{
			appendStringInfoString(&p.out, separator);
			print_condition(&p, rule->condition);
		}
		else if (*separator == '\0')
			appendStringInfoString(&p.out, "true");
		appendStringInfo(&p.out, " THEN %s\n", quote_literal_cstr(rule->segment));
	}
	appendStringInfoString(&p.out, "END");
	return p.out.data;
}
