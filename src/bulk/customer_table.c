/*
 * customer_table.c
 *		A hash table of customers that grows past memory into files.
 *
 * A million customers don't fit a processor's cache, so each row costs a few
 * waits for memory. Rows therefore come in batches: all the memory that a
 * batch will touch is asked for before the first row of it is handled.
 *
 * When the limit is reached, customers who have an entry go on in memory, and
 * rows of others go to one of 32 files by the hash of the customer. Once the
 * rows in memory are done with, each file is read like a source of its own,
 * with the next bits of the hash if need be. Where entries go on growing past
 * the limit, they are put aside too: what they have goes to the files as rows,
 * and all rows that follow.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "customer_table.h"
#include "large_memory.h"
#include "memory.h"

#define BLOCK_BITS		10		/* entries of a block */
#define BLOCK_ENTRIES	(1 << BLOCK_BITS)
#define CACHE_LINE		64		/* where a block begins, so that an entry of 32 bytes is in one */
#define EMIT_AHEAD		8		/* entries */
#define KEY_BYTES		16384	/* how much memory for keys is asked for at a time */
#define KEYS_OF_BATCH	65536	/* keys in memory that end a batch of rows from a file */
#define FIRST_SLOTS		1024
#define MAX_ARENA		(8 * 1024 * 1024)	/* bytes of blocks that are asked for at a time */

#define PART_BITS		5
#define PARTS			(1 << PART_BITS)
#define MAX_LEVEL		(32 / PART_BITS)	/* the slots use the other bits */

/* The decimals of a stored row that is a part; its own are "value", its size "events". */
#define STORED_PART		PG_UINT8_MAX

/* A row in a file; the key follows, and the part if it is one. */
typedef struct StoredRow
{
	uint64		hash;
	int64		value;
	int64		events;
	int32		day;
	uint8		decimals;
} StoredRow;

typedef struct Part
{
	BufFile    *file;
	int			level;
} Part;

/* ---- the table ---- */

/* Without customers: all have been handed over, or there were none yet. */
void
customers_reset(CustomerTable *table)
{
	MemoryContextReset(table->context);
	table->slots = MemoryContextAllocZero(table->context, FIRST_SLOTS * sizeof(uint64));
	table->mask = FIRST_SLOTS - 1;
	table->blocks = NULL;
	table->nblocks = table->max_blocks = 0;
	table->arena_blocks = 0;
	table->entries = 0;
	table->key_bytes_left = 0;
	table->full = false;
	table->files = NULL;
}

/* In the current memory context. */
CustomerTable *
customers_create(const CustomerOps *ops, Size limit)
{
	CustomerTable *table = palloc0(sizeof(CustomerTable));

	/* small limits want small steps */
	table->context = AllocSetContextCreate(CurrentMemoryContext, "customers", 0, 1024,
										   Min(Max(limit / 16, 8192),
											   ALLOCSET_DEFAULT_MAXSIZE) & ~(Size) 1023);
	table->limit = limit;
	table->ops = ops;
	customers_reset(table);
	return table;
}

void
customers_set_key(CustomerTable *table, const SourceKey *key)
{
	table->key = *key;
	fmgr_info_copy(&table->key.equal, unconstify(FmgrInfo *, &key->equal),
				   GetMemoryChunkContext(table));
	fmgr_info_copy(&table->key.hash, unconstify(FmgrInfo *, &key->hash),
				   GetMemoryChunkContext(table));
}

void
customers_free(CustomerTable *table)
{
	MemoryContextDelete(table->context);
	pfree(table);
}

void *
customers_entry(const CustomerTable *table, int64 i)
{
	return table->blocks[i >> BLOCK_BITS] + (Size) (i & (BLOCK_ENTRIES - 1)) *
		table->ops->entry_size;
}

static inline bool
same_key(CustomerTable *table, Datum a, Datum b)
{
	if (table->key.by_value)
	{
		if (table->key.integer)
			return a == b;
	}
	else
	{
		/* the same bytes are equal whatever the type, and most rows are of a known customer */
		Size		size = source_key_size(&table->key, a);

		if (size == source_key_size(&table->key, b) &&
			memcmp(DatumGetPointer(a), DatumGetPointer(b), size) == 0)
			return true;
	}
	return DatumGetBool(FunctionCall2Coll(&table->key.equal, table->key.collation, a, b));
}

