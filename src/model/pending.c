/*
 * pending.c
 *		Append rows to the table pending of a model, to pending_events, or to touched.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "live.h"
#include "pending.h"

/*
 * The table, if the current user is its owner: where the schema has been
 * renamed, a stranger's may have its name. By the catalogs as they are now,
 * without a lock.
 */
static Oid
find_own(const char *model, const char *table)
{
	Oid			schema = get_namespace_oid(model, true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;

	return live_is_own_relation(relation) ? relation : InvalidOid;
}

Oid
pending_find(const char *model, int stream_no)
{
	return find_own(model, PENDING_TABLE(stream_no));
}

/* The table of the events that a ledger has to look at again */
Oid
touched_find(const char *model)
{
	return find_own(model, "touched");
}

/* False if it is not what the extension makes */
static bool
find_columns(Pending *pending, Relation relation, bool tenanted, Oid history_type)
{
	TupleDesc	desc = RelationGetDescr(relation);

	pending->key = row_column(desc, "customer_key", TEXTOID);
	pending->tenant = row_column(desc, "tenant", TEXTOID);
	pending->customer = tenanted ? row_column(desc, "customer_id", TEXTOID) : -1;
	pending->difference = row_column(desc, "difference", history_type);
	if (pending->stream_no > 0)
	{
		pending->stream = row_column(desc, "stream_no", INT4OID);
		pending->kind = row_column(desc, "kind", TEXTOID);
		if (pending->stream < 0 || pending->kind < 0)
			return false;
	}
	return relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_rel->relowner == GetUserId() &&
		pending->key >= 0 && pending->tenant >= 0 && pending->difference >= 0 &&
		(!tenanted || pending->customer >= 0);
}

static pg_noreturn void
table_error(const char *model, const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s of model \"%s\" is missing, or not what the extension has made",
					table, model)));
}

void
pending_open(Pending *pending, const char *model, int stream_no, bool tenanted, Oid history_type)
{
	Oid			relid = pending_find(model, stream_no);
	Relation	relation = OidIsValid(relid) ? try_relation_open(relid, RowExclusiveLock) : NULL;

	pending->stream_no = stream_no;
	if (relation == NULL || !find_columns(pending, relation, tenanted, history_type))
		table_error(model, PENDING_TABLE(stream_no));
	row_writer_open(&pending->writer, relation, true);
}

void
touched_open(Pending *touched, const char *model)
{
	Oid			relid = touched_find(model);
	Relation	relation = OidIsValid(relid) ? try_relation_open(relid, RowExclusiveLock) : NULL;

	if (relation != NULL)
		touched->key = row_column(RelationGetDescr(relation), "event", TEXTOID);
	if (relation == NULL || touched->key < 0 ||
		relation->rd_rel->relkind != RELKIND_RELATION ||
		relation->rd_rel->relowner != GetUserId())
		table_error(model, "touched");
	row_writer_open(&touched->writer, relation, true);
}

/* What a colon of the key divides: \ and : of the tenant have a \ before them. */
static void
divide_key(const text *key, Datum *tenant, Datum *customer)
{
	const char *p = VARDATA_ANY(key);
	const char *end = p + VARSIZE_ANY_EXHDR(key);
	char	   *plain = palloc(end - p + 1);
	int			length = 0;

	while (p < end && *p != ':')
	{
		if (*p == '\\' && p + 1 < end)
			p++;
		plain[length++] = *p++;
	}
	if (p < end)
		p++;
	*tenant = PointerGetDatum(cstring_to_text_with_len(plain, length));
	*customer = PointerGetDatum(cstring_to_text_with_len(p, end - p));
}

/*
 * Of a stream the key that its query gives has the kind before the customer's:
 * its length in bytes, a colon, the kind.
 */
static text *
divide_kind(const text *key, Datum *kind)
{
	const char *p = VARDATA_ANY(key);
	const char *end = p + VARSIZE_ANY_EXHDR(key);
	int64		length = 0;

	while (p < end && *p >= '0' && *p <= '9' && length <= end - p)
		length = length * 10 + *p++ - '0';
	if (p == end || *p != ':' || length > end - p - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("the query of the trigger function gives a key without a kind")));
	p++;
	*kind = PointerGetDatum(cstring_to_text_with_len(p, (int) length));
	p += length;
	return cstring_to_text_with_len(p, (int) (end - p));
}

void
pending_append(Pending *pending, const text *key, const History *difference)
{
	RowWriter  *writer = &pending->writer;
	TupleTableSlot *slot = row_writer_new(writer);
	MemoryContext old = MemoryContextSwitchTo(row_writer_context(writer));
	Datum		tenant = PointerGetDatum(cstring_to_text_with_len("", 0));
	Datum		customer;
	Datum		kind;

	if (pending->stream_no > 0)
	{
		key = divide_kind(key, &kind);
		row_put(slot, pending->key, PointerGetDatum(key));
		row_put(slot, pending->stream, Int32GetDatum(pending->stream_no));
		row_put(slot, pending->kind, kind);
	}
	else
		row_put(slot, pending->key,
				row_writer_copy(writer, PointerGetDatum(key), false, -1));
	if (pending->customer >= 0)
	{
		divide_key(key, &tenant, &customer);
		row_put(slot, pending->customer, customer);
	}
	row_put(slot, pending->tenant, tenant);
	row_put(slot, pending->difference,
			row_writer_copy(writer, PointerGetDatum(difference), false, -1));
	MemoryContextSwitchTo(old);
	row_writer_add(writer, slot);
}

/* event NULL: any event */
void
touched_append(Pending *touched, const text *event)
{
	TupleTableSlot *slot = row_writer_new(&touched->writer);

	if (event != NULL)
		row_put(slot, touched->key,
				row_writer_copy(&touched->writer, PointerGetDatum(event), false, -1));
	row_writer_add(&touched->writer, slot);
}

void
pending_close(Pending *pending)
{
	row_writer_close(&pending->writer);
	table_close(pending->writer.relation, NoLock);
}
