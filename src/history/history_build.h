/*
 * history_build.h
 *		A history in the making: a log of days and the memory it lives in.
 *		Whatever may enlarge a log says where it is now. What has "try" in its
 *		name returns HISTORY_OVERFLOW, or NULL, where the others raise an error.
 */
#ifndef CUSTOMER_SCORING_HISTORY_BUILD_H
#define CUSTOMER_SCORING_HISTORY_BUILD_H

#include "history.h"
#include "history_log.h"

extern HistoryLog *history_log_create(MemoryContext context);
extern HistoryLog *history_log_of(const OpenHistory *open);
extern HistoryError history_log_try_append(HistoryLog **log, HistoryDay *day, int decimals);
extern HistoryLog *history_log_append(HistoryLog *log, HistoryDay *day, int decimals);
extern HistoryLog *history_log_merge(HistoryLog *log, const HistoryLog *other);
extern HistoryError history_log_try_open(OpenHistory *open, const HistoryLog *log);
extern void history_log_open(OpenHistory *open, const HistoryLog *log);
extern History *history_log_try_pack(HistoryLog *log);
extern History *history_log_pack(HistoryLog *log);

#endif							/* CUSTOMER_SCORING_HISTORY_BUILD_H */
