/*
 * scorecard.c
 *		The SQL functions of scorecards: the score, the band and the points of
 *		a customer.
 *
 * Each comes twice: over histories with the names of their kinds and a card
 * by its name, and over what a model has of a customer and a program. Both end
 * in the same few lines.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "arguments.h"
#include "compat.h"
#include "history/stream_histories.h"
#include "memory.h"
#include "program.h"
#include "scorecard.h"

PG_FUNCTION_INFO_V1(scorecard_score);
PG_FUNCTION_INFO_V1(scorecard_band);
PG_FUNCTION_INFO_V1(scorecard_points);
PG_FUNCTION_INFO_V1(scorecard_next_band);
PG_FUNCTION_INFO_V1(card_score_of_program);
PG_FUNCTION_INFO_V1(card_band_of_program);
PG_FUNCTION_INFO_V1(card_points_of_program);
PG_FUNCTION_INFO_V1(card_next_band_of_program);

/* What a customer has done, as the rules of a program read it */
#define SHORT_ENTRIES 32

typedef struct Customer
{
	Program    *program;
	int64		as_of;
	CardEntry  *entries;
	int			nentries;
	int			room;
	CardCustomer open;
	CardEntry	short_entries[SHORT_ENTRIES];
} Customer;

static void
add_entry(Customer *customer, const RuleList *list, const StreamEntry *history)
{
	CardEntry  *entry;

	if (customer->nentries == customer->room)
	{
		CardEntry  *more = palloc_extended((Size) customer->room * 2 * sizeof(CardEntry),
										   MCXT_ALLOC_HUGE);

		memcpy(more, customer->entries, (Size) customer->room * sizeof(CardEntry));
		if (customer->entries != customer->short_entries)
			pfree(customer->entries);
		customer->entries = more;
		customer->room *= 2;
	}
	entry = &customer->entries[customer->nentries++];
	entry->history = *history;
	entry->rules = list->rules;
	entry->nrules = list->n;
}

static void
add_history(Customer *customer, const RuleList *list, const History *history)
{
	StreamEntry entry = {.bytes = HISTORY_BYTES(history),.len = HISTORY_LENGTH(history)};

	add_entry(customer, list, &entry);
}

static void
begin_customer(Customer *customer)
{
	customer->entries = customer->short_entries;
	customer->nentries = 0;
	customer->room = SHORT_ENTRIES;
}

static void
open_customer(Customer *customer)
{
	history_check(card_open(&customer->open, &server_host, &customer->program->card,
							customer->entries, customer->nentries, customer->program->fits,
							customer->as_of));
}

/* Conditions that hold, by the position of their rules; NULL: all unknown */
static void
read_fits(FunctionCallInfo fcinfo, int argument, Program *program)
{
	int			wanted = program->card.nfits;
	ArrayType  *array;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(argument))
	{
		memset(program->fits, CARD_FIT_UNKNOWN, wanted);
		return;
	}
	array = PG_GETARG_ARRAYTYPE_P(argument);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("fits must be a one-dimensional array")));
	deconstruct_array(array, BOOLOID, 1, true, TYPALIGN_CHAR, &values, &nulls, &n);
	if (n != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fits has %d elements, but the scorecard has %d rules of mode fit", n, wanted),
				 errhint("scorecard_fits gives their conditions, in this order.")));
	for (int i = 0; i < n; i++)
		program->fits[i] = nulls[i] ? CARD_FIT_UNKNOWN :
			DatumGetBool(values[i]) ? CARD_FIT_YES : CARD_FIT_NO;
}

static void *
load_program(text *card, Oid function)
{
	return program_read(program_of_card(card, function, NULL));
}

