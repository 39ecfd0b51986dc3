/*
 * disclosure.h
 *		Which sums over classes of people can be told without telling one of
 *		too few of them.
 */
#ifndef DISCLOSURE_H
#define DISCLOSURE_H

typedef struct Disclosure Disclosure;

/*
 * Classes are numbered from 0 on; people[c] are the people in class c. A set of
 * people is small if it has at least one person and fewer than minimum.
 */
extern Disclosure *disclosure_start(int classes, const int64 *people, int64 minimum);

/* The sum over some classes is known, whatever follows from it. */
extern void disclosure_know(Disclosure *d, const int *classes, int n);

/* The sum over some classes, a small set, must not follow from what is told. */
extern void disclosure_protect(Disclosure *d, const int *classes, int n);

/*
 * Tell the sum over some classes, unless the sum of a small set would follow
 * from it and from all that is known. Has it been told?
 */
extern bool disclosure_tell(Disclosure *d, const int *classes, int n);

extern void disclosure_end(Disclosure *d);

#endif							/* DISCLOSURE_H */
