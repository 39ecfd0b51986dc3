/*
 * segment_map.c
 *		Segment maps in tables: read and compile a map, and the SQL functions
 *		over it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "arguments.h"
#include "compat.h"
#include "named_data.h"
#include "segment.h"

PG_FUNCTION_INFO_V1(segment_of_scores);
PG_FUNCTION_INFO_V1(segment_map_case);
PG_FUNCTION_INFO_V1(segment_map_scale_case);
PG_FUNCTION_INFO_V1(segment_map_check);

static const char *const map_tables[] = {"segment_map", "segment_rule", "segment_label"};

static const DataKind segment_maps = {
	.argument = "segment_map",
	.title = "segment map",
	.titles = "segment maps",
	.noun = "map",
	.nouns = "Maps",
	.example = "essential",
	.create = "create_segment_map",
	.tables = map_tables,
	.ntables = lengthof(map_tables)
};

/*
 * ---- Reading
 */

/* A rule with a condition that can't be read, for check_segment_map. */
typedef struct Malformed
{
	int32		position;
	char	   *segment;
	char	   *problem;
} Malformed;

/*
 * Read and compile a map into the current memory context, between
 * reading_begin and reading_end. Malformed conditions are an error, unless
 * the caller wants a list of them.
 */
static SegmentMap *
read_map(const DataName *name, MemoryContext target, List **malformed)
{
	SegmentMap *map;
	MemoryContext reading = CurrentMemoryContext;
	char	   *prospect;
	int32		bins;
	uint64		n;

	if (reading_query(name, psprintf("SELECT bins::pg_catalog.int4 FROM %s.segment_map WHERE map OPERATOR(pg_catalog.=) $1", name->schema)) == 0)
		data_name_unknown(name);
	bins = reading_int(0, 1, 0);
	if (bins < SEGMENT_MIN_BINS || bins > SEGMENT_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment_map %s has %d bins", name->shown, bins),
				 errdetail("A segment map has between %d and %d bins.", SEGMENT_MIN_BINS, SEGMENT_MAX_BINS)));

	MemoryContextSwitchTo(target);
	map = segment_map_begin(name->shown, bins);
	MemoryContextSwitchTo(reading);

	n = reading_query(name, psprintf("SELECT \"position\"::pg_catalog.int4, segment::pg_catalog.text,"
						   " r_min::pg_catalog.int4, r_max::pg_catalog.int4, f_min::pg_catalog.int4,"
						   " f_max::pg_catalog.int4, m_min::pg_catalog.int4, m_max::pg_catalog.int4,"
						   " conditions::pg_catalog.jsonb,"
						   " EXISTS (SELECT 1 FROM %1$s.segment_label AS l WHERE l.map OPERATOR(pg_catalog.=) rule.map"
						   " AND l.segment OPERATOR(pg_catalog.=) rule.segment AND l.role OPERATOR(pg_catalog.=) 'prospect')"
						   " FROM %1$s.segment_rule AS rule"
						   " WHERE map OPERATOR(pg_catalog.=) $1 ORDER BY rule.\"position\"", name->schema));
	for (uint64 i = 0; i < n; i++)
	{
		int32		position = reading_int(i, 1, 0);
		char	   *segment = reading_text(i, 2);
		int32		min[3],
					max[3];
		bool		isnull;
		Datum		conditions = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 9,
											   &isnull);
		bool		unknown;
		bool		prospect = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc, 10, &unknown));
		char	   *problem;

		if (segment == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("segment_map %s, position %d: the rule has no segment", name->shown, position)));
		for (int k = 0; k < 3; k++)
		{
			min[k] = reading_int(i, 3 + 2 * k, SEGMENT_NO_MIN);
			max[k] = reading_int(i, 4 + 2 * k, SEGMENT_NO_MAX);
		}
		MemoryContextSwitchTo(target);
		problem = segment_map_add(map, position, segment, prospect, min, max,
								  isnull ? NULL : DatumGetJsonbP(conditions));
		if (problem && malformed == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("segment_map %s, position %d: %s", name->shown, position, problem),
					 errhint("check_segment_map lists every problem of a map.")));
		if (problem)
		{
			Malformed  *one = palloc(sizeof(Malformed));

			one->position = position;
			one->segment = pstrdup(segment);
			one->problem = problem;
			*malformed = lappend(*malformed, one);
		}
		MemoryContextSwitchTo(reading);
	}

	/* sql/model/dated.sql asks the same */
	n = reading_query(name, psprintf("SELECT l.segment::pg_catalog.text FROM %1$s.segment_label AS l"
						   " WHERE l.map OPERATOR(pg_catalog.=) $1 AND l.role OPERATOR(pg_catalog.=) 'prospect'"
						   " ORDER BY EXISTS (SELECT 1 FROM %1$s.segment_rule AS r WHERE r.map OPERATOR(pg_catalog.=) l.map"
						   " AND r.segment OPERATOR(pg_catalog.=) l.segment), l.display_order, l.segment LIMIT 1", name->schema));
	prospect = n > 0 ? reading_text(0, 1) : NULL;
	MemoryContextSwitchTo(target);
	segment_map_finish(map, prospect);
	MemoryContextSwitchTo(reading);
	return map;
}

