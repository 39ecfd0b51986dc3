/*
 * program.c
 *		The program of a scorecard: made of the tables of cards, and read.
 *
 * The tables are read with the rights of named_data.h, and hold any nonsense
 * that their author has put there. What is wrong is said when the program is
 * read, so that a program written by hand is checked as well.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "compat.h"
#include "fixed.h"
#include "json_members.h"
#include "memory.h"
#include "program.h"
#include "scorecard.h"

PG_FUNCTION_INFO_V1(scorecard_kind_name);
PG_FUNCTION_INFO_V1(scorecard_program);

/* In the order of CardMode */
const char *const card_mode_names[] = {"each", "day", "value", "once", "silence", "fit"};

/* Names and keys of all rules together */
#define MAX_TARGETS 100000

/* ---- names of kinds ---- */

static bool
is_separator(char c)
{
	return c == ' ' || c == '_' || c == '-' || c == '.' || (c >= '\t' && c <= '\r');
}

int
kind_name(const char *kind, int len, char *name)
{
	int			n = 0;

	for (int i = 0; i < len; i++)
	{
		char		c = kind[i];

		if (is_separator(c))
		{
			if (n > 0 && name[n - 1] == '_')
				continue;
			c = '_';
		}
		else if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		name[n++] = c;
	}
	return n;
}

Datum
scorecard_kind_name(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	int			len = VARSIZE_ANY_EXHDR(kind);
	char	   *name = palloc(Max(len, 1));

	len = kind_name(VARDATA_ANY(kind), len, name);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(name, len));
}

/* ---- making ---- */

static const char *const card_tables[] = {"scorecard", "scorecard_rule", "scorecard_group", "scorecard_band"};

const DataKind scorecards = {
	.argument = "scorecard",
	.title = "scorecard",
	.titles = "scorecards",
	.noun = "card",
	.nouns = "Cards",
	.example = "engagement",
	.create = "create_scorecard",
	.tables = card_tables,
	.ntables = lengthof(card_tables)
};

/* The rows of a card as they are; $1 is its name, schema %1$s. */
static const char data_query[] =
"SELECT pg_catalog.jsonb_build_object('card', c.card::pg_catalog.text, 'min', c.min_points::pg_catalog.numeric,"
" 'max', c.max_points::pg_catalog.numeric, 'version', c.version::pg_catalog.int4,"
" 'rules', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
"  'position', r.\"position\"::pg_catalog.int4, 'rule_group', r.rule_group::pg_catalog.text, 'stream', r.stream::pg_catalog.text,"
"  'role', r.role::pg_catalog.text, 'kind', r.kind::pg_catalog.text, 'mode', r.mode::pg_catalog.text, 'points', r.points::pg_catalog.numeric,"
"  'window', r.window_days::pg_catalog.int4, 'expires', r.expires_after_days::pg_catalog.int4,"
"  'half_life', r.half_life_days::pg_catalog.numeric, 'step_percent', r.step_percent::pg_catalog.numeric, 'step_days', r.step_days::pg_catalog.int4,"
"  'min', r.rule_min::pg_catalog.numeric, 'max', r.rule_max::pg_catalog.numeric, 'conditions', r.conditions::pg_catalog.jsonb,"
"  'labels', pg_catalog.jsonb_build_object('en', r.label_en::pg_catalog.text, 'fr', r.label_fr::pg_catalog.text))"
"  ORDER BY r.\"position\") FROM %1$s.scorecard_rule AS r WHERE r.card OPERATOR(pg_catalog.=) $1), '[]'),"
" 'groups', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('rule_group', g.rule_group::pg_catalog.text,"
"  'min', g.group_min::pg_catalog.numeric, 'max', g.group_max::pg_catalog.numeric))"
"  FROM %1$s.scorecard_group AS g WHERE g.card OPERATOR(pg_catalog.=) $1), '[]'),"
" 'bands', coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('band', b.band::pg_catalog.text,"
"  'enter', b.enter::pg_catalog.numeric, 'leave', b.leave::pg_catalog.numeric, 'language', b.language::pg_catalog.text,"
"  'label', b.label::pg_catalog.text, 'display_order', b.display_order::pg_catalog.int4, 'color', b.color::pg_catalog.text))"
"  FROM %1$s.scorecard_band AS b WHERE b.card OPERATOR(pg_catalog.=) $1), '[]'))"
" FROM %1$s.scorecard AS c WHERE c.card OPERATOR(pg_catalog.=) $1";

