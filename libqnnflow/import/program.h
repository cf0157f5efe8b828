/* SPDX-License-Identifier: MIT */
/*
 * program.h - a model that cannot be one frozen graph: the nodes of the file in order, with bodies of control flow inside, as
 * records that no longer know the file's format.
 *
 * An importer makes it when it has met QF_ERROR_DYNAMIC; runtime/program walks it over values. Nodes of operators that the
 * importer knows become graphs when their inputs have dimensions; the operators of program_ops.inc run on values.
 */
#ifndef QF_IMPORT_PROGRAM_H
#define QF_IMPORT_PROGRAM_H

#include "../graph/graph.h"
#include <qnnflow/value.h>

typedef struct QfProgram QfProgram;
typedef struct QfProgramBody QfProgramBody;

/* An attribute; what it is not is 0 or NULL. Numbers stay in the file's records, which live as long as the program. */
typedef struct {
  const char *name;
  int64_t i;
  const int64_t *ints;
  size_t n_ints;
  QfProgramBody *body; /* owned by the program */
} QfProgramAttr;

typedef struct {
  const char *name; /* for messages, never empty */
  const char *op;
  const char *const *inputs, *const *outputs; /* names of values; "" is absent */
  uint32_t n_inputs, n_outputs;
  QfProgramAttr *attrs;
  uint32_t n_attrs;
  int64_t opset;      /* whose meaning the operator has */
  gboolean graph;     /* the importer has a row for the operator: it may become part of a graph */
  const void *record; /* the importer's */
} QfProgramNode;

/* An input or output of a body as the file declares it. */
typedef struct {
  const char *name;
  QfValueKind kind; /* TENSOR or SEQUENCE */
  gboolean optional;
  QfDType dtype;             /* of a tensor or of a sequence's items; INVALID when not declared */
  int32_t rank;              /* -1: not declared */
  int64_t dims[QF_MAX_RANK]; /* -1: open */
} QfProgramPort;

struct QfProgramBody {
  QfProgramPort *inputs, *outputs;
  uint32_t n_inputs, n_outputs;
  QfProgramNode *nodes;
  uint32_t n_nodes;
  GHashTable *constants; /* name -> QfValue */
  GHashTable *last_use;  /* name -> index of the last node that reads it + 1; n_nodes + 1 for outputs */
};

/* How the importer asks for values while it makes a graph of nodes. */
typedef struct QfProgramSource {
  /* The value of @name, borrowed; NULL: unknown. @constant is set when it never changes. */
  QfValue *(*find)(const struct QfProgramSource *source, const char *name, gboolean *constant);
  /* Told once when the graph depends on the values of @name, not on its dimensions only. */
  void (*demand)(const struct QfProgramSource *source, const char *name);
} QfProgramSource;

struct QfProgram {
  char *name; /* the file, for messages */
  const char *format;
  QfProgramBody *main;
  GPtrArray *bodies; /* all of them */
  /*
   * Makes a graph of @nodes (consecutive ones of a body): its inputs are the values of @source that are not constant, by name,
   * its outputs those named in @outputs. On failure @n_done is the number of nodes before the one that failed.
   * Thread-safe.
   */
  gboolean (*import_nodes)(const QfProgram *program, QfGraph *graph, const QfProgramNode *nodes, uint32_t n,
                           const QfProgramSource *source, const GPtrArray *outputs, uint32_t *n_done,
                           GError **error);
  void *records; /* the importer's */
  void (*free_records)(void *records);
};

/* An empty program without a main body. @name is copied. */
QfProgram *qf_program_new(const char *name, const char *format);
void qf_program_free(QfProgram *program);

/* An empty body, owned by @program. */
QfProgramBody *qf_program_add_body(QfProgram *program);
/* Computes last_use when everything else of @body is there; bodies inside it come first. */
void qf_program_finish_body(QfProgramBody *body);

/* The operators of program_ops.inc, NULL-terminated, and whether one has this name. */
extern const char *const qf_program_op_names[];
gboolean qf_program_has_op(const char *op);

/* One line a node, bodies inside. Free with g_free(). */
char *qf_program_dump(const QfProgram *program);

const QfProgramAttr *qf_program_attr(const QfProgramNode *node, const char *name);
int64_t qf_program_int(const QfProgramNode *node, const char *name, int64_t def);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfProgram, qf_program_free)

#endif