static void
grow_slots(CustomerTable *table)
{
	uint64		old_mask = table->mask;
	uint64	   *old = table->slots;
	uint64		mask = old_mask * 2 + 1;
	uint64	   *slots = large_memory_alloc(table->context, (mask + 1) * sizeof(uint64));

	memset(slots, 0, (mask + 1) * sizeof(uint64));
	for (uint64 i = 0; i <= old_mask; i++)
	{
		uint64		at;

		if (old[i] == 0)
			continue;
		at = (old[i] >> 32) & mask;
		while (slots[at] != 0)
			at = (at + 1) & mask;
		slots[at] = old[i];
	}
	table->slots = slots;
	table->mask = mask;
	pfree(old);
}

static Size
block_size(const CustomerTable *table)
{
	return BLOCK_ENTRIES * table->ops->entry_size;
}

/* How many blocks are asked for when there is none left: as many as there are, within bounds */
static int
next_arena(const CustomerTable *table)
{
	Size		most = Min(table->limit / 16, MAX_ARENA) / block_size(table);

	return Max((int) Min((Size) table->nblocks, most), 1);
}

static Size
arena_size(const CustomerTable *table)
{
	return (Size) next_arena(table) * block_size(table) + CACHE_LINE;
}

/* Is there memory for one more customer, and for twice the slots if need be? */
static bool
has_room(CustomerTable *table)
{
	Size		needed = 0;

	if (table->hands_over)
		return true;			/* or it would have been full after the last batch */
	if (table->full)
		return false;
	if ((uint64) table->entries * 4 >= table->mask * 3)
		needed = (table->mask + 1) * 2 * sizeof(uint64);
	if ((table->entries & (BLOCK_ENTRIES - 1)) == 0 && table->arena_blocks == 0)
		needed += arena_size(table);
	if (MemoryContextMemAllocated(table->context, false) + needed > table->limit &&
		table->entries > 0 && table->level < MAX_LEVEL)
		table->full = true;
	/* entries are numbered in 32 bits */
	if (table->entries >= PG_UINT32_MAX - 1)
		table->full = true;
	return !table->full;
}

/* The same for a whole batch, where the rest of it has nowhere else to go */
static bool
has_room_for_batch(const CustomerTable *table)
{
	Size		needed = 0;

	if ((uint64) (table->entries + SOURCE_BATCH) * 4 >= table->mask * 3)
		needed = (table->mask + 1) * 2 * sizeof(uint64);
	if ((table->entries & (BLOCK_ENTRIES - 1)) + SOURCE_BATCH > BLOCK_ENTRIES &&
		table->arena_blocks == 0)
		needed += arena_size(table);
	return MemoryContextMemAllocated(table->context, false) + needed <= table->limit &&
		table->entries < (int64) PG_UINT32_MAX - 2 * SOURCE_BATCH;
}

static Datum
copy_key(CustomerTable *table, Datum datum)
{
	Size		size = source_key_size(&table->key, datum);
	char	   *copy;

	if (MAXALIGN(size) > table->key_bytes_left)
	{
		Size		more = Max(MAXALIGN(size), KEY_BYTES);

		table->key_bytes = MemoryContextAllocHuge(table->context, more);
		table->key_bytes_left = more;
	}
	copy = table->key_bytes;
	memcpy(copy, DatumGetPointer(datum), size);
	table->key_bytes += MAXALIGN(size);
	table->key_bytes_left -= MAXALIGN(size);
	return PointerGetDatum(copy);
}

static void *
insert(CustomerTable *table, const SourceRow *row)
{
	uint64		at;
	char	   *entry;

	if ((uint64) table->entries * 4 >= table->mask * 3)
		grow_slots(table);
	if ((table->entries & (BLOCK_ENTRIES - 1)) == 0)
	{
		MemoryContext old_context = MemoryContextSwitchTo(table->context);

		ARRAY_ROOM(table->blocks, table->nblocks, table->max_blocks, 64);
		MemoryContextSwitchTo(old_context);
		if (table->arena_blocks == 0)
		{
			int			n = next_arena(table);

			table->arena = (char *)
				TYPEALIGN(CACHE_LINE, large_memory_alloc(table->context, arena_size(table)));
			table->arena_blocks = n;
		}
		table->blocks[table->nblocks++] = table->arena;
		table->arena += block_size(table);
		table->arena_blocks--;
	}
	entry = customers_entry(table, table->entries++);
	*(Datum *) entry = table->key.by_value ? row->key : copy_key(table, row->key);
	at = row->hash & table->mask;
	while (table->slots[at] != 0)
		at = (at + 1) & table->mask;
	table->slots[at] = (row->hash & 0xffffffff) << 32 | (uint64) table->entries;
	table->ops->create(table, entry);
	return entry;
}

