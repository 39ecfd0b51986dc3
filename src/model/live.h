/*
 * live.h
 *		What the triggers of live models ask the catalogs.
 */
#ifndef CUSTOMER_SCORING_LIVE_H
#define CUSTOMER_SCORING_LIVE_H

extern bool live_is_own_relation(Oid relid);
extern bool live_is_own_enum(const char *schema_name, const char *name);
extern Oid	live_source_root(Oid relation, const char *trigger);
extern Oid	live_key_type(Oid type);
extern bool live_parts_have_trigger(Oid relation, const char *trigger);
extern bool live_has_children(Oid relation);

#endif							/* CUSTOMER_SCORING_LIVE_H */
