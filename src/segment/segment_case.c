/*
 * segment_case.c
 *		A segment map as one SQL CASE expression.
 *
 * The expression means the same under any search_path: every operator, type
 * and collation is named with its schema. IN, BETWEEN and simple CASE are not
 * used, because their operators can't be named so.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "segment.h"

typedef struct Printer
{
	StringInfoData out;
	const SegmentMap *map;
	const SegmentCaseColumn *columns;
	int			ncolumns;
	bool		in_scale;		/* no score is below 1 or above the bins of the map */
} Printer;

static void
print_constant(Printer *p, const SegmentConstant *constant)
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
print_comparison(Printer *p, const char *operand, SegmentOp op, const SegmentConstant *constant)
{
	appendStringInfo(&p->out, "%s OPERATOR(pg_catalog.%s) ", operand, segment_op_names[op]);
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
	if (condition->op == SEGMENT_OP_IN)
		print_in(p, operand, condition, kind);
	else if (condition->op == SEGMENT_OP_BETWEEN)
	{
		appendStringInfoChar(&p->out, '(');
		print_comparison(p, operand, SEGMENT_OP_GE, &condition->constants[0]);
		appendStringInfoString(&p->out, " AND ");
		print_comparison(p, operand, SEGMENT_OP_LE, &condition->constants[1]);
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
	bool		of_attributes = false;

	*is_jsonb = false;
	if (column == SEGMENT_COLUMN_FM)
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
				*is_jsonb = of_attributes || p->columns[i].jsonb;
			}
		if (found || fact->attribute == 0 || wanted != fact->name)
			break;
		wanted = "attributes";
		of_attributes = true;
	}
	if (found && of_attributes)
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
		case SEGMENT_CONDITION_NOT:
			appendStringInfoString(&p->out, "(NOT ");
			print_condition(p, condition->args[0]);
			appendStringInfoChar(&p->out, ')');
			return;
		case SEGMENT_CONDITION_AND:
		case SEGMENT_CONDITION_OR:
			appendStringInfoChar(&p->out, '(');
			for (int i = 0; i < condition->nargs; i++)
			{
				appendStringInfoString(&p->out, separator);
				print_condition(p, condition->args[i]);
				separator = condition->kind == SEGMENT_CONDITION_AND ? " AND " : " OR ";
			}
			appendStringInfoChar(&p->out, ')');
			return;
		case SEGMENT_CONDITION_COMPARE:
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

/*
 * The bounds of a rule on one score. In the scale of the map, a bound at its end
 * says no more than that the score is known.
 */
static void
print_bounds(Printer *p, const char **separator, int score, const SegmentRule *rule)
{
	int32		min = rule->min[score];
	int32		max = rule->max[score];
	bool		has_min = min != SEGMENT_NO_MIN;
	bool		has_max = max != SEGMENT_NO_MAX;

	if (has_min && has_max && min == max)
	{
		print_bound(p, separator, score, "=", min);
		return;
	}
	if (p->in_scale && has_max && max >= p->map->bins && has_min)
		has_max = false;
	if (p->in_scale && has_min && min <= 1 && has_max)
		has_min = false;
	if (has_min)
		print_bound(p, separator, score, ">=", min);
	if (has_max)
		print_bound(p, separator, score, "<=", max);
}

/*
 * What match_without_order does. Columns that are not given are NULL: a rule
 * that can't be true for that reason is left out.
 */
static void
print_without_order(Printer *p, const bool *given)
{
	const SegmentMap *map = p->map;
	const char *r = p->columns[0].sql;

	for (int i = 0; i < map->nrules; i++)
	{
		if (!segment_rule_without_order(map, i) || !segment_rule_can_apply(map, i, given, true))
			continue;
		appendStringInfo(&p->out, "  WHEN %s IS NULL AND ", r);
		if (!map->rules[i].reads_reason && given[map->refunded->column])
		{
			print_condition(p, map->refunded);
			appendStringInfoString(&p->out, " IS NOT TRUE AND ");
		}
		print_condition(p, map->rules[i].condition);
		appendStringInfo(&p->out, " THEN %s\n", quote_literal_cstr(map->rules[i].segment));
	}
	if (given[map->refunded->column])
	{
		appendStringInfo(&p->out, "  WHEN %s IS NULL AND ", r);
		print_condition(p, map->refunded);
		appendStringInfoString(&p->out, " THEN NULL::pg_catalog.text\n");
	}
	appendStringInfo(&p->out, "  WHEN %s IS NULL THEN %s\n", r,
					 map->prospect ? quote_literal_cstr(map->prospect) : "NULL::pg_catalog.text");
}

char *
segment_map_as_case(const SegmentMap *map, const SegmentCaseColumn *columns,
					int ncolumns, bool in_scale)
{
	Printer		p = {.map = map,.columns = columns,.ncolumns = ncolumns,.in_scale = in_scale};
	bool	   *given = palloc(sizeof(bool) * map->ncolumns);
	bool		is_jsonb;

	Assert(ncolumns >= 3);
	initStringInfo(&p.out);
	appendStringInfoString(&p.out, "CASE\n");
	for (int i = 0; i < map->ncolumns; i++)
		given[i] = column_sql(&p, i, &is_jsonb) != NULL;
	print_without_order(&p, given);
	for (int i = 0; i < map->nrules; i++)
	{
		const SegmentRule *rule = &map->rules[i];
		const char *separator = "";

		if (rule->malformed || rule->no_order)
			continue;
		if (segment_rule_is_else(map, i))
		{
			appendStringInfo(&p.out, "  ELSE %s\n", quote_literal_cstr(rule->segment));
			break;
		}
		appendStringInfoString(&p.out, "  WHEN ");
		for (int k = 0; k < 3; k++)
			print_bounds(&p, &separator, k, rule);
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

/* The condition of a rule alone */
char *
segment_condition_as_sql(const SegmentMap *map, int rule, const SegmentCaseColumn *columns,
						 int ncolumns)
{
	Printer		p = {.map = map,.columns = columns,.ncolumns = ncolumns};

	Assert(ncolumns >= 3);
	initStringInfo(&p.out);
	print_condition(&p, map->rules[rule].condition);
	return p.out.data;
}