/*
 * The map of that name, in the current memory context. "function" is any
 * function of the extension: shipped maps are in its schema.
 */
SegmentMap *
segment_map_load(text *argument, Oid function)
{
	DataName	name;
	Reading		reading;
	SegmentMap *map;
	MemoryContext target = CurrentMemoryContext;

	data_name_resolve(&segment_maps, argument, function, &name);
	reading_begin(&name, function, &reading);
	map = read_map(&name, target, NULL);
	reading_end(&reading);
	return map;
}

/*
 * ---- segment()
 */

static void *
load_map(text *argument, Oid function)
{
	return segment_map_load(argument, function);
}

typedef struct Facts
{
	Datum		datum;
	Jsonb	   *json;			/* NULL until first needed */
} Facts;

static void
value_of_json(const JsonbValue *json, SegmentValue *value)
{
	switch (json->type)
	{
		case jbvNull:
			value->kind = SEGMENT_NULL;
			break;
		case jbvNumeric:
			value->kind = SEGMENT_NUMERIC;
			value->u.n = json->val.numeric;
			break;
		case jbvString:
			value->kind = SEGMENT_STRING;
			value->u.s.p = json->val.string.val;
			value->u.s.len = json->val.string.len;
			break;
		case jbvBool:
			value->kind = SEGMENT_BOOL;
			value->u.b = json->val.boolean;
			break;
		default:
			value->kind = SEGMENT_OTHER;
			break;
	}
}

/* SegmentFetch for facts in jsonb. */
static void
fetch_from_facts(void *arg, const SegmentColumn *columns, int column, SegmentValue *value)
{
	Facts	   *facts = arg;
	const SegmentColumn *wanted = &columns[column];
	JsonbValue	json,
				inner;

	if (facts->json == NULL)
	{
		facts->json = DatumGetJsonbP(facts->datum);
		if (!JB_ROOT_IS_OBJECT(facts->json))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("facts must be a JSON object"),
					 errhint("Build it with jsonb_build_object('tenure_days', ...) or to_jsonb(row).")));
	}
	if (getKeyJsonValueFromContainer(&facts->json->root, wanted->name, wanted->len, &json))
		value_of_json(&json, value);
	else if (wanted->attribute != 0 &&
			 getKeyJsonValueFromContainer(&facts->json->root, "attributes", 10, &json) &&
			 json.type == jbvBinary && JsonContainerIsObject(json.val.binary.data) &&
			 getKeyJsonValueFromContainer(json.val.binary.data, wanted->name + wanted->attribute,
										  wanted->len - wanted->attribute, &inner))
		value_of_json(&inner, value);
}

static int
score_argument(FunctionCallInfo fcinfo, int argument, const char *name, const SegmentMap *map)
{
	int32		score;

	if (PG_ARGISNULL(argument))
		return 0;
	score = PG_GETARG_INT32(argument);
	if (score < 1 || score > map->bins)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d for segment_map %s, not %d",
						name, map->bins, map->name, score),
				 errhint("The map has %d bins: make scores with as many, or name a map with other bins.",
						 map->bins)));
	return score;
}

