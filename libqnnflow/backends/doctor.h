/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what backends that reach a DSP check alike: lines of a diagnosis, where the DSP looks for modules, device nodes.
 */
#ifndef QF_BACKENDS_DOCTOR_H
#define QF_BACKENDS_DOCTOR_H

#include <glib.h>

/* "  STATE    TEXT". */
void qf_doctor_line(GString *text, const char *state, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Whether ADSP_LIBRARY_PATH is set, and how; @module: what the DSP loads from there. */
void qf_doctor_module_path(GString *text, const char *module);
/* Whether one of @nodes, NULL-terminated, can be opened; @none: what it means that none is there. */
void qf_doctor_nodes(GString *text, const char *const *nodes, const char *none);
/* The nodes of the DSP's driver. */
void qf_doctor_dsp_nodes(GString *text);

#endif
