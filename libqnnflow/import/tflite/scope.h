/* SPDX-License-Identifier: MIT */
/*
 * scope.h - one graph of a TFLite file while it is imported: the model's own, a body of control flow, or one that is called
 * in place. Variables (tensors marked so, and resources) are values here: each scope knows their value at this point; what
 * a body touches becomes its operand, and what the model itself touches becomes a state.
 */
#ifndef QF_IMPORT_TFLITE_SCOPE_H
#define QF_IMPORT_TFLITE_SCOPE_H

#include "model.h"

#include "../../graph/graph.h"

typedef struct QfTflScope QfTflScope;

/* One import. */
typedef struct {
  QfTflModel *model;
  GHashTable *variables; /* key -> QfTflVariable: "container/name" of resources, "graph:tensor" of tensors */
  uint64_t copied;       /* bytes of constants that could not stay in the file */
  gboolean litert;       /* the `tflite` scheme: models are to give the peer's numbers */
  uint64_t work;         /* tensors and operators imported so far: graphs may be used many times */
  uint64_t scopes;       /* graphs imported so far */
  uint64_t n_tensors, n_operators; /* of all graphs of the file */
} QfTflImport;

typedef struct {
  char *name;
  const QfTensor *like; /* has its shape, type and encoding; NULL: not known yet */
  GBytes *initial;      /* NULL: zeros */
} QfTflVariable;

/* A variable in one graph. */
typedef struct {
  QfTflVariable *variable;
  QfTensor *before; /* the value that the graph begins with: to be one of its inputs */
  QfTensor *now;
} QfTflValue;

struct QfTflScope {
  QfTflImport *import;
  QfTflScope *outer; /* whose operator uses this graph; NULL: the model's own */
  QfTflScope *home;  /* the one that holds the values of variables: itself, or where it is called in place */
  QfGraph *graph;
  const QfTflGraph *file;
  uint32_t index;            /* of the graph in the file */
  uint32_t depth;            /* scopes around this one */
  QfTensor **tensors;        /* by the file's index; NULL: nothing has defined it yet */
  QfTflVariable **resources; /* by the file's index: what a tensor of type RESOURCE stands for */
  GArray *values;            /* QfTflValue, in the order of first use; of the home scope */
  gboolean once;             /* runs when the model is loaded: assignments are initial values */
};

/* Opens graph @index of the file as part of @graph. @outer NULL: the model itself. @in_place: @graph is outer's. Everything
 * is released by qf_tfl_scope_close(), also after a failure. QF_ERROR_FORMAT for a graph that uses itself, _LIMIT for nesting. */
gboolean qf_tfl_scope_open(QfTflScope *scope, QfTflImport *import, QfTflScope *outer, gboolean in_place,
                           QfGraph *graph, int64_t index, GError **error);
void qf_tfl_scope_close(QfTflScope *scope);

/* Makes the constants of the graph; to be called first. */
gboolean qf_tfl_scope_constants(QfTflScope *scope, GError **error);
/* Maps the operators; the inputs have been put into ->tensors. */
gboolean qf_tfl_scope_operators(QfTflScope *scope, GError **error);

/* Small integers are encodings; wider ones are numbers. */
gboolean qf_tfl_has_encoding(QfDType dtype);

/* The name of an operator's first output, for messages; "" when it has none. */
const char *qf_tfl_first_output(const QfTflGraph *file, const QfTflOperator *o);
/* The graphs that an operator uses as bodies: their number, at most 2. */
uint32_t qf_tfl_callees(const QfTflOperator *o, int64_t *graphs);

/* A variable by its key; made when it is new. */
QfTflVariable *qf_tfl_variable(QfTflImport *import, const char *key, const char *name);
void qf_tfl_variable_free(QfTflVariable *variable);
/* Its value at this point of the scope. NULL: no shape is known for it, or nothing has initialised it in time. */
QfTensor *qf_tfl_variable_now(QfTflScope *scope, QfTflVariable *variable, GError **error);
gboolean qf_tfl_variable_assign(QfTflScope *scope, QfTflVariable *variable, QfTensor *after, GError **error);
/* The value of the file's tensor @index, which is marked is_variable. */
QfTflVariable *qf_tfl_variable_of(QfTflScope *scope, uint32_t index, GError **error);

#endif