/* Histories and the names of their kinds, in any order */
static void
read_named_histories(FunctionCallInfo fcinfo, Customer *customer)
{
	ArrayType  *kinds,
			   *histories;
	Datum	   *kind_values,
			   *history_values;
	bool	   *kind_nulls,
			   *history_nulls;
	int			nkinds,
				nhistories;
	char		short_name[NAMEDATALEN * 2];

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return;
	kinds = PG_GETARG_ARRAYTYPE_P(1);
	histories = PG_GETARG_ARRAYTYPE_P(2);
	if (ARR_NDIM(kinds) > 1 || ARR_NDIM(histories) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("kinds and histories must be one-dimensional arrays")));
	deconstruct_array(kinds, TEXTOID, -1, false, TYPALIGN_INT, &kind_values, &kind_nulls, &nkinds);
	deconstruct_array(histories, ARR_ELEMTYPE(histories), -1, false, TYPALIGN_INT,
					  &history_values, &history_nulls, &nhistories);
	if (nkinds != nhistories)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kinds has %d elements, but histories has %d", nkinds, nhistories),
				 errhint("Collect both in one query: array_agg(kind), array_agg(history).")));
	for (int i = 0; i < nkinds; i++)
	{
		const char *kind = kind_nulls[i] ? "other" : VARDATA_ANY(DatumGetPointer(kind_values[i]));
		int			len = kind_nulls[i] ? 5 :
			(int) VARSIZE_ANY_EXHDR(DatumGetPointer(kind_values[i]));
		char	   *name = short_name;
		History    *history;

		if (history_nulls[i])
			continue;
		if (len > (int) sizeof(short_name))
			name = palloc(len);
		history = (History *) DatumGetPointer(history_values[i]);
		len = kind_name(kind, len, name);
		add_history(customer, program_rules_of_name(customer->program, name, len), history);
		if (name != short_name)
			pfree(name);
	}
}

/* The arguments (card, kinds, histories, as_of, fits, ...); false if card or as_of is NULL */
static bool
open_named(FunctionCallInfo fcinfo, Customer *customer)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		return false;
	customer->as_of = check_day("as_of", PG_GETARG_DATEADT(3));
	customer->program = cached_data(fcinfo, PG_GETARG_TEXT_PP(0), load_program);
	begin_customer(customer);
	read_named_histories(fcinfo, customer);
	read_fits(fcinfo, 4, customer->program);
	open_customer(customer);
	return true;
}

/* ---- what a model has ---- */

/* What a call site remembers of the program that it was given last */
typedef struct KnownProgram
{
	MemoryContext context;
	char	   *bytes;			/* of the argument, as it is stored */
	Size		length;
	Program    *program;
} KnownProgram;

/*
 * Compressed programs are compared as they are: to decompress one takes longer
 * than to score a customer.
 */
static Program *
given_program(FunctionCallInfo fcinfo)
{
	KnownProgram *known = fcinfo->flinfo->fn_extra;
	struct varlena *stored = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(0));
	MemoryContext context,
				old;
	Program    *program;
	Size		length;

	if (VARATT_IS_EXTERNAL(stored))
		stored = detoast_external_attr(stored);
	length = VARSIZE_ANY(stored);
	if (known && known->length == length && memcmp(known->bytes, stored, length) == 0)
		return known->program;

	/* all of it is read before anything is replaced: this may fail */
	context = AllocSetContextCreate(CurrentMemoryContext, "scorecard program",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	program = program_read(DatumGetJsonbPCopy(PointerGetDatum(stored)));
	if (known == NULL)
		known = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
																  sizeof(KnownProgram));
	if (known->context)
		MemoryContextDelete(known->context);
	known->length = 0;
	known->bytes = memcpy(palloc(length), stored, length);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	known->context = context;
	known->program = program;
	known->length = length;
	return program;
}

/* The arguments (program, orders, streams, fits, as_of, ...); false if program or as_of is NULL */
static bool
open_of_model(FunctionCallInfo fcinfo, Customer *customer)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(4))
		return false;
	customer->as_of = check_day("as_of", PG_GETARG_DATEADT(4));
	customer->program = given_program(fcinfo);
	begin_customer(customer);
	if (!PG_ARGISNULL(1))
	{
		const RuleList *list = program_rules_of_key(customer->program, 0);

		if (list)
			add_history(customer, list, PG_GETARG_HISTORY_PP(1));
	}
	if (!PG_ARGISNULL(2))
	{
		StreamReader reader;
		StreamEntry entry;

		stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(2));
		while (stream_histories_read(&reader, &entry))
		{
			const RuleList *list = program_rules_of_key(customer->program, (int32) entry.key);

			if (list)
				add_entry(customer, list, &entry);
		}
	}
	read_fits(fcinfo, 3, customer->program);
	open_customer(customer);
	return true;
}

static void
close_customer(Customer *customer)
{
	card_close(&customer->open);
	if (customer->entries != customer->short_entries)
		pfree(customer->entries);
}

/* ---- answers ---- */

