/* SPDX-License-Identifier: MIT */
/*
 * error.h - what can go wrong, and how it is told.
 *
 * Every function of the library that can fail takes a GError ** last (NULL: the caller does not want
 * to know) and returns FALSE or NULL. The message names the file, the node, the operator, the rule that
 * was broken and what to do about it, in one sentence a user can act on.
 */
#ifndef QNNFLOW_ERROR_H
#define QNNFLOW_ERROR_H

#include <glib.h>

G_BEGIN_DECLS

/* Marks what the shared library exports; everything else is hidden. */
#define QF_API __attribute__((visibility("default")))

/* The domain of every GError made by this library. */
#define QF_ERROR (qf_error_quark())

typedef enum {
  QF_ERROR_FAILED,      /* none of the below */
  QF_ERROR_FILE,        /* a file cannot be opened, read or written */
  QF_ERROR_FORMAT,      /* bytes are not a valid file of their format: truncated, corrupt, inconsistent */
  QF_ERROR_UNSUPPORTED, /* valid, but this operator, attribute, type or version is not implemented */
  QF_ERROR_SHAPE,       /* dimensions do not fit each other, or a dynamic one was left open */
  QF_ERROR_TYPE,        /* a data type or an encoding does not fit */
  QF_ERROR_ARGUMENT,    /* the caller passed something that the documentation forbids */
  QF_ERROR_LIMIT,       /* a size is beyond what can be addressed or allocated */
  QF_ERROR_DEVICE,      /* a backend or device is missing, or failed at run time */
  QF_ERROR_DYNAMIC, /* a shape or a value is known only when the model runs: it cannot be one frozen graph */
} QfError;

/* Returns the quark of QF_ERROR. Thread-safe. */
QF_API GQuark qf_error_quark(void);

G_END_DECLS

#endif
