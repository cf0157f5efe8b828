/* SPDX-License-Identifier: MIT */
/*
 * library.h - a vendor library that is open: found, loaded, its table of functions checked.
 *
 * One for each path in the process, counted, never unloaded: these libraries keep threads. Thread-safe.
 */
#ifndef QF_BACKENDS_QNN_LIBRARY_H
#define QF_BACKENDS_QNN_LIBRARY_H

#include "abi.h"
#include <qnnflow/error.h>

typedef struct {
  char *path;
  const QfQnnInterface *interface;
  char *build; /* the library's own word for its build, never NULL */
} QfQnnLibrary;

/* @path NULL: the places of qf_qnn_library_find(). NULL with QF_ERROR_DEVICE. */
const QfQnnLibrary *qf_qnn_library_open(const char *path, GError **error);
/* Where libQnnHtp.so is: under QNN_SDK_ROOT, or by the dynamic linker, or in the usual places of devices. NULL: nowhere, and @looked (may be
 * NULL) gets where it was looked for. Free with g_free(). */
char *qf_qnn_library_find(GString *looked);

/* Whether the table has the function. */
gboolean qf_qnn_library_has(const QfQnnLibrary *library, uint32_t slot);
/* Sets "LIBRARY: WHAT: MESSAGE (error CODE)" and returns FALSE. */
gboolean qf_qnn_library_fail(const QfQnnLibrary *library, GError **error, QfQnnError code, const char *what);
/* Keeps a message of the library's log at level error, for qf_qnn_library_fail(); NULL forgets those that are kept. */
void qf_qnn_library_note(const char *text);
/* The library's words for an error, never NULL. */
const char *qf_qnn_library_message(const QfQnnLibrary *library, QfQnnError code);

/* QF_QNN(library, graphExecute, types...)(arguments): the function of a slot. */
#define QF_QNN(library, function, ...)                                                                       \
  ((QfQnnError(*)(__VA_ARGS__))(library)->interface->slots[QF_QNN_##function])

#endif