/* segment(r int, f int, m int, segment_map text, facts jsonb) -> text; not strict */
Datum
segment_of_scores(PG_FUNCTION_ARGS)
{
	const SegmentMap *map;
	Facts		facts = {0};
	int			r,
				f,
				m,
				rule;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	map = cached_data(fcinfo, PG_GETARG_TEXT_PP(3), load_map);
	r = score_argument(fcinfo, 0, "r", map);
	f = score_argument(fcinfo, 1, "f", map);
	m = score_argument(fcinfo, 2, "m", map);
	if (!PG_ARGISNULL(4))
		facts.datum = PG_GETARG_DATUM(4);

	rule = segment_match(map, r, f, m, PG_ARGISNULL(4) ? NULL : fetch_from_facts, &facts);
	if (rule >= 0)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(map->rules[rule].segment,
												  map->rules[rule].segment_len));
	if (rule == SEGMENT_PROSPECT && map->prospect)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(map->prospect, map->prospect_len));
	PG_RETURN_NULL();
}

/*
 * ---- segment_case()
 */

/* Columns as the caller names them; the first so many are left for the r, f and m score. */
SegmentCaseColumn *
segment_read_columns(ArrayType *array, int *count, int first)
{
	SegmentCaseColumn *columns;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("columns must be a one-dimensional array")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	columns = palloc0(sizeof(SegmentCaseColumn) * Max(first + n, 1));
	for (int i = 0; i < n; i++)
	{
		StringInfoData sql;
		char	   *raw;
		List	   *parts;
		ListCell   *part;

		if (nulls[i])
			null_argument(psprintf("columns[%d]", i + 1), NULL);
		raw = TextDatumGetCString(elements[i]);

		/*
		 * Database, schema, table and column, each quoted and with every byte
		 * doubled, are the most that can be meant; splitting takes time that
		 * is quadratic in the number of quotes.
		 */
		if (strlen(raw) > 4 * (2 * NAMEDATALEN + 2) ||
			!SplitIdentifierString(pstrdup(raw), '.', &parts) || parts == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns[%d] \"%.*s\" is not the name of a column", i + 1,
							pg_mbcliplen(raw, strlen(raw), 100), raw),
					 errhint("Names may be qualified, as in 's.tenure_days'; other names than plain ones go in double quotes.")));
		initStringInfo(&sql);
		foreach(part, parts)
		{
			if (sql.len > 0)
				appendStringInfoChar(&sql, '.');
			appendStringInfoString(&sql, quote_identifier(lfirst(part)));
		}
		columns[first + i].name = llast(parts);
		columns[first + i].sql = sql.data;
	}
	*count = first + n;
	return columns;
}

/* The same of segment_case, which are those of the scores first */
static SegmentCaseColumn *
read_case_columns(ArrayType *array, int *count)
{
	SegmentCaseColumn *columns = segment_read_columns(array, count, 0);

	if (*count < 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns has %d names, but needs at least three", *count),
				 errhint("Name the columns of the r, f and m score first, then the columns that conditions may read.")));
	return columns;
}

/* segment_case(segment_map text, columns text[]) -> text; strict */
Datum
segment_map_case(PG_FUNCTION_ARGS)
{
	int			ncolumns;
	SegmentCaseColumn *columns = read_case_columns(PG_GETARG_ARRAYTYPE_P(1), &ncolumns);
	SegmentMap *map = segment_map_load(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid);

	PG_RETURN_TEXT_P(cstring_to_text(segment_map_as_case(map, columns, ncolumns, false)));
}

/*
 * _segment_case(segment_map text, columns text[], positions boolean) -> text; strict
 *
 * The same for scores that lie in the scale of the map. With positions each rule
 * gives its position instead of its segment: which of them decided is then known
 * from what decides.
 */
Datum
segment_map_scale_case(PG_FUNCTION_ARGS)
{
	int			ncolumns;
	SegmentCaseColumn *columns = read_case_columns(PG_GETARG_ARRAYTYPE_P(1), &ncolumns);
	SegmentMap *map = segment_map_load(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid);

	if (PG_GETARG_BOOL(2))
	{
		map->prospect = NULL;
		for (int i = 0; i < map->nrules; i++)
			map->rules[i].segment = psprintf("%d", map->rules[i].position);
	}
	PG_RETURN_TEXT_P(cstring_to_text(segment_map_as_case(map, columns, ncolumns, true)));
}

/*
 * ---- check_segment_map()
 */

/*
 * The columns of customer_scores that make sense in a condition, but for the
 * scores. The build makes the list of the rows of sql/model/columns.sql.
 */
static const struct
{
	const char *name;
	SegmentValueKind kind;
	bool		needs_order;	/* NULL without one */
}			known_columns[] =
{
#include "known_columns.h"
};

