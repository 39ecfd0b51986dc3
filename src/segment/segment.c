/*
 * segment.c
 *		Segment maps: read a rule's condition, find the segment of a customer.
 *		segment_case.c prints the same maps as SQL.
 *
 * The first rule by position that applies wins. For every cell of r, f and m
 * the answer is worked out once, when the map is compiled, up to the point
 * where a condition on other columns decides; a row then costs one look into
 * a table, and conditions are only evaluated in the cells they cover.
 *
 * People without an order have no cell. Two kinds of rules speak of them: those
 * of a segment of role prospect, which speak of nobody else, and those that
 * read score_reason, which may. Where none applies they are prospects. People
 * who have bought and got everything back are no prospects: only a rule that
 * reads score_reason gives them a segment.
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
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "compat.h"
#include "memory.h"
#include "segment.h"

static const struct
{
	const char *name;
	int			column;
}			score_columns[] =
{
	{"r_score", SEGMENT_COLUMN_R},
	{"f_score", SEGMENT_COLUMN_F},
	{"m_score", SEGMENT_COLUMN_M},
	{"fm_score", SEGMENT_COLUMN_FM},
};

typedef enum Truth
{
	NO,
	YES,
	UNKNOWN
} Truth;

/* In the order of SegmentOp. */
const char *const segment_op_names[] = {"=", "<>", "<", "<=", ">", ">=", "between", "in"};

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

	ARRAY_ROOM(map->columns, map->ncolumns, map->ncolumns_max, 8);
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
read_constant(const JsonbValue *value, SegmentConstant *constant)
{
	memset(constant, 0, sizeof(SegmentConstant));
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
	const char *op = segment_op_names[condition->op];
	bool		is_array = value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);

	if (condition->op == SEGMENT_OP_IN || condition->op == SEGMENT_OP_BETWEEN)
	{
		uint32		n = is_array ? JsonContainerSize(value->val.binary.data) : 0;

		if (condition->op == SEGMENT_OP_BETWEEN && n != 2)
			return pstrdup("the value of \"between\" must be an array of two, the lower and the upper bound");
		if (n == 0)
			return pstrdup("the value of \"in\" must be an array of at least one number, string or boolean");
		if (n > SEGMENT_MAX_ITEMS)
			return psprintf("the array of \"in\" has more than %d elements", SEGMENT_MAX_ITEMS);
		condition->nconstants = n;
		condition->constants = palloc(sizeof(SegmentConstant) * n);
		for (uint32 i = 0; i < n; i++)
		{
			JsonbValue *element = getIthJsonbValueFromContainer(value->val.binary.data, i);

			if (!read_constant(element, &condition->constants[i]))
				return psprintf("the array of \"%s\" may hold numbers, strings and booleans only", op);
			pfree(element);
			CHECK_FOR_INTERRUPTS();
		}
		if (condition->op == SEGMENT_OP_BETWEEN &&
			condition->constants[0].kind != condition->constants[1].kind)
			return pstrdup("the two bounds of \"between\" must be of one type");
	}
	else
	{
		condition->nconstants = 1;
		condition->constants = palloc(sizeof(SegmentConstant) * 1);
		if (!read_constant(value, &condition->constants[0]))
			return psprintf("the value of \"%s\" must be a number, a string or a boolean", op);
	}
	if (condition->constants[0].kind == SEGMENT_BOOL &&
		condition->op != SEGMENT_OP_EQ && condition->op != SEGMENT_OP_NE &&
		condition->op != SEGMENT_OP_IN)
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
		condition->kind = link == 0 ? SEGMENT_CONDITION_AND : link == 1 ? SEGMENT_CONDITION_OR :
			SEGMENT_CONDITION_NOT;
		args = value.type == jbvBinary ? value.val.binary.data : NULL;
		if (condition->kind == SEGMENT_CONDITION_NOT)
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

	condition->kind = SEGMENT_CONDITION_COMPARE;
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
	for (int i = 0; i < (int) lengthof(segment_op_names); i++)
		if (same_name(segment_op_names[i], op.val.string.val, op.val.string.len))
		{
			condition->op = (SegmentOp) i;
			problem = read_constants(&value, condition);
			map->nconstants += condition->nconstants;
			if (problem == NULL && map->nconstants > SEGMENT_MAX_CONSTANTS)
				return psprintf("the conditions of the map have more than %d constants together", SEGMENT_MAX_CONSTANTS);
			return problem;
		}
	return psprintf("unknown op \"%s\": it must be one of = <> < <= > >= between in",
					clipped(op.val.string.val, op.val.string.len));
}

/*
 * ---- Evaluating conditions
 */