/* The first entry that may be the row's customer, without a look at the key */
static inline void *
candidate(CustomerTable *table, const SourceRow *row)
{
	uint64		at = row->hash & table->mask;

	for (; table->slots[at] != 0; at = (at + 1) & table->mask)
	{
		if (table->slots[at] >> 32 == (row->hash & 0xffffffff))
			return customers_entry(table, (int64) (table->slots[at] & 0xffffffff) - 1);
	}
	return NULL;
}

static void *
find(CustomerTable *table, const SourceRow *row)
{
	uint64		at = row->hash & table->mask;

	for (; table->slots[at] != 0; at = (at + 1) & table->mask)
	{
		if (table->slots[at] >> 32 == (row->hash & 0xffffffff))
		{
			void	   *entry = customers_entry(table, (int64) (table->slots[at] & 0xffffffff) - 1);

			if (same_key(table, *(Datum *) entry, row->key))
				return entry;
		}
	}
	return NULL;
}

/* ---- files ---- */

static void
too_short(void)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not read from a temporary file: it is too short")));
}

void
customers_rewind(BufFile *file)
{
	if (BufFileSeek(file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file")));
}

/* False at the end of the file */
bool
customers_read(BufFile *file, void *data, Size size)
{
	size_t		got = BufFileRead(file, data, size);

	if (got != size && got != 0)
		too_short();
	return got != 0;
}

void
customers_write_key(BufFile *file, const SourceKey *key, Datum datum)
{
	Size		size;

	if (key->by_value)
	{
		BufFileWrite(file, &datum, sizeof(datum));
		return;
	}
	size = source_key_size(key, datum);
	BufFileWrite(file, &size, sizeof(size));
	BufFileWrite(file, DatumGetPointer(datum), size);
}

/* In the current memory context. */
Datum
customers_read_key(BufFile *file, const SourceKey *key)
{
	Datum		datum;
	Size		size;
	void	   *bytes;

	if (key->by_value)
	{
		if (!customers_read(file, &datum, sizeof(datum)))
			too_short();
		return datum;
	}
	if (!customers_read(file, &size, sizeof(size)))
		too_short();
	bytes = palloc_extended(size, MCXT_ALLOC_HUGE);
	if (!customers_read(file, bytes, size))
		too_short();
	return PointerGetDatum(bytes);
}

/* Put a row aside, by bits of the hash that no level above has used. */
static void
spill(CustomerTable *table, const SourceRow *row)
{
	int			part = (int) (row->hash >> (64 - PART_BITS * (table->level + 1))) & (PARTS - 1);
	StoredRow	stored = {0};

	if (table->files == NULL)
		table->files = MemoryContextAllocZero(GetMemoryChunkContext(table),
											  PARTS * sizeof(BufFile *));
	if (table->files[part] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(table));

		table->files[part] = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	stored.hash = row->hash;
	stored.value = row->value;
	stored.day = row->day;
	stored.decimals = row->decimals;
	stored.events = row->events;
	if (row->part != NULL)
	{
		stored.value = row->decimals;
		stored.events = row->part_size;
		stored.decimals = STORED_PART;
	}
	BufFileWrite(table->files[part], &stored, sizeof(stored));
	customers_write_key(table->files[part], &table->key, row->key);
	if (row->part != NULL && row->part_size > 0)
		BufFileWrite(table->files[part], unconstify(void *, row->part), row->part_size);
}

/* The next row of a file, with key and part in the current memory context */
static bool
read_stored(CustomerTable *table, BufFile *file, SourceRow *row)
{
	StoredRow	stored;

	if (!customers_read(file, &stored, sizeof(stored)))
		return false;
	row->hash = stored.hash;
	row->value = stored.value;
	row->day = stored.day;
	row->decimals = stored.decimals;
	row->events = stored.events;
	row->part = NULL;
	row->part_size = 0;
	row->key = customers_read_key(file, &table->key);
	if (stored.decimals == STORED_PART)
	{
		void	   *part;

		row->decimals = (uint8) stored.value;
		row->part_size = (uint16) stored.events;
		part = palloc(Max(row->part_size, 1));
		if (row->part_size > 0 && !customers_read(file, part, row->part_size))
			too_short();
		row->part = part;
	}
	return true;
}

/*
 * What a customer has so far, as rows for the files. Without any day, they are a
 * customer all the same.
 */
void
customers_put_aside(CustomerTable *table, Datum key, const HistoryDay *days, size_t n, int decimals)
{
	SourceRow	row = {0};
	size_t		i = 0;

	row.key = key;
	row.hash = source_key_hash(&table->key, key);
	row.decimals = (uint8) decimals;
	do
	{
		if (i < n)
		{
			row.day = days[i].day;
			row.value = days[i].total;
			row.events = days[i].events;
		}
		spill(table, &row);
	} while (++i < n);
}

/* Entries have grown past the limit: none of them stays in memory. */
static void
put_all_aside(CustomerTable *table)
{
	BufFile   **files;

	for (int64 i = 0; i < table->entries; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		table->ops->put_aside(table, customers_entry(table, i));
	}
	files = table->files;
	customers_reset(table);
	table->files = files;
	table->full = true;
}

/* ---- rows in, customers out ---- */

static inline void
prefetch_next(const CustomerOps *ops, const void *entry)
{
	const char *next = ops->next_memory(entry);

	__builtin_prefetch(next, 1);
	__builtin_prefetch(next + CACHE_LINE, 1);
}

void
customers_add(CustomerTable *table, SourceRow *rows, int n)
{
	const CustomerOps *ops = table->ops;
	void	   *entries[SOURCE_BATCH];
	int			kept = 0;

	Assert(n <= SOURCE_BATCH);
	for (int i = 0; i < n; i++)
		__builtin_prefetch(&table->slots[rows[i].hash & table->mask]);
	for (int i = 0; i < n; i++)
	{
		entries[i] = candidate(table, &rows[i]);
		if (entries[i] != NULL)
			__builtin_prefetch(entries[i], 1);
	}
	for (int i = 0; i < n; i++)
	{
		void	   *entry = entries[i];

		/* entries stay where they are, so a candidate is still one */
		if (entry == NULL || !same_key(table, *(Datum *) entry, rows[i].key))
			entry = find(table, &rows[i]);
		if (entry == NULL)
		{
			if (!has_room(table))
			{
				spill(table, &rows[i]);
				continue;
			}
			entry = insert(table, &rows[i]);
		}
		if (kept < i)
			rows[kept] = rows[i];
		entries[kept++] = entry;
	}
	if (ops->next_memory != NULL)
	{
		for (int i = 0; i < kept; i++)
			prefetch_next(ops, entries[i]);
	}
	ops->add(table, entries, rows, kept);

	if (table->hands_over)
		table->full = table->entries > 0 && !has_room_for_batch(table);
	/* a single one must fit, and so must those that no hash tells apart */
	else if (ops->put_aside != NULL && table->entries > 1 && table->level < MAX_LEVEL &&
		MemoryContextMemAllocated(table->context, false) > table->limit)
		put_all_aside(table);
}

/* Hand over the customers in memory, and note the files that wait. */
static void
emit_memory(CustomerTable *table)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(table));

	for (int64 i = 0; i < table->entries; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (table->ops->next_memory != NULL && i + EMIT_AHEAD < table->entries)
			prefetch_next(table->ops, customers_entry(table, i + EMIT_AHEAD));
		table->ops->emit(table, customers_entry(table, i));
	}
	for (int i = 0; i < PARTS && table->files != NULL; i++)
	{
		Part	   *part;

		if (table->files[i] == NULL)
			continue;
		part = palloc(sizeof(Part));
		part->file = table->files[i];
		part->level = table->level + 1;
		table->pending = lcons(part, table->pending);
	}
	if (table->files != NULL)
		pfree(table->files);
	MemoryContextSwitchTo(old);
	customers_reset(table);
}

/* Read a part as customers_add takes a source. */
static void
read_part(CustomerTable *table, BufFile *file)
{
	SourceRow	rows[SOURCE_BATCH];
	int			n = 0;
	MemoryContext keys = AllocSetContextCreate(CurrentMemoryContext, "keys of a part",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(keys);

	customers_rewind(file);
	for (;;)
	{
		bool		more = read_stored(table, file, &rows[n]);

		if (more)
			n++;
		if (n == SOURCE_BATCH || !more || MemoryContextMemAllocated(keys, false) > KEYS_OF_BATCH)
		{
			CHECK_FOR_INTERRUPTS();
			customers_add(table, rows, n);
			MemoryContextReset(keys);
			n = 0;
		}
		if (!more)
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(keys);
}

/* Have rows gone to files? */
bool
customers_spilled(const CustomerTable *table)
{
	return table->files != NULL;
}

/* There are no more rows: complete all customers. */
void
customers_emit(CustomerTable *table)
{
	emit_memory(table);
	while (table->pending != NIL)
	{
		Part	   *part = linitial(table->pending);

		table->pending = list_delete_first(table->pending);
		table->level = part->level;
		read_part(table, part->file);
		BufFileClose(part->file);
		pfree(part);
		emit_memory(table);
	}
}
