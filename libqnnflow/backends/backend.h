/* SPDX-License-Identifier: MIT */
/*
 * backend.h - the one interface between the engine and a unit that computes.
 *
 * A backend says which nodes it runs and turns them into steps. A step is a function with everything it needs already decided:
 * after lowering nothing looks at the graph again. Backends trust what they get: the front has verified it.
 */
#ifndef QF_BACKENDS_BACKEND_H
#define QF_BACKENDS_BACKEND_H

#include "../graph/graph.h"
#include <qnnflow/model.h>

typedef struct QfStep QfStep;
typedef struct QfExec QfExec;
typedef struct QfLower QfLower;
typedef struct QfPool QfPool;

/* State of one run. Owned by a session. */
struct QfExec {
  void **data;           /* address of each tensor, by tensor id: constants, arena, bound memory */
  QfPool *pool;          /* threads; qf_pool_run() in runtime/pool.h */
  uint8_t *scratch;      /* scratch of thread t is scratch + t * scratch_stride, aligned to QF_ALIGNMENT */
  size_t scratch_stride; /* bytes; the largest scratch_bytes of all steps, rounded up */
  uint32_t n_threads;    /* threads of the pool, >= 1 */
  /* Of the runtime's control flow: frames of bodies, by control step, and what bounds all loops of a run. */
  struct QfControlFrame *controls;
  struct QfLoopGuard *guard;
};

/* One piece of work. Immutable once lowered; shared by all sessions. */
struct QfStep {
  void (*run)(const QfStep *step, const QfExec *exec); /* cannot fail */
  const char *kernel;                                  /* name of the chosen kernel, static, for profiles */
  const char *unit;                                    /* backend's name */
  const QfNode *node;                                  /* where it came from, for names and shapes */
  const uint32_t *in;  /* tensor ids, [n_in]; an absent input is QF_NO_TENSOR */
  const uint32_t *out; /* tensor ids, [n_out] */
  uint32_t n_in, n_out;
  const void *params;   /* the backend's own, e.g. packed weights; owned by the model */
  size_t scratch_bytes; /* each thread needs this much; 0: none */
};

#define QF_NO_TENSOR UINT32_MAX

/* Shorthands for run functions. */
static inline void *qf_step_in(const QfStep *s, const QfExec *x, uint32_t i)
{
  return i < s->n_in && s->in[i] != QF_NO_TENSOR ? x->data[s->in[i]] : NULL;
}
static inline void *qf_step_out(const QfStep *s, const QfExec *x, uint32_t i)
{
  return x->data[s->out[i]];
}

typedef enum {
  QF_REQUANT_FLOAT = 0, /* DESIGN: int32 -> float, one multiply, round half even, subtract offset, clamp */
  QF_REQUANT_TFLITE,    /* LiteRT's double rounding; reference backend only */
} QfRequant;

/* Collects what a backend makes of its nodes. In runtime/lower.c. */
struct QfLower {
  QfGraph *graph;
  QfRequant requant;
  GArray *steps;                    /* QfStep */
  GPtrArray *blocks;                /* memory owned by the model, freed with qf_aligned_free() */
  uint32_t *alias;                  /* by tensor id: the tensor whose memory it shares, or itself */
  const struct QfBackend *fallback; /* for nodes a backend has no kernel for; the reference backend */
};

/* Memory owned by the model, zeroed, aligned to QF_ALIGNMENT. */
void *qf_lower_alloc(QfLower *lower, size_t size_bytes);
/* Appends a step for @node with the node's inputs and outputs. */
QfStep *qf_lower_step(QfLower *lower, const QfNode *node, const char *unit, const char *kernel,
                      void (*run)(const QfStep *, const QfExec *), const void *params, size_t scratch_bytes);
/* Declares that @view is the same bytes as @base: no step is needed for it (Reshape). FALSE when that cannot be, because @view is
 * a graph output (its memory may be the caller's) or @base is a constant: the backend must copy then. */
gboolean qf_lower_alias(QfLower *lower, const QfTensor *view, const QfTensor *base);

typedef struct QfBackend {
  const char *name;        /* "cpu" */
  const char *description; /* one line */
  /* Whether it can run here; @detail gets the unit's name and features, or what is missing. Called once. */
  gboolean (*probe)(GString *detail);
  /* Whether it runs this node. When not, @why (may be NULL) gets the reason. NULL: every node of the reference. */
  gboolean (*supports)(const QfNode *node, QfRequant requant, GString *why);
  /* Appends the steps of @nodes, which it supports and which stand in topological order. */
  gboolean (*lower)(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error);
} QfBackend;

extern const QfBackend qf_backend_ref, qf_backend_cpu;

/* Computes one node whose inputs are all constants with the reference backend, and makes its outputs constants. */
gboolean qf_ref_evaluate(QfNode *node, GError **error);

#endif
