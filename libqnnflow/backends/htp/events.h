/* SPDX-License-Identifier: MIT */
/*
 * events.h - what the DSP measured of a graph's runs, as times of our nodes.
 *
 * Only with setting profiling_level. Level basic gives the time on the DSP, detailed that of each node with the packets of instructions
 * that it took and how it lies in memory. Any thread.
 */
#ifndef QF_BACKENDS_HTP_EVENTS_H
#define QF_BACKENDS_HTP_EVENTS_H

#include "build.h"
#include "device.h"

typedef enum { QF_HTP_EVENTS_OFF = 0, QF_HTP_EVENTS_BASIC, QF_HTP_EVENTS_DETAILED } QfHtpEventsLevel;

typedef struct QfHtpEvents QfHtpEvents;

/* Of the graph that @build makes. NULL when @level is off. */
QfHtpEvents *qf_htp_events_new(QfHtpEventsLevel level, const QfHtpBuild *build);
void qf_htp_events_free(QfHtpEvents *events);

/* A report for one run to fill, with room for the steps. Free its events with g_free(). */
QfHtpReport qf_htp_events_report(const QfHtpEvents *events);
/* Adds a run. */
void qf_htp_events_add(QfHtpEvents *events, const QfHtpReport *report);
/* Appends QfMeasured. */
void qf_htp_events_rows(QfHtpEvents *events, GArray *rows);

#endif