/* The program, of these rows ($1) and the keys of a model ($2); the extension's schema is %1$s. */
static const char program_query[] =
"WITH given AS (SELECT $1 AS card, $2 AS model),"
" rule AS (SELECT j.value AS r, j.ordinality AS n, j.value->>'rule_group' AS rule_group, j.value->>'stream' AS stream,"
"   j.value->>'role' AS role, %1$s._kind_name(j.value->>'kind') AS kind, j.value->>'mode' IS DISTINCT FROM 'fit' AS reads"
"  FROM given, jsonb_array_elements(card->'rules') WITH ORDINALITY AS j),"
" grouped AS (SELECT name, row_number() OVER (ORDER BY name COLLATE \"C\") - 1 AS index"
"  FROM (SELECT DISTINCT rule_group AS name FROM rule WHERE rule_group IS NOT NULL) AS named),"
" role_name AS (SELECT name, role FROM %1$s.stream_role),"
" stream AS (SELECT 'orders' AS stream, 0 AS no UNION SELECT s.key, s.value::int FROM given, jsonb_each_text(model->'streams') AS s),"
" kind AS (SELECT k.stream, %1$s._kind_name(k.kind) AS kind, k.role, k.key"
"  FROM given, jsonb_to_recordset(model->'kinds') AS k (stream text, kind text, role text, key int)),"
" target AS (SELECT n,"
"   reads AND stream IS NULL AND role IS NULL AND kind IS NULL AS everything,"
"   CASE WHEN NOT reads OR (SELECT model FROM given) IS NOT NULL THEN NULL"
"    WHEN kind IS NOT NULL THEN CASE WHEN role IS NULL OR EXISTS (SELECT 1 FROM role_name AS o WHERE o.name = kind AND o.role = rule.role)"
"      THEN jsonb_build_array(kind) END"
"    WHEN role IS NOT NULL THEN (SELECT jsonb_agg(o.name ORDER BY o.name) FROM role_name AS o WHERE o.role = rule.role)"
"    WHEN stream IS NOT NULL THEN jsonb_build_array(%1$s._kind_name(stream)) END AS names,"
"   CASE WHEN reads AND (role IS NOT NULL OR kind IS NOT NULL) THEN"
"    (SELECT jsonb_agg(k.key ORDER BY k.key) FROM kind AS k WHERE (rule.stream IS NULL OR k.stream = rule.stream)"
"      AND (rule.role IS NULL OR k.role = rule.role) AND (rule.kind IS NULL OR k.kind = rule.kind)) END AS keys,"
"   CASE WHEN reads AND stream IS NOT NULL THEN (SELECT s.no FROM stream AS s WHERE s.stream = rule.stream) END AS stream"
"  FROM rule)"
" SELECT jsonb_build_object('card', card->'card', 'version', card->'version', 'min', card->'min', 'max', card->'max',"
"  'groups', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('rule_group', g.name, 'min', b.value->'min', 'max', b.value->'max')) ORDER BY g.index)"
"   FROM grouped AS g LEFT JOIN jsonb_array_elements(card->'groups') AS b ON b.value->>'rule_group' = g.name), '[]'),"
"  'bands', coalesce((SELECT jsonb_agg(jsonb_build_object('band', b.band, 'enter', b.enter, 'leave', b.leave, 'rank', b.rank) ORDER BY b.rank)"
"   FROM (SELECT one.*, row_number() OVER (ORDER BY enter DESC, band COLLATE \"C\") AS rank"
"     FROM (SELECT band, max(enter) AS enter, max(coalesce(leave, enter)) AS leave"
"       FROM jsonb_to_recordset(card->'bands') AS b (band text, enter numeric, leave numeric) GROUP BY band) AS one) AS b), '[]'),"
"  'streams', CASE WHEN model IS NULL OR EXISTS (SELECT 1 FROM target AS t WHERE t.everything) THEN NULL ELSE"
"   (SELECT coalesce(jsonb_agg(DISTINCT s.no ORDER BY s.no), '[]') FROM (SELECT t.stream AS no FROM target AS t WHERE t.stream IS NOT NULL"
"      UNION SELECT k.value::int / 1024 FROM target AS t, jsonb_array_elements(t.keys) AS k) AS s) END,"
"  'rules', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(r - '{rule_group,stream,role,kind,conditions}'::text[] || jsonb_build_object("
"    'group', (SELECT g.index FROM grouped AS g WHERE g.name = rule_group),"
"    'fit', CASE WHEN NOT reads THEN (SELECT count(*) FROM rule AS o WHERE NOT o.reads AND o.n < rule.n) END,"
"    'all', nullif(t.everything, false), 'names', t.names, 'keys', t.keys,"
"    'streams', CASE WHEN model IS NOT NULL AND role IS NULL AND kind IS NULL AND t.stream IS NOT NULL THEN jsonb_build_array(t.stream) END)) ORDER BY n), '[]')"
"   FROM rule JOIN target AS t USING (n)))"
" FROM given";

