/* SPDX-License-Identifier: MIT */
/*
 * events.h - the library's own measurements of a graph's runs, as times of our nodes.
 *
 * Only with setting profiling_level. Level basic gives the time on the unit, detailed that of each node.
 */
#ifndef QF_BACKENDS_QNN_EVENTS_H
#define QF_BACKENDS_QNN_EVENTS_H

#include "net.h"
#include "unit.h"

typedef struct QfQnnEvents QfQnnEvents;

/* NULL when the settings or the library have none. @net tells whose an operator is. */
QfQnnEvents *qf_qnn_events_new(const QfQnnUnit *unit, const QfQnnNet *net);
void qf_qnn_events_free(QfQnnEvents *events);

/* To be given to a call of the library; NULL without events. */
QfQnnHandle qf_qnn_events_handle(const QfQnnEvents *events);
/* Adds what the last run, or writes what another call, left in the handle. */
void qf_qnn_events_add_run(QfQnnEvents *events);
void qf_qnn_events_log(const QfQnnEvents *events, const char *what);
/* Appends QfMeasured. */
void qf_qnn_events_rows(const QfQnnEvents *events, GArray *rows);

#endif
