/*
 * card_check.c
 *		What is wrong with a scorecard, and the conditions of its rules as SQL.
 *
 * Both look at the rows of the card as one document: what they run besides
 * reads nothing of the card's author.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "arguments.h"
#include "compat.h"
#include "scorecard.h"
#include "segment/segment.h"

PG_FUNCTION_INFO_V1(scorecard_fits);
PG_FUNCTION_INFO_V1(scorecard_check);

/* ---- conditions ---- */

typedef struct FitRule
{
	int32		position;
	char	   *problem;		/* what is wrong with its condition, or NULL */
	bool		missing;		/* it has none */
} FitRule;

/* The rules of mode fit as those of a segment map, which the conditions are borrowed from */
static SegmentMap *
read_fit_rules(Jsonb *data, FitRule **found, int *count)
{
	static const int32 no_min[] = {SEGMENT_NO_MIN, SEGMENT_NO_MIN, SEGMENT_NO_MIN};
	static const int32 no_max[] = {SEGMENT_NO_MAX, SEGMENT_NO_MAX, SEGMENT_NO_MAX};
	SegmentMap *map = segment_map_begin("scorecard", SEGMENT_MIN_BINS);
	JsonbValue	rules;
	int			n;

	*count = 0;
	getKeyJsonValueFromContainer(&data->root, "rules", 5, &rules);
	n = (int) JsonContainerSize(rules.val.binary.data);
	*found = palloc0(Max(n, 1) * sizeof(FitRule));
	for (int i = 0; i < n; i++)
	{
		JsonbContainer *rule =
			getIthJsonbValueFromContainer(rules.val.binary.data, i)->val.binary.data;
		FitRule    *fit = &(*found)[*count];
		JsonbValue	value;
		Jsonb	   *conditions = NULL;

		if (getKeyJsonValueFromContainer(rule, "mode", 4, &value) == NULL ||
			value.type != jbvString || value.val.string.len != 3 ||
			memcmp(value.val.string.val, "fit", 3) != 0)
			continue;
		getKeyJsonValueFromContainer(rule, "position", 8, &value);
		fit->position = value.type == jbvNumeric ?
			DatumGetInt32(DirectFunctionCall1(numeric_int4,
											  NumericGetDatum(value.val.numeric))) : 0;
		getKeyJsonValueFromContainer(rule, "conditions", 10, &value);
		if (value.type == jbvNull)
			fit->missing = true;
		else
			conditions = JsonbValueToJsonb(&value);
		fit->problem = segment_map_add(map, fit->position, "fit", false, no_min, no_max, conditions);
		(*count)++;
	}
	return map;
}