static void
report(ReturnSetInfo *result, const char *problem, const int *cell, List *segments)
{
	Datum		values[5];
	bool		nulls[5] = {0};

	values[0] = CStringGetTextDatum(problem);
	for (int i = 0; i < 3; i++)
	{
		nulls[1 + i] = cell == NULL;
		values[1 + i] = Int32GetDatum(cell ? cell[i] : 0);
	}
	nulls[4] = segments == NIL;
	if (segments)
	{
		Datum	   *names = palloc(sizeof(Datum) * list_length(segments));
		ListCell   *lc;
		int			n = 0;

		foreach(lc, segments)
			names[n++] = CStringGetTextDatum(lfirst(lc));
		values[4] = PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Every cell against every rule: holes, overlaps and which rules are reached. */
static void
check_cells(const SegmentMap *map, ReturnSetInfo *result, bool *reached)
{
	for (int r = 1; r <= map->bins; r++)
		for (int f = 1; f <= map->bins; f++)
			for (int m = 1; m <= map->bins; m++)
			{
				int			cell[] = {r, f, m};
				List	   *settling = NIL;
				bool		open = true;

				for (int i = 0; i < map->nrules; i++)
				{
					if (!segment_rule_covers(map, i, r, f, m))
						continue;
					if (open)
						reached[i] = true;
					if (map->rules[i].refinement)
						continue;
					if (open || !segment_rule_is_else(map, i))
						settling = lappend(settling, map->rules[i].segment);
					open = false;
				}
				if (open)
					report(result, "hole", cell, NIL);
				else if (list_length(settling) > 1)
					report(result, "overlap", cell, settling);
				list_free(settling);
				CHECK_FOR_INTERRUPTS();
			}
}

/*
 * Which rules people without an order can reach. A rule of role prospect speaks
 * of nobody else: what keeps it from doing so is told.
 */
static void
check_without_order(const SegmentMap *map, ReturnSetInfo *result, bool *reached)
{
	static const char *const scores[] = {"r", "f", "m"};
	bool	   *known = palloc(sizeof(bool) * map->ncolumns);

	for (int i = 0; i < map->ncolumns; i++)
	{
		known[i] = true;
		for (int k = 0; k < (int) lengthof(known_columns); k++)
			if (strcmp(known_columns[k].name, map->columns[i].name) == 0)
				known[i] = !known_columns[k].needs_order;
	}
	for (int i = 0; i < map->nrules; i++)
	{
		const SegmentRule *rule = &map->rules[i];
		bool		taken = false;

		CHECK_FOR_INTERRUPTS();
		if (segment_rule_without_order(map, i) && segment_rule_can_apply(map, i, known, true))
		{
			for (int j = 0; j < i && !taken; j++)
				taken = segment_rule_without_order(map, j) && segment_rules_equal(map, j, i);
			reached[i] = reached[i] || !taken;
		}
		if (!rule->prospect || rule->malformed)
			continue;
		if (rule->condition == NULL)
		{
			report(result, psprintf("rule of role prospect without a condition: position %d", rule->position),
				   NULL, list_make1(rule->segment));
			reached[i] = true;	/* one problem is enough */
		}
		for (int k = 0; k < 3; k++)
			if (rule->min[k] != SEGMENT_NO_MIN || rule->max[k] != SEGMENT_NO_MAX)
			{
				report(result, psprintf("rule of role prospect with a bound: position %d, %s", rule->position, scores[k]),
					   NULL, list_make1(rule->segment));
				reached[i] = true;
			}
	}
}

static void
check_rules(const SegmentMap *map, ReturnSetInfo *result, const bool *reached)
{
	static const char *const scores[] = {"r", "f", "m"};

	for (int i = 0; i < map->nrules; i++)
	{
		const SegmentRule *rule = &map->rules[i];
		List	   *segment = list_make1(rule->segment);
		ListCell   *lc;

		for (int k = 0; k < 3; k++)
			if ((rule->min[k] != SEGMENT_NO_MIN &&
				 (rule->min[k] < 1 || rule->min[k] > map->bins)) ||
				(rule->max[k] != SEGMENT_NO_MAX && (rule->max[k] < 1 || rule->max[k] > map->bins)))
				report(result, psprintf("bound outside 1 to %d: position %d, %s",
										map->bins, rule->position, scores[k]), NULL, segment);
		if (!reached[i] && !rule->malformed && !segment_rule_is_else(map, i))
			report(result, psprintf("unreachable rule: position %d", rule->position), NULL, segment);

		foreach(lc, segment_rule_columns(map, i))
		{
			const SegmentColumn *column = &map->columns[lfirst_int(lc)];
			bool		known = column->attribute != 0;

			for (int k = 0; k < (int) lengthof(known_columns); k++)
			{
				SegmentValueKind other;

				if (strcmp(known_columns[k].name, column->name) != 0)
					continue;
				known = true;
				other = segment_column_constant(map, i, lfirst_int(lc), known_columns[k].kind);
				if (other != SEGMENT_NULL)
					report(result, psprintf("wrong type: position %d compares %s with a %s",
											rule->position, column->name,
											other == SEGMENT_NUMERIC ? "number" :
											other == SEGMENT_STRING ? "string" : "boolean"),
						   NULL, segment);
			}
			if (!known)
				report(result, psprintf("unknown column: position %d reads \"%.*s\"", rule->position,
										pg_mbcliplen(column->name, strlen(column->name), 100),
										column->name),
					   NULL, segment);
		}
	}
}

/* One column of problems, one of arrays; $1 is the map, schema %1$s. */
static const char label_query[] =
"WITH label AS (SELECT segment::text, language::text, role::text, display_order, color"
"               FROM %1$s.segment_label WHERE map = $1),"
" rule AS (SELECT DISTINCT segment::text FROM %1$s.segment_rule WHERE map = $1),"
" language AS (SELECT DISTINCT language FROM label"
"              UNION ALL SELECT 'en' WHERE NOT EXISTS (SELECT 1 FROM label)),"
" used AS (SELECT segment FROM rule UNION SELECT segment FROM label)"
" SELECT 1 AS kind, 'missing label: language ' || language AS problem, ARRAY[segment] AS segments"
"   FROM used CROSS JOIN language"
"  WHERE (segment, language) NOT IN (SELECT segment, language FROM label)"
" UNION ALL"
" SELECT 2, 'label without a rule', ARRAY[segment] FROM label"
"  WHERE segment NOT IN (SELECT segment FROM rule) GROUP BY segment HAVING bool_and(role <> 'prospect')"
" UNION ALL"
" SELECT 4, 'several segments of role prospect without a rule', array_agg(DISTINCT segment) FROM label"
"  WHERE role = 'prospect' AND segment NOT IN (SELECT segment FROM rule) HAVING count(DISTINCT segment) > 1"
" UNION ALL"
" SELECT 5, 'label differs between languages: role, display_order or color', ARRAY[segment] FROM label"
"  GROUP BY segment HAVING count(DISTINCT (role, display_order, color)) > 1"
" ORDER BY kind, problem, segments";

static void
check_labels(const DataName *name, ReturnSetInfo *result)
{
	uint64		n = reading_query(name, psprintf(label_query, name->schema));

	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		values[5] = {0};
		bool		nulls[5] = {false, true, true, true, false};

		values[0] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		values[4] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* check_segment_map(segment_map text) -> SETOF (problem, r, f, m, segments); not strict */
Datum
segment_map_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DataName	name;
	Reading		reading;
	SegmentMap *map;
	List	   *malformed = NIL;
	ListCell   *lc;
	bool	   *reached;

	/* No rows would say that all is well. */
	if (PG_ARGISNULL(0))
		null_argument("segment_map", NULL);
	InitMaterializedSRF(fcinfo, 0);
	data_name_resolve(&segment_maps, PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid, &name);
	reading_begin(&name, fcinfo->flinfo->fn_oid, &reading);
	map = read_map(&name, CurrentMemoryContext, &malformed);

	foreach(lc, malformed)
	{
		Malformed  *one = lfirst(lc);

		report(result, psprintf("malformed condition: position %d, %s", one->position, one->problem),
			   NULL, list_make1(one->segment));
	}
	reached = palloc0(sizeof(bool) * Max(1, map->nrules));
	check_cells(map, result, reached);
	check_without_order(map, result, reached);
	check_rules(map, result, reached);
	check_labels(&name, result);
	for (int i = 0; i < map->nrules; i++)
		if (map->rules[i].refinement && !map->rules[i].no_order)
			report(result, psprintf("refinement: position %d", map->rules[i].position),
				   NULL, list_make1(map->rules[i].segment));
	reading_end(&reading);
	return (Datum) 0;
}
