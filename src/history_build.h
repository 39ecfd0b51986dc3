/*
 * history_build.h
 *		A history in the making: a log of days and the memory it lives in.
 *		Whatever may enlarge a log returns where it is now.
 */
#ifndef CUSTOMER_SCORING_HISTORY_BUILD_H
#define CUSTOMER_SCORING_HISTORY_BUILD_H

#include "history.h"
#include "history_log.h"

extern HistoryLog *history_log_create(MemoryContext context);
extern HistoryLog *history_log_of(const OpenHistory *open);
extern HistoryLog *history_log_append(HistoryLog *log, HistoryDay *day, int decimals);
extern HistoryLog *history_log_merge(HistoryLog *log, const HistoryLog *other);
extern void history_log_open(OpenHistory *open, const HistoryLog *log);
extern History *history_log_pack(HistoryLog *log);

#endif							/* CUSTOMER_SCORING_HISTORY_BUILD_H */