static char *
card_name(Jsonb *data)
{
	JsonbValue	value;

	getKeyJsonValueFromContainer(&data->root, "card", 4, &value);
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static SegmentCaseColumn *
column_named(SegmentCaseColumn *columns, int from, int to, const char *name)
{
	for (int i = from; i < to; i++)
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

/*
 * The columns that the conditions find: scores where the caller has columns
 * of their names, NAME for attributes.NAME where there is no attributes, and
 * attributes -> NAME for NAME where there is.
 */
static SegmentCaseColumn *
add_columns(SegmentCaseColumn *columns, int *count, const SegmentMap *map)
{
	static const char *const scores[] = {"r_score", "f_score", "m_score"};
	int			given = *count;
	SegmentCaseColumn *all = palloc0((given + map->ncolumns) * sizeof(SegmentCaseColumn));
	SegmentCaseColumn *attributes = column_named(columns, 3, given, "attributes");

	memcpy(all, columns, given * sizeof(SegmentCaseColumn));
	for (int i = 0; i < 3; i++)
	{
		SegmentCaseColumn *score = column_named(columns, 3, given, scores[i]);

		all[i].name = pstrdup(scores[i]);
		all[i].sql = score ? score->sql : pstrdup("NULL::pg_catalog.int4");
	}
	for (int i = 0; i < map->ncolumns; i++)
	{
		const SegmentColumn *wanted = &map->columns[i];
		SegmentCaseColumn *plain = wanted->attribute == 0 ? NULL :
			column_named(columns, 3, given, wanted->name + wanted->attribute);

		if (column_named(columns, 3, given, wanted->name) != NULL)
			continue;
		if (attributes == NULL && plain != NULL)
			all[*count] = *plain;
		else if (attributes != NULL && wanted->attribute == 0)
		{
			all[*count].sql = psprintf("(%s OPERATOR(pg_catalog.->) %s)", attributes->sql,
									   quote_literal_cstr(wanted->name));
			all[*count].jsonb = true;
		}
		else
			continue;
		all[*count].name = pstrdup(wanted->name);
		(*count)++;
	}
	return all;
}

/* scorecard_fits(card text, columns text[]) -> text[]; strict */
Datum
scorecard_fits(PG_FUNCTION_ARGS)
{
	int			ncolumns;
	SegmentCaseColumn *columns = segment_read_columns(PG_GETARG_ARRAYTYPE_P(1), &ncolumns, 3);
	Jsonb	   *data = scorecard_read(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid);
	FitRule    *fits;
	int			n;
	SegmentMap *map = read_fit_rules(data, &fits, &n);
	Datum	   *result = palloc(Max(n, 1) * sizeof(Datum));

	columns = add_columns(columns, &ncolumns, map);
	for (int i = 0; i < n; i++)
	{
		if (fits[i].problem)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("scorecard \"%s\", position %d: %s",
							card_name(data), fits[i].position, fits[i].problem),
					 errhint("check_scorecard lists every problem of a card.")));
		result[i] = CStringGetTextDatum(fits[i].missing ? "NULL::pg_catalog.bool" :
										segment_condition_as_sql(map, i, columns, ncolumns));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(result, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* ---- problems ---- */

/*
 * All that can be seen in the rows of a card ($1), and of the streams and kinds
 * of a model ($2, or NULL); the extension's schema is %1$s.
 */
static const char check_query[] =
"WITH rule AS (SELECT r.*, r.mode IS DISTINCT FROM 'fit' AS reads FROM jsonb_to_recordset($1->'rules') AS r (\"position\" int, rule_group text,"
"   stream text, role text, kind text, mode text, points numeric, \"window\" int, expires int, half_life numeric, step_percent numeric,"
"   step_days int, min numeric, max numeric, conditions jsonb, labels jsonb)),"
" named AS (SELECT name, role FROM %1$s.stream_role),"
" bound AS (SELECT g.* FROM jsonb_to_recordset($1->'groups') AS g (rule_group text, min numeric, max numeric)),"
" label AS (SELECT b.* FROM jsonb_to_recordset($1->'bands') AS b (band text, language text, enter numeric, leave numeric, display_order int, color text)),"
" band AS (SELECT band, enter, leave, display_order, lead(band) OVER low AS lower, lead(enter) OVER low AS lower_enter, lead(leave) OVER low AS lower_leave,"
"   lead(display_order) OVER low AS lower_order"
"  FROM (SELECT band, max(enter) AS enter, max(coalesce(leave, enter)) AS leave, min(display_order) AS display_order FROM label GROUP BY band) AS one"
"  WINDOW low AS (ORDER BY enter DESC, band COLLATE \"C\")),"
" language AS (SELECT DISTINCT language FROM label),"
" stream AS (SELECT 'orders' AS stream UNION SELECT jsonb_object_keys($2->'streams')),"
" kind AS (SELECT k.stream, %1$s._kind_name(k.kind) AS kind FROM jsonb_to_recordset($2->'kinds') AS k (stream text, kind text)),"
/* the most that a rule and a group can come to */
" most AS (SELECT rule_group, \"position\", least(greatest(CASE WHEN mode = 'value' OR (points > 0 AND mode IN ('each', 'day')) THEN 'Infinity'"
"   ELSE greatest(points, 0) END, min), max) AS points FROM rule),"
" most_of_card AS (SELECT sum(points) AS points FROM (SELECT least(greatest(sum(most.points), max(bound.min)), max(bound.max)) AS points"
"   FROM most LEFT JOIN bound USING (rule_group) WHERE rule_group IS NOT NULL GROUP BY rule_group"
"   UNION ALL SELECT points FROM most WHERE rule_group IS NULL) AS parts),"
" problem (n, problem, \"position\", band) AS ("
"  SELECT 1, 'no rules', NULL::int, NULL WHERE NOT EXISTS (SELECT 1 FROM rule)"
"  UNION ALL SELECT 1, 'minimum above the maximum: min_points is not below max_points', NULL, NULL WHERE ($1->>'min')::numeric >= ($1->>'max')::numeric"
"  UNION ALL SELECT 2, 'unknown mode', \"position\", NULL FROM rule WHERE mode IS NULL OR mode NOT IN ('each', 'day', 'value', 'once', 'silence', 'fit')"
"  UNION ALL SELECT 2, 'unknown role: ' || left(role, 100), \"position\", NULL FROM rule WHERE role NOT IN (SELECT role FROM named)"
"  UNION ALL SELECT 2, 'unknown stream: ' || left(stream, 100), \"position\", NULL FROM rule WHERE $2 IS NOT NULL AND stream NOT IN (SELECT stream FROM stream)"
"  UNION ALL SELECT 2, 'unknown kind: ' || left(kind, 100), \"position\", NULL FROM rule WHERE $2 IS NOT NULL AND kind IS NOT NULL"
"   AND NOT EXISTS (SELECT 1 FROM kind AS k WHERE k.kind = %1$s._kind_name(rule.kind) AND (rule.stream IS NULL OR k.stream = rule.stream))"
"  UNION ALL SELECT 3, 'unreachable rule: it gives no points', \"position\", NULL FROM rule WHERE points IS NULL OR points = 0"
"  UNION ALL SELECT 3, 'unreachable rule: its bounds leave it no points', \"position\", NULL FROM rule WHERE min = max"
"   OR (mode <> 'value' AND points > 0 AND max <= 0) OR (mode <> 'value' AND points < 0 AND min >= 0)"
"  UNION ALL SELECT 3, 'unreachable rule: kind ' || left(kind, 100) || ' has the role ' || o.role, \"position\", NULL"
"   FROM rule JOIN named AS o ON o.name = %1$s._kind_name(rule.kind) WHERE o.role <> rule.role AND $2 IS NULL"
"  UNION ALL SELECT 3, 'unreachable rule: mode fit without conditions', \"position\", NULL FROM rule WHERE NOT reads AND conditions IS NULL"
"  UNION ALL SELECT 3, 'unreachable rule: mode silence without window_days', \"position\", NULL FROM rule WHERE mode = 'silence' AND \"window\" IS NULL"
"  UNION ALL SELECT 4, 'conditions without mode fit', \"position\", NULL FROM rule WHERE reads AND conditions IS NOT NULL"
"  UNION ALL SELECT 4, 'mode fit reads no stream, role or kind', \"position\", NULL FROM rule WHERE NOT reads AND coalesce(stream, role, kind) IS NOT NULL"
"  UNION ALL SELECT 4, 'mode fit has no window_days', \"position\", NULL FROM rule WHERE NOT reads AND \"window\" IS NOT NULL"
"  UNION ALL SELECT 5, 'several decays', \"position\", NULL FROM rule WHERE num_nonnulls(expires, half_life, coalesce(step_percent, step_days)) > 1"
"  UNION ALL SELECT 5, 'step_percent and step_days need one another', \"position\", NULL FROM rule WHERE num_nonnulls(step_percent, step_days) = 1"
"  UNION ALL SELECT 5, 'decay without an age: mode ' || mode, \"position\", NULL FROM rule WHERE mode IN ('silence', 'fit')"
"   AND num_nonnulls(expires, half_life, step_percent, step_days) > 0"
"  UNION ALL SELECT 6, 'minimum above the maximum: rule_min, rule_max', \"position\", NULL FROM rule WHERE min > max"
"  UNION ALL SELECT 6, 'minimum above the maximum: group ' || left(rule_group, 100), NULL, NULL FROM bound WHERE min > max"
"  UNION ALL SELECT 7, 'group without a rule: ' || left(rule_group, 100), NULL, NULL FROM bound WHERE rule_group NOT IN (SELECT rule_group FROM rule WHERE rule_group IS NOT NULL)"
"  UNION ALL SELECT 8, 'missing label: language ' || l, \"position\", NULL FROM rule, unnest('{en,fr}'::text[]) AS l WHERE coalesce(labels->>l, '') = ''"
"  UNION ALL SELECT 9, 'missing label: language ' || l.language, NULL, b.band FROM band AS b CROSS JOIN language AS l"
"   WHERE NOT EXISTS (SELECT 1 FROM label AS o WHERE o.band = b.band AND o.language = l.language)"
"  UNION ALL SELECT 9, 'band differs between languages: enter, leave, display_order or color', NULL, band FROM label"
"   GROUP BY band HAVING count(DISTINCT (enter, leave, display_order, color)) > 1"
"  UNION ALL SELECT 10, 'hole: no band is entered at 0', NULL, NULL FROM band HAVING min(enter) > 0"
"  UNION ALL SELECT 11, 'order of bands: left above the score at which it is entered', NULL, band FROM band WHERE leave > enter"
"  UNION ALL SELECT 11, 'order of bands: entered at the same score as ' || left(lower, 100), NULL, band FROM band WHERE enter = lower_enter"
"  UNION ALL SELECT 11, 'order of bands: left below the score at which one leaves ' || left(lower, 100), NULL, band FROM band WHERE leave < lower_leave"
"  UNION ALL SELECT 11, 'order of bands: display_order is not that of the scores', NULL, band FROM band WHERE display_order > lower_order"
"  UNION ALL SELECT 12, 'unreachable band: the rules never reach its score', NULL, band FROM band, most_of_card AS m"
"   WHERE ($1->>'min')::numeric < ($1->>'max')::numeric AND enter > 0 AND m.points <> 'NaN'"
"   AND m.points < ($1->>'min')::numeric + enter / 100 * (($1->>'max')::numeric - ($1->>'min')::numeric))"
" SELECT problem, \"position\", band FROM problem ORDER BY n, \"position\", band COLLATE \"C\", problem COLLATE \"C\"";

/*
 * check_scorecard(name text) -> SETOF (problem, position, band); not strict
 * _check_scorecard(name text, keys jsonb) -> the same, of a model
 */
Datum
scorecard_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			types[] = {JSONBOID, JSONBOID};
	Datum		values[2] = {0};
	char		nulls[] = {' ', PG_NARGS() < 2 || PG_ARGISNULL(1) ? 'n' : ' ', '\0'};
	Jsonb	   *data;
	FitRule    *fits;
	int			n;
	DataName	home;
	Reading		reading;

	/* No rows would say that all is well. */
	if (PG_ARGISNULL(0))
		null_argument("name", NULL);
	InitMaterializedSRF(fcinfo, 0);
	data = scorecard_read(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid);
	(void) read_fit_rules(data, &fits, &n);
	for (int i = 0; i < n; i++)
		if (fits[i].problem)
		{
			Datum		row[3] = {0};
			bool		row_nulls[3] = {false, false, true};

			row[0] = CStringGetTextDatum(psprintf("malformed condition: %s", fits[i].problem));
			row[1] = Int32GetDatum(fits[i].position);
			tuplestore_putvalues(result->setResult, result->setDesc, row, row_nulls);
		}

	values[0] = PointerGetDatum(data);
	if (nulls[1] == ' ')
		values[1] = PG_GETARG_DATUM(1);
	data_name_resolve(&scorecards, cstring_to_text(scorecards.example), fcinfo->flinfo->fn_oid,
					  &home);
	reading_begin(&home, fcinfo->flinfo->fn_oid, &reading);
	if (SPI_execute_with_args(psprintf(check_query, home.schema), 2, types, values, nulls,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "checking a scorecard failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		row[3];
		bool		row_nulls[3];

		for (int k = 0; k < 3; k++)
			row[k] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, k + 1,
								   &row_nulls[k]);
		tuplestore_putvalues(result->setResult, result->setDesc, row, row_nulls);
	}
	reading_end(&reading);
	return (Datum) 0;
}