static Datum
score_of(FunctionCallInfo fcinfo, Customer *customer)
{
	double		score;
	bool		known = card_score(&customer->open, customer->as_of, &score);

	close_customer(customer);
	if (!known)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(score);
}

static Datum
band_of(FunctionCallInfo fcinfo, Customer *customer)
{
	int			band = card_band(&customer->open, customer->as_of);

	close_customer(customer);
	if (band < 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(customer->program->bands[band]));
}

static const char *
label_of(const Program *program, int rule, bool french)
{
	const Label *label = &program->labels[rule];
	const char *first = french ? label->fr : label->en;
	const char *second = french ? label->en : label->fr;

	return first ? first : second ? second :
		psprintf("%s %d", card_mode_names[program->card.rules[rule].mode],
				 program->card.rules[rule].position);
}

/* fr for fr and fr-CA, as in explanations */
static bool
is_french(FunctionCallInfo fcinfo, int argument)
{
	text	   *language;

	if (PG_ARGISNULL(argument))
		return false;
	language = PG_GETARG_TEXT_PP(argument);
	return VARSIZE_ANY_EXHDR(language) >= 2 &&
		pg_strncasecmp(VARDATA_ANY(language), "fr", 2) == 0 &&
		(VARSIZE_ANY_EXHDR(language) == 2 ||
		 !isalpha((unsigned char) VARDATA_ANY(language)[2]));
}

static int64
events_of(const CardRuleState *state)
{
	return state->events > PG_INT64_MAX ? PG_INT64_MAX :
		state->events < PG_INT64_MIN ? PG_INT64_MIN : (int64) state->events;
}

