/* SPDX-License-Identifier: MIT */
/*
 * program.h - running a program over values: the interpreter, and what its operators share.
 *
 * Nodes run in the file's order. Neighbours that the importer can make a graph of, now that the dimensions around them are
 * known, become one frozen model, kept for the next time with the same dimensions; the others are functions on values.
 */
#ifndef QF_RUNTIME_PROGRAM_PROGRAM_H
#define QF_RUNTIME_PROGRAM_PROGRAM_H

#include "../../import/program.h"
#include "../model.h"
#include <qnnflow/session.h>

/* How often a loop may turn; one that has no end by then is an error. */
#define QF_PROGRAM_MAX_TURNS 1000000
/* How many graphs an interpreter keeps; when it has that many it forgets them all. */
#define QF_PROGRAM_MAX_GRAPHS 256

/* State of one session: belongs to one thread at a time. */
typedef struct QfInterpreter QfInterpreter;

/* The values of one body during its run. */
typedef struct QfScope {
  const struct QfScope *outer; /* of the body around it; NULL: the model itself */
  const QfProgramBody *body;
  GHashTable *values; /* name -> QfValue */
} QfScope;

/* One node that runs on values. */
typedef struct {
  QfInterpreter *interpreter;
  const QfScope *scope;
  const QfProgramNode *node;
  QfValue **in; /* borrowed; absent ones are NULL */
  uint32_t n_in;
  QfValue **out; /* references to be set */
  uint32_t n_out;
} QfCall;

typedef struct {
  const char *op;
  gboolean (*run)(QfCall *call, GError **error);
  uint32_t min_inputs;
} QfProgramOp;

/* The operators of program_ops.inc; NULL: there is none of this name. */
const QfProgramOp *qf_program_op_find(const char *op);

/* @pool and @model are borrowed and must outlive it. */
QfInterpreter *qf_interpreter_new(const QfModel *model, uint32_t n_threads, QfPool *pool);
void qf_interpreter_free(QfInterpreter *interpreter);

/* Runs the program; @outputs get references, all NULL on failure. */
gboolean qf_interpreter_run(QfInterpreter *interpreter, QfValue *const *inputs, QfValue **outputs,
                            GError **error);
/* Runs a body with @inputs for its inputs. @outputs, [body->n_outputs], get references. */
gboolean qf_interpreter_run_body(QfInterpreter *interpreter, const QfScope *outer, const QfProgramBody *body,
                                 QfValue *const *inputs, uint32_t n_inputs, QfValue **outputs,
                                 GError **error);

/* A session on a graph that is part of a program, on the program's threads; @pool NULL: it makes its own. In session.c. */
QfSession *qf_session_new_part(QfModel *model, uint32_t n_threads, QfPool *pool, GError **error);
/* Of a dynamic model, else NULL. */
QfInterpreter *qf_session_interpreter(QfSession *session);

/* A session on @model, which is that of @session for other dimensions, with its threads; owned by @session, kept until another model
 * is asked for. In session.c. */
QfSession *qf_session_reshaped(QfSession *session, QfModel *model, GError **error);

/* Sets "file: node 'name' (op): rule" and returns FALSE. */
gboolean qf_call_fail(const QfCall *call, GError **error, QfError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* Input @index, when it is there, as a tensor, a sequence or a single integer (a bool counts); an error otherwise. */
gboolean qf_call_tensor(const QfCall *call, uint32_t index, GError **error);
gboolean qf_call_sequence(const QfCall *call, uint32_t index, GError **error);
gboolean qf_call_int(const QfCall *call, uint32_t index, int64_t *value, GError **error);
/* The body in attribute @name; NULL with an error. */
const QfProgramBody *qf_call_body(const QfCall *call, const char *name, GError **error);
/* A dimension index, negative ones from the end, of @rank dimensions. */
gboolean qf_call_axis(const QfCall *call, int64_t axis, int32_t rank, int32_t *out, GError **error);

/* Tensors on the host. All return a new reference. */
QfValue *qf_tensor_value(QfDType dtype, const int64_t *dims, int32_t rank,
                         void *data); /* takes over @data, g_malloc()ed */
QfValue *qf_int64_value(int64_t value);
QfValue *qf_bool_value(gboolean value);
/* What of @v has an index of begin..end-1 along @axis; with @squeeze the dimension goes (end is begin + 1). */
QfValue *qf_value_slice(const QfValue *v, int32_t axis, int64_t begin, int64_t end, gboolean squeeze);
/* Joins @n values along @axis; with @stack the axis is a new one. NULL when types or other dimensions differ. */
QfValue *qf_value_join(QfValue *const *values, uint32_t n, int32_t axis, gboolean stack);
/* Tensors, also those in a sequence, of another type. */
QfValue *qf_value_cast(QfValue *v, QfDType dtype);

#endif