/* <0, 0, >0; or false when the two can't be compared. */
static bool
compare(const SegmentValue *value, const SegmentConstant *constant, int *result)
{
	Datum		text;
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
			text = CStringGetDatum(float8out_internal(value->u.d));
			number = DatumGetNumeric(DirectFunctionCall3(numeric_in, text,
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
	else if (column == SEGMENT_COLUMN_FM)
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
		case SEGMENT_CONDITION_NOT:
			truth = evaluate(condition->args[0], row);
			return truth == UNKNOWN ? UNKNOWN : truth == YES ? NO : YES;

		case SEGMENT_CONDITION_AND:
		case SEGMENT_CONDITION_OR:
			{
				Truth		decisive = condition->kind == SEGMENT_CONDITION_AND ? NO : YES;
				Truth		result = condition->kind == SEGMENT_CONDITION_AND ? YES : NO;

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

		case SEGMENT_CONDITION_COMPARE:
			break;
	}

	column_value(row, condition->column, &value);
	if (value.kind == SEGMENT_NULL)
		return UNKNOWN;
	truth = NO;
	if (condition->op == SEGMENT_OP_IN)
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
		case SEGMENT_OP_EQ:
			return order == 0 ? YES : NO;
		case SEGMENT_OP_NE:
			return order != 0 ? YES : NO;
		case SEGMENT_OP_LT:
			return order < 0 ? YES : NO;
		case SEGMENT_OP_LE:
			return order <= 0 ? YES : NO;
		case SEGMENT_OP_GT:
			return order > 0 ? YES : NO;
		case SEGMENT_OP_GE:
			return order >= 0 ? YES : NO;
		case SEGMENT_OP_BETWEEN:
			if (order < 0)
				return NO;
			compare(&value, &condition->constants[1], &order);
			return order <= 0 ? YES : NO;
		case SEGMENT_OP_IN:
			break;
	}
	return UNKNOWN;
}

/*
 * ---- Building a map
 */

static bool
reads_facts(const SegmentCondition *condition)
{
	if (condition->kind == SEGMENT_CONDITION_COMPARE)
		return condition->column >= 0;
	for (int i = 0; i < condition->nargs; i++)
		if (reads_facts(condition->args[i]))
			return true;
	return false;
}

static bool
reads_column(const SegmentCondition *condition, int column)
{
	if (condition->kind == SEGMENT_CONDITION_COMPARE)
		return condition->column == column;
	for (int i = 0; i < condition->nargs; i++)
		if (reads_column(condition->args[i], column))
			return true;
	return false;
}

/* Can the condition be true only where score_reason says that there is no order? */
static bool
asks_for_no_order(const SegmentCondition *condition, int score_reason)
{
	switch (condition->kind)
	{
		case SEGMENT_CONDITION_NOT:
			return false;
		case SEGMENT_CONDITION_AND:
			for (int i = 0; i < condition->nargs; i++)
				if (asks_for_no_order(condition->args[i], score_reason))
					return true;
			return false;
		case SEGMENT_CONDITION_OR:
			for (int i = 0; i < condition->nargs; i++)
				if (!asks_for_no_order(condition->args[i], score_reason))
					return false;
			return true;
		case SEGMENT_CONDITION_COMPARE:
			break;
	}
	if (condition->column != score_reason ||
		(condition->op != SEGMENT_OP_EQ && condition->op != SEGMENT_OP_IN))
		return false;
	for (int i = 0; i < condition->nconstants; i++)
	{
		const SegmentConstant *constant = &condition->constants[i];

		if (constant->kind == SEGMENT_STRING &&
			!same_name("no_order", constant->text, constant->len) &&
			!same_name("all_refunded", constant->text, constant->len))
			return false;
	}
	return true;
}

/* People who have bought and got everything back, in the word of no_order_reason() */
static SegmentCondition *
refunded_condition(SegmentMap *map)
{
	SegmentCondition *condition = palloc0(sizeof(SegmentCondition));

	condition->kind = SEGMENT_CONDITION_COMPARE;
	condition->column = column_number(map, "score_reason", 12);
	condition->op = SEGMENT_OP_EQ;
	condition->nconstants = 1;
	condition->constants = palloc0(sizeof(SegmentConstant) * 1);
	condition->constants[0].kind = SEGMENT_STRING;
	condition->constants[0].text = pstrdup("all_refunded");
	condition->constants[0].len = strlen("all_refunded");
	return condition;
}

SegmentMap *
segment_map_begin(const char *name, int bins)
{
	SegmentMap *map = palloc0(sizeof(SegmentMap));

	map->name = pstrdup(name);
	map->bins = bins;
	map->refunded = refunded_condition(map);
	return map;
}

/*
 * Add the rule with the next higher position. Returns what is wrong with its
 * condition, or NULL; a rule with a malformed condition stays and never
 * applies.
 */
char *
segment_map_add(SegmentMap *map, int32 position, const char *segment, bool prospect,
				const int32 *min, const int32 *max, Jsonb *conditions)
{
	SegmentRule *rule;
	char	   *problem = NULL;

	if (map->nrules == SEGMENT_MAX_RULES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("segment_map %s has more than %d rules", map->name, SEGMENT_MAX_RULES)));
	ARRAY_ROOM(map->rules, map->nrules, map->nrules_max, 16);
	rule = &map->rules[map->nrules++];
	memset(rule, 0, sizeof(SegmentRule));
	rule->position = position;
	rule->segment = pstrdup(segment);
	rule->segment_len = strlen(segment);
	rule->prospect = rule->no_order = prospect;
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
		{
			rule->refinement = reads_facts(rule->condition);
			rule->reads_reason = reads_column(rule->condition, map->refunded->column);
			rule->no_order = prospect || asks_for_no_order(rule->condition, map->refunded->column);
		}
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

/* Does the rule speak of people without an order? */
bool
segment_rule_without_order(const SegmentMap *map, int rule)
{
	const SegmentRule *the_rule = &map->rules[rule];
	static const int nothing[] = {0, 0, 0};

	return the_rule->condition && (the_rule->prospect || the_rule->reads_reason) &&
		box_covers(the_rule, nothing);
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

	if (the_rule->malformed || the_rule->no_order || !box_covers(the_rule, row.score))
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
		if (map->rules[i].refinement && !map->rules[i].no_order)
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

/* segment_match for people without an order */
static int
match_without_order(const Row *row)
{
	const SegmentMap *map = row->map;
	bool		refunded = evaluate(map->refunded, row) == YES;

	for (int i = 0; i < map->nrules; i++)
		if (segment_rule_without_order(map, i) &&
			(!refunded || map->rules[i].reads_reason) &&
			evaluate(map->rules[i].condition, row) == YES)
			return i;
	return refunded ? SEGMENT_NONE : SEGMENT_PROSPECT;
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
		return match_without_order(&row);
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

	if (rule != map->nrules - 1 || last->condition || last->malformed || last->prospect)
		return false;
	for (int i = 0; i < 3; i++)
		if (last->min[i] != SEGMENT_NO_MIN || last->max[i] != SEGMENT_NO_MAX)
			return false;
	return true;
}

/* Truth values as bits of a set */
#define MAY_BE(truth) (1 << (truth))
#define MAY_BE_ANYTHING (MAY_BE(NO) | MAY_BE(YES) | MAY_BE(UNKNOWN))

/*
 * Which truth values a condition may have. known[] says of each fact whether it
 * can be anything but NULL; without an order there are no scores.
 */
static int
possible_truth(const SegmentCondition *condition, const bool *known, bool without_order)
{
	int			result = 0;

	if (condition->kind == SEGMENT_CONDITION_COMPARE)
		return (condition->column >= 0 ? known[condition->column] : !without_order) ?
			MAY_BE_ANYTHING : MAY_BE(UNKNOWN);
	if (condition->kind == SEGMENT_CONDITION_NOT)
	{
		int			arg = possible_truth(condition->args[0], known, without_order);

		return (arg & MAY_BE(UNKNOWN)) |
			(arg & MAY_BE(NO) ? MAY_BE(YES) : 0) | (arg & MAY_BE(YES) ? MAY_BE(NO) : 0);
	}

	/* all of "and" must be able to be true, and one of "or" */
	for (int i = 0; i < condition->nargs; i++)
	{
		int			arg = possible_truth(condition->args[i], known, without_order);

		if (i == 0)
			result = arg;
		else if (condition->kind == SEGMENT_CONDITION_AND)
			result = ((result | arg) & ~MAY_BE(YES)) | (result & arg & MAY_BE(YES));
		else
			result = ((result | arg) & ~MAY_BE(NO)) | (result & arg & MAY_BE(NO));
	}
	return result;
}

/* Can the condition of a rule be true where only these facts are known? */
bool
segment_rule_can_apply(const SegmentMap *map, int rule, const bool *known, bool without_order)
{
	return map->rules[rule].condition == NULL ||
		(possible_truth(map->rules[rule].condition, known, without_order) & MAY_BE(YES)) != 0;
}

static bool
conditions_equal(const SegmentCondition *a, const SegmentCondition *b)
{
	if (a->kind != b->kind || a->nargs != b->nargs || a->column != b->column ||
		a->op != b->op || a->nconstants != b->nconstants)
		return false;
	for (int i = 0; i < a->nargs; i++)
		if (!conditions_equal(a->args[i], b->args[i]))
			return false;
	for (int i = 0; i < a->nconstants; i++)
	{
		const SegmentConstant *x = &a->constants[i],
				   *y = &b->constants[i];

		if (x->kind != y->kind || x->b != y->b || x->len != y->len ||
			(x->len > 0 && memcmp(x->text, y->text, x->len) != 0))
			return false;
	}
	return true;
}

/* Do two rules ask the same? Their bounds are not looked at. */
bool
segment_rules_equal(const SegmentMap *map, int rule, int other)
{
	const SegmentCondition *a = map->rules[rule].condition,
			   *b = map->rules[other].condition;

	return a == NULL || b == NULL ? a == b : conditions_equal(a, b);
}

static List *
collect_columns(const SegmentCondition *condition, List *columns)
{
	if (condition->kind == SEGMENT_CONDITION_COMPARE)
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
	if (condition->kind == SEGMENT_CONDITION_COMPARE)
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