/* A row for bounds that have changed a sum */
static void
put_cap(ReturnSetInfo *result, const char *group, double sum, double within)
{
	Datum		values[9] = {0};
	bool		nulls[9] = {true, true, true, true, true, true, true, false, false};

	if (sum == within)
		return;
	if (group)
	{
		nulls[1] = false;
		values[1] = CStringGetTextDatum(group);
	}
	values[7] = Float8GetDatum(within - sum);
	values[8] = BoolGetDatum(true);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * A row for each rule that gave points, or would have but for its bounds, and
 * one for each group, and for the card, whose bounds changed the sum: the
 * points of all rows are those of the card.
 */
static Datum
points_of(FunctionCallInfo fcinfo, Customer *customer, bool french)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CardCustomer *open = &customer->open;
	const Program *program = customer->program;
	const Card *card = &program->card;
	double		score;

	if (!card_score(open, customer->as_of, &score))
	{
		close_customer(customer);
		return (Datum) 0;
	}
	for (int i = 0; i < card->nrules; i++)
	{
		const CardRule *rule = &card->rules[i];
		const CardRuleState *state = &open->states[i];
		bool		reads = rule->mode != CARD_FIT;
		Datum		values[9];
		bool		nulls[9] = {0};

		if (state->raw == 0 && state->value == 0 && state->undecayed == 0)
			continue;
		values[0] = Int32GetDatum(rule->position);
		nulls[1] = rule->group < 0 || program->groups[rule->group] == NULL;
		values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(program->groups[rule->group]);
		values[2] = CStringGetTextDatum(label_of(program, i, french));
		values[3] = CStringGetTextDatum(card_mode_names[rule->mode]);
		nulls[4] = !reads;
		values[4] = Int64GetDatum(events_of(state));
		nulls[5] = !reads || state->active_days == 0;
		values[5] = DateADTGetDatum((DateADT) state->last_day);
		values[6] = Float8GetDatum(state->undecayed);
		values[7] = Float8GetDatum(state->value);
		values[8] = BoolGetDatum(state->value != state->raw);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	for (int g = 0; g < card->ngroups; g++)
	{
		double		sum = card_group_points(open, g);

		put_cap(result, program->groups[g] ? program->groups[g] : "", sum,
				Min(Max(sum, card->groups[g].min), card->groups[g].max));
	}
	put_cap(result, NULL, card_points(open),
			Min(Max(card_points(open), card->min), card->max));
	close_customer(customer);
	return (Datum) 0;
}

/*
 * What would reach the next band today: its score, how much is missing, and
 * how many events more of each rule alone are enough. Where none is, how many
 * of several rules together; one row without a rule where not even that is.
 */
static Datum
next_band_of(FunctionCallInfo fcinfo, Customer *customer, bool french)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CardCustomer *open = &customer->open;
	const Program *program = customer->program;
	const Card *card = &program->card;
	double		score;
	int			band;

	band = card_band(open, customer->as_of);
	if (band < 0)
		band = card->nbands;
	if (band > 0 && card_score(open, customer->as_of, &score))
	{
		double		enter = card->bands[band - 1].enter;
		int64	   *needed = palloc((Size) card->nrules * sizeof(int64));
		bool		any = false;
		bool		together = false;
		Datum		values[7];
		bool		nulls[7] = {0};

		for (int i = 0; i < card->nrules; i++)
		{
			needed[i] = card_events_needed(open, customer->as_of, i, enter);
			any |= needed[i] > 0;
		}
		if (!any)
			any = together = card_events_together(open, customer->as_of, enter, needed);
		values[0] = CStringGetTextDatum(program->bands[band - 1]);
		values[1] = Float8GetDatum(enter);
		values[2] = Float8GetDatum(Max(enter - score, 0));
		values[6] = BoolGetDatum(together);
		for (int i = 0; i < card->nrules && any; i++)
		{
			if (needed[i] == 0)
				continue;
			values[3] = Int32GetDatum(card->rules[i].position);
			values[4] = CStringGetTextDatum(label_of(program, i, french));
			values[5] = Int64GetDatum(needed[i]);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
		nulls[3] = nulls[4] = nulls[5] = true;
		if (!any)
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(needed);
	}
	close_customer(customer);
	return (Datum) 0;
}

/* ---- over histories with names ---- */

/* scorecard_score(card, kinds, histories, as_of, fits) -> float8; not strict */
Datum
scorecard_score(PG_FUNCTION_ARGS)
{
	Customer	customer;

	if (!open_named(fcinfo, &customer))
		PG_RETURN_NULL();
	return score_of(fcinfo, &customer);
}

/* scorecard_band(the same) -> text; not strict */
Datum
scorecard_band(PG_FUNCTION_ARGS)
{
	Customer	customer;

	if (!open_named(fcinfo, &customer))
		PG_RETURN_NULL();
	return band_of(fcinfo, &customer);
}

/* scorecard_points(the same, language text) -> rows; not strict */
Datum
scorecard_points(PG_FUNCTION_ARGS)
{
	Customer	customer;

	InitMaterializedSRF(fcinfo, 0);
	if (!open_named(fcinfo, &customer))
		return (Datum) 0;
	return points_of(fcinfo, &customer, is_french(fcinfo, 5));
}

/* scorecard_next_band(the same, language text) -> rows; not strict */
Datum
scorecard_next_band(PG_FUNCTION_ARGS)
{
	Customer	customer;

	InitMaterializedSRF(fcinfo, 0);
	if (!open_named(fcinfo, &customer))
		return (Datum) 0;
	return next_band_of(fcinfo, &customer, is_french(fcinfo, 5));
}

/* ---- over what a model has ---- */

/* _card_score(program jsonb, orders history, streams, fits bool[], as_of) -> float8; not strict */
Datum
card_score_of_program(PG_FUNCTION_ARGS)
{
	Customer	customer;

	if (!open_of_model(fcinfo, &customer))
		PG_RETURN_NULL();
	return score_of(fcinfo, &customer);
}

/* _card_band(the same) -> text; not strict */
Datum
card_band_of_program(PG_FUNCTION_ARGS)
{
	Customer	customer;

	if (!open_of_model(fcinfo, &customer))
		PG_RETURN_NULL();
	return band_of(fcinfo, &customer);
}

/* _card_points(the same, language text) -> rows; not strict */
Datum
card_points_of_program(PG_FUNCTION_ARGS)
{
	Customer	customer;

	InitMaterializedSRF(fcinfo, 0);
	if (!open_of_model(fcinfo, &customer))
		return (Datum) 0;
	return points_of(fcinfo, &customer, is_french(fcinfo, 5));
}

/* _card_next_band(the same, language text) -> rows; not strict */
Datum
card_next_band_of_program(PG_FUNCTION_ARGS)
{
	Customer	customer;

	InitMaterializedSRF(fcinfo, 0);
	if (!open_of_model(fcinfo, &customer))
		return (Datum) 0;
	return next_band_of(fcinfo, &customer, is_french(fcinfo, 5));
}