/* The result of a query is one jsonb, here in the memory context of the caller's. */
static Jsonb *
result_jsonb(MemoryContext target)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	MemoryContext old = MemoryContextSwitchTo(target);
	Jsonb	   *copy = DatumGetJsonbPCopy(value);

	MemoryContextSwitchTo(old);
	return copy;
}

/* What the tables say of a card */
Jsonb *
scorecard_read(text *card, Oid function)
{
	MemoryContext target = CurrentMemoryContext;
	DataName	name;
	Reading		reading;
	Jsonb	   *data;

	data_name_resolve(&scorecards, card, function, &name);
	reading_begin(&name, function, &reading);
	if (reading_query(&name, psprintf(data_query, name.schema)) == 0)
		data_name_unknown(&name);
	data = result_jsonb(target);
	reading_end(&reading);
	return data;
}

/*
 * The program is made as the owner of the extension, whose tables say what the
 * usual names of kinds mean: the caller may have no right on its schema. The
 * query runs nothing but functions of PostgreSQL's and ours.
 */
Jsonb *
program_of_card(text *card, Oid function, Jsonb *keys)
{
	MemoryContext target = CurrentMemoryContext;
	Jsonb	   *data = scorecard_read(card, function);
	Oid			types[] = {JSONBOID, JSONBOID};
	Datum		values[] = {PointerGetDatum(data), PointerGetDatum(keys)};
	char		nulls[] = {' ', keys ? ' ' : 'n', '\0'};
	DataName	home;
	Reading		reading;
	Jsonb	   *program;

	data_name_resolve(&scorecards, cstring_to_text(scorecards.example), function, &home);
	reading_begin(&home, function, &reading);
	if (SPI_execute_with_args(psprintf(program_query, home.schema), 2, types, values, nulls,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "making the program of a scorecard failed");
	program = result_jsonb(target);
	reading_end(&reading);
	return program;
}

/* _scorecard_program(card text, keys jsonb) -> jsonb; not strict */
Datum
scorecard_program(PG_FUNCTION_ARGS)
{
	Jsonb	   *keys = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	Jsonb	   *program;

	if (PG_ARGISNULL(0))
		null_argument("card", NULL);
	if (keys && (!JB_ROOT_IS_OBJECT(keys)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("keys must be a JSON object")));
	program = program_of_card(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid, keys);
	(void) program_read(program);
	PG_RETURN_JSONB_P(program);
}

/* ---- reading ---- */

/* Who is being read, for messages */
typedef struct Reader
{
	Program    *program;
	int32		position;		/* of the rule, if rule */
	bool		rule;
	int			ntargets;
} Reader;

static void
unsound(const Reader *reader, const char *problem)
{
	const char *name = reader->program->name;
	char	   *shown = name ? pnstrdup(name, pg_mbcliplen(name, strlen(name), 100)) : "";

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 reader->rule ? errmsg("scorecard \"%s\", position %d: %s", shown, reader->position, problem) :
			 errmsg("scorecard \"%s\": %s", shown, problem),
			 errhint("check_scorecard lists every problem of a card.")));
}

static double
number(const Reader *reader, JsonbContainer *object, const char *key, double if_absent)
{
	JsonbValue	value;
	double		result;

	if (json_member(object, key, &value) == NULL)
		return if_absent;
	if (value.type != jbvNumeric)
		unsound(reader, psprintf("\"%s\" is not a number", key));
	result = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value.val.numeric)));
	if (!isfinite(result))
		unsound(reader, psprintf("\"%s\" is not finite", key));
	return result;
}

