/*
 * program.h
 *		A scorecard as a jsonb document, its program, and what it is read into.
 *
 * A program says which histories a rule reads: those with one of its names
 * (kinds, where histories come with names), or with one of its keys (stream and
 * kind of a model, stream * 1024 + kind; 0 is the orders), or of its streams, or
 * all.
 */
#ifndef SCORECARD_PROGRAM_H
#define SCORECARD_PROGRAM_H

#include "fmgr.h"
#include "utils/jsonb.h"

#include "card.h"

#define PROGRAM_STREAMS		256
#define PROGRAM_KINDS		1024

/* The rules that read a history, ascending */
typedef struct RuleList
{
	uint16	   *rules;
	int			n;
	int			room;
} RuleList;

typedef struct ProgramName
{
	char	   *name;			/* as kind_name() has it */
	int			len;
	RuleList	list;
} ProgramName;

typedef struct ProgramKey
{
	int32		key;
	RuleList	list;
} ProgramKey;

typedef struct Label
{
	char	   *en;				/* or NULL */
	char	   *fr;
} Label;

typedef struct Program
{
	Card		card;
	char	   *name;
	Label	   *labels;			/* of the rules */
	char	  **groups;
	char	  **bands;
	int			nnames;
	ProgramName *names;			/* sorted */
	int			nkeys;
	ProgramKey *keys;			/* sorted */
	RuleList	streams[PROGRAM_STREAMS];	/* for kinds without a key of their own */
	RuleList	others;			/* for everything else */
	bool		all_streams;	/* the card reads all streams ... */
	bool		reads_stream[PROGRAM_STREAMS];	/* ... or these */
	uint8	   *fits;			/* room for the conditions of a customer */
} Program;

/* In the current memory context; an error if it is not the program of a sound card */
extern Program *program_read(Jsonb *document);

/* The rules that read a history with that name, or that key; NULL: the card doesn't look at it */
extern const RuleList *program_rules_of_name(const Program *program, const char *name, int len);
extern const RuleList *program_rules_of_key(const Program *program, int32 key);

/* The program of a card by its name; keys as in _scorecard_program, or NULL */
extern Jsonb *program_of_card(text *card, Oid function, Jsonb *keys);

/* A kind as it is compared: returns the length, at most that of the kind */
extern int	kind_name(const char *kind, int len, char *name);

extern const char *const card_mode_names[];

#endif							/* SCORECARD_PROGRAM_H */