/* A whole number in [least, most] */
static int32
whole(const Reader *reader, JsonbContainer *object, const char *key, int32 least, int32 most,
	  int32 if_absent)
{
	double		result = number(reader, object, key, if_absent);
	JsonbValue	value;

	if (json_member(object, key, &value) == NULL)
		return if_absent;
	if (!(result >= least && result <= most) || result != floor(result))
		unsound(reader, psprintf("\"%s\" is not a whole number from %d to %d", key, least, most));
	return (int32) result;
}

static char *
string(JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	if (json_member(object, key, &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* The elements of an array, or none */
static JsonbContainer *
array(const Reader *reader, JsonbContainer *object, const char *key, int *n)
{
	JsonbValue	value;

	*n = 0;
	if (json_member(object, key, &value) == NULL)
		return NULL;
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		unsound(reader, psprintf("\"%s\" is not an array", key));
	*n = (int) JsonContainerSize(value.val.binary.data);
	return value.val.binary.data;
}

static JsonbContainer *
object_at(const Reader *reader, JsonbContainer *list, int i)
{
	JsonbValue *value = getIthJsonbValueFromContainer(list, (uint32) i);

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		unsound(reader, "it is not the program of a scorecard");
	return value->val.binary.data;
}

static void
read_points(const Reader *reader, JsonbContainer *object, CardRule *rule)
{
	JsonbValue	value;
	int			decimals;

	if (json_member(object, "points", &value) == NULL || value.type != jbvNumeric ||
		fixed_from_numeric(NumericGetDatum(value.val.numeric), &rule->points,
						   &decimals) != FIXED_OK ||
		decimals > CARD_POINT_DECIMALS ||
		__builtin_mul_overflow(rule->points, history_power_of_ten(CARD_POINT_DECIMALS - decimals),
							   &rule->points) ||
		rule->points > CARD_MAX_POINTS || rule->points < -CARD_MAX_POINTS)
		unsound(reader, "points must be a number with up to six decimals, at most a million");
}

static void
read_decay(const Reader *reader, JsonbContainer *object, CardRule *rule)
{
	double		half_life = number(reader, object, "half_life", 0);
	double		percent = number(reader, object, "step_percent", 0);
	int32		expires = whole(reader, object, "expires", 1, PG_INT32_MAX, 0);

	rule->step_days = whole(reader, object, "step_days", 1, PG_INT32_MAX, 0);
	if (half_life < 0 || percent < 0 || percent > 100)
		unsound(reader, "half_life_days must be positive, and step_percent from 0 to 100");
	if ((percent > 0) != (rule->step_days > 0))
		unsound(reader, "step_percent and step_days need one another");
	if ((expires > 0) + (half_life > 0) + (percent > 0) > 1)
		unsound(reader, "a rule has at most one of expires_after_days, half_life_days and step_percent");
	if ((expires > 0 || half_life > 0 || percent > 0) &&
		(rule->mode == CARD_SILENCE || rule->mode == CARD_FIT))
		unsound(reader, psprintf("a rule of mode %s has no age that could take points away",
								 card_mode_names[rule->mode]));
	/* age < expires and day > asked - window say the same */
	if (expires > 0 && (rule->window == 0 || expires < rule->window))
		rule->window = expires;
	rule->half_life = half_life;
	rule->step_keeps = 1 - percent / 100;
	rule->decay = half_life > 0 ? CARD_HALF_LIFE : percent > 0 ? CARD_STEPS : CARD_NO_DECAY;
	if (rule->decay != CARD_NO_DECAY)
	{
		rule->weights = palloc(CARD_KNOWN_WEIGHTS * sizeof(double));
		for (int i = 0; i < CARD_KNOWN_WEIGHTS; i++)
			rule->weights[i] = -1;
	}
}

static void
read_rule(Reader *reader, JsonbContainer *object, CardRule *rule, Label *label)
{
	Card	   *card = &reader->program->card;
	char	   *mode = string(object, "mode");
	JsonbValue	labels;

	memset(rule, 0, sizeof(CardRule));
	reader->rule = false;
	rule->position = whole(reader, object, "position", PG_INT32_MIN, PG_INT32_MAX, 0);
	reader->position = rule->position;
	reader->rule = true;
	while (mode == NULL || strcmp(mode, card_mode_names[rule->mode]) != 0)
	{
		if (mode == NULL || rule->mode == CARD_FIT)
			unsound(reader, "mode must be each, day, value, once, silence or fit");
		rule->mode++;
	}
	read_points(reader, object, rule);
	rule->group = whole(reader, object, "group", 0, card->ngroups - 1, -1);
	rule->window = whole(reader, object, "window", 1, PG_INT32_MAX, 0);
	if (rule->mode == CARD_SILENCE && rule->window == 0)
		unsound(reader, "a rule of mode silence needs window_days");
	read_decay(reader, object, rule);
	rule->min = number(reader, object, "min", -INFINITY);
	rule->max = number(reader, object, "max", INFINITY);
	if (rule->min > rule->max)
		unsound(reader, "rule_min is above rule_max");
	if (rule->mode == CARD_FIT)
	{
		rule->fit = whole(reader, object, "fit", 0, CARD_MAX_RULES - 1, card->nfits);
		card->nfits = Max(card->nfits, rule->fit + 1);
	}
	else
		card->reads_events = true;
	memset(label, 0, sizeof(Label));
	if (json_member(object, "labels", &labels) && labels.type == jbvBinary &&
		JsonContainerIsObject(labels.val.binary.data))
	{
		label->en = string(labels.val.binary.data, "en");
		label->fr = string(labels.val.binary.data, "fr");
	}
}

static void
read_groups_and_bands(Reader *reader, JsonbContainer *root)
{
	Program    *program = reader->program;
	Card	   *card = &program->card;
	JsonbContainer *list = array(reader, root, "groups", &card->ngroups);

	if (card->ngroups > CARD_MAX_RULES)
		unsound(reader, psprintf("a card has at most %d groups", CARD_MAX_RULES));
	card->groups = palloc(Max(card->ngroups, 1) * sizeof(CardGroup));
	program->groups = palloc(Max(card->ngroups, 1) * sizeof(char *));
	for (int i = 0; i < card->ngroups; i++)
	{
		JsonbContainer *group = object_at(reader, list, i);

		program->groups[i] = string(group, "rule_group");
		card->groups[i].min = number(reader, group, "min", -INFINITY);
		card->groups[i].max = number(reader, group, "max", INFINITY);
		if (card->groups[i].min > card->groups[i].max)
			unsound(reader, "group_min is above group_max");
	}

	list = array(reader, root, "bands", &card->nbands);
	if (card->nbands > CARD_MAX_BANDS)
		unsound(reader, psprintf("a card has at most %d bands", CARD_MAX_BANDS));
	card->bands = palloc(Max(card->nbands, 1) * sizeof(CardBand));
	program->bands = palloc(Max(card->nbands, 1) * sizeof(char *));
	for (int i = 0; i < card->nbands; i++)
	{
		JsonbContainer *band = object_at(reader, list, i);

		program->bands[i] = string(band, "band");
		card->bands[i].enter = number(reader, band, "enter", 0);
		card->bands[i].leave = number(reader, band, "leave", card->bands[i].enter);
		if (program->bands[i] == NULL)
			unsound(reader, "a band has no name");
		if (card->bands[i].leave > card->bands[i].enter)
			unsound(reader, psprintf("band \"%.*s\" is left above the score at which it is entered",
									 pg_mbcliplen(program->bands[i], strlen(program->bands[i]), 60),
									 program->bands[i]));
		if (i > 0 && card->bands[i].enter >= card->bands[i - 1].enter)
			unsound(reader, "two bands are entered at the same score");
	}
}

static void
append_rule(RuleList *list, int rule)
{
	if (list->n > 0 && list->rules[list->n - 1] == rule)
		return;
	ARRAY_ROOM(list->rules, list->n, list->room, 4);
	list->rules[list->n++] = (uint16) rule;
}

static int
compare_names(const void *a, const void *b)
{
	const ProgramName *x = a;
	const ProgramName *y = b;
	int			order = memcmp(x->name, y->name, Min(x->len, y->len));

	return order ? order : x->len - y->len;
}

static int
compare_keys(const void *a, const void *b)
{
	int32		x = ((const ProgramKey *) a)->key;
	int32		y = ((const ProgramKey *) b)->key;

	return (x > y) - (x < y);
}

static ProgramName *
find_name(const Program *program, const char *name, int len)
{
	ProgramName wanted = {.name = unconstify(char *, name),.len = len};

	return program->nnames == 0 ? NULL :
		bsearch(&wanted, program->names, program->nnames, sizeof(ProgramName), compare_names);
}

static ProgramKey *
find_key(const Program *program, int32 key)
{
	ProgramKey	wanted = {.key = key};

	return program->nkeys == 0 ? NULL :
		bsearch(&wanted, program->keys, program->nkeys, sizeof(ProgramKey), compare_keys);
}

/* Which names and keys there are: first with those that several rules have */
static void
collect_targets(Reader *reader, JsonbContainer *rules)
{
	Program    *program = reader->program;
	int			names_room = 0,
				keys_room = 0,
				n;

	reader->rule = false;
	for (int i = 0; i < program->card.nrules; i++)
	{
		JsonbContainer *rule = object_at(reader, rules, i);
		JsonbContainer *list = array(reader, rule, "names", &n);

		reader->ntargets += n;
		for (int k = 0; k < n && reader->ntargets <= MAX_TARGETS; k++)
		{
			JsonbValue *value = getIthJsonbValueFromContainer(list, (uint32) k);
			ProgramName *name;

			if (value->type != jbvString)
				unsound(reader, "a name of a kind is not a string");
			ARRAY_ROOM(program->names, program->nnames, names_room, 16);
			name = &program->names[program->nnames++];
			memset(name, 0, sizeof(ProgramName));
			name->name = palloc(Max(value->val.string.len, 1));
			name->len = kind_name(value->val.string.val, value->val.string.len, name->name);
		}
		list = array(reader, rule, "keys", &n);
		reader->ntargets += n;
		for (int k = 0; k < n && reader->ntargets <= MAX_TARGETS; k++)
		{
			JsonbValue *value = getIthJsonbValueFromContainer(list, (uint32) k);
			int32		key = value->type != jbvNumeric ? -1 :
				numeric_int4_opt_error(value->val.numeric, &(bool) {false});

			if (key < 0 || key >= PROGRAM_STREAMS * PROGRAM_KINDS)
				unsound(reader, "a key is not stream * 1024 + kind");
			ARRAY_ROOM(program->keys, program->nkeys, keys_room, 16);
			memset(&program->keys[program->nkeys], 0, sizeof(ProgramKey));
			program->keys[program->nkeys++].key = key;
		}
		if (reader->ntargets > MAX_TARGETS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the rules of a scorecard name more than %d kinds together", MAX_TARGETS)));
		CHECK_FOR_INTERRUPTS();
	}
	if (program->nnames > 0)
	{
		int			kept = 1;

		qsort(program->names, program->nnames, sizeof(ProgramName), compare_names);
		for (int i = 1; i < program->nnames; i++)
			if (compare_names(&program->names[i], &program->names[kept - 1]) != 0)
				program->names[kept++] = program->names[i];
		program->nnames = kept;
	}
	if (program->nkeys > 0)
	{
		int			kept = 1;

		qsort(program->keys, program->nkeys, sizeof(ProgramKey), compare_keys);
		for (int i = 1; i < program->nkeys; i++)
			if (program->keys[i].key != program->keys[kept - 1].key)
				program->keys[kept++] = program->keys[i];
		program->nkeys = kept;
	}
}

static bool
reads_everything(JsonbContainer *rule)
{
	JsonbValue	value;

	return json_member(rule, "all", &value) && value.type == jbvBool && value.val.boolean;
}

/* A whole number from an array of streams */
static int
stream_at(const Reader *reader, JsonbContainer *list, int i)
{
	JsonbValue *value = getIthJsonbValueFromContainer(list, (uint32) i);
	int32		stream = value->type != jbvNumeric ? -1 :
		numeric_int4_opt_error(value->val.numeric, &(bool) {false});

	if (stream < 0 || stream >= PROGRAM_STREAMS)
		unsound(reader, psprintf("a stream is not a number from 0 to %d", PROGRAM_STREAMS - 1));
	return stream;
}

/* Who reads what; rules ascending, so that all lists are */
static void
connect_rules(Reader *reader, JsonbContainer *rules)
{
	Program    *program = reader->program;
	int			n;

	for (int i = 0; i < program->card.nrules; i++)
	{
		JsonbContainer *rule = object_at(reader, rules, i);
		JsonbContainer *list;

		CHECK_FOR_INTERRUPTS();
		if (program->card.rules[i].mode == CARD_FIT)
			continue;
		if (reads_everything(rule))
		{
			for (int k = 0; k < program->nnames; k++)
				append_rule(&program->names[k].list, i);
			for (int k = 0; k < program->nkeys; k++)
				append_rule(&program->keys[k].list, i);
			for (int k = 0; k < PROGRAM_STREAMS; k++)
				append_rule(&program->streams[k], i);
			append_rule(&program->others, i);
			continue;
		}
		list = array(reader, rule, "streams", &n);
		program->card.rules[i].unfed = n == 0;
		for (int k = 0; k < n; k++)
		{
			int			stream = stream_at(reader, list, k);

			append_rule(&program->streams[stream], i);
			for (int j = 0; j < program->nkeys; j++)
				if (program->keys[j].key / PROGRAM_KINDS == stream)
					append_rule(&program->keys[j].list, i);
		}
		list = array(reader, rule, "names", &n);
		program->card.rules[i].unfed &= n == 0;
		for (int k = 0; k < n; k++)
		{
			JsonbValue *value = getIthJsonbValueFromContainer(list, (uint32) k);
			char	   *name = palloc(Max(value->val.string.len, 1));

			append_rule(&find_name(program, name, kind_name(value->val.string.val,
															value->val.string.len, name))->list, i);
			pfree(name);
		}
		list = array(reader, rule, "keys", &n);
		program->card.rules[i].unfed &= n == 0;
		for (int k = 0; k < n; k++)
		{
			JsonbValue *value = getIthJsonbValueFromContainer(list, (uint32) k);

			append_rule(&find_key(program, numeric_int4_opt_error(value->val.numeric,
																  &(bool) {false}))->list, i);
		}
	}
}

Program *
program_read(Jsonb *document)
{
	Program    *program = palloc0(sizeof(Program));
	Card	   *card = &program->card;
	Reader		reader = {.program = program};
	JsonbContainer *root = &document->root;
	JsonbContainer *rules;
	JsonbContainer *streams;
	JsonbValue	value;
	int			n;

	if (!JsonContainerIsObject(root))
		unsound(&reader, "it is not the program of a scorecard");
	program->name = string(root, "card");
	card->min = number(&reader, root, "min", 0);
	card->max = number(&reader, root, "max", 100);
	if (!(card->min < card->max))
		unsound(&reader, "min_points must be below max_points");
	read_groups_and_bands(&reader, root);

	rules = array(&reader, root, "rules", &card->nrules);
	if (card->nrules > CARD_MAX_RULES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a scorecard has at most %d rules, not %d", CARD_MAX_RULES, card->nrules)));
	card->rules = palloc(Max(card->nrules, 1) * sizeof(CardRule));
	program->labels = palloc(Max(card->nrules, 1) * sizeof(Label));
	for (int i = 0; i < card->nrules; i++)
		read_rule(&reader, object_at(&reader, rules, i), &card->rules[i], &program->labels[i]);
	program->fits = palloc(Max(card->nfits, 1));
	collect_targets(&reader, rules);
	connect_rules(&reader, rules);

	program->all_streams = json_member(root, "streams", &value) == NULL;
	streams = array(&reader, root, "streams", &n);
	for (int i = 0; i < n; i++)
		program->reads_stream[stream_at(&reader, streams, i)] = true;
	return program;
}

const RuleList *
program_rules_of_name(const Program *program, const char *name, int len)
{
	const ProgramName *found = find_name(program, name, len);

	return found ? &found->list : &program->others;
}

const RuleList *
program_rules_of_key(const Program *program, int32 key)
{
	int			stream = key / PROGRAM_KINDS;
	const ProgramKey *found;

	if (!program->all_streams && !program->reads_stream[stream])
		return NULL;
	found = find_key(program, key);
	return found ? &found->list : &program->streams[stream];
}
