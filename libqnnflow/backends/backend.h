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
  /* Of the runtime: frames of bodies of control flow, by control step, and what ends a run early. */
  struct QfControlFrame *controls;
  struct QfRunGuard *guard;
};

/* Ends the run after this step: qf_session_run() gives @error, which is taken over. The first one counts. For units that can fail; kernels
 * cannot. */
void qf_exec_fail(const QfExec *exec, GError *error);

/* Time that a unit measured by itself inside a step. */
typedef struct {
  const QfNode *node; /* NULL: of all nodes of the step together */
  uint64_t runs, total_ns, min_ns;
  uint64_t packets;   /* of instructions, of all runs; 0: nothing counts them */
  const char *kernel; /* what ran, until the model's end; NULL: the step's */
} QfMeasured;

/* One piece of work. Immutable once lowered; shared by all sessions. */
struct QfStep {
  void (*run)(const QfStep *step, const QfExec *exec); /* a unit that fails says qf_exec_fail() */
  const char *kernel;                                  /* name of the chosen kernel, static, for profiles */
  const char *unit;                                    /* backend's name */
  const QfNode *node;                                  /* where it came from, for names and shapes */
  const uint32_t *in;  /* tensor ids, [n_in]; an absent input is QF_NO_TENSOR */
  const uint32_t *out; /* tensor ids, [n_out] */
  uint32_t n_in, n_out;
  const void *params;   /* the backend's own, e.g. packed weights; owned by the model */
  size_t scratch_bytes; /* each thread needs this much; 0: none */
  /* Appends QfMeasured of all runs of all sessions so far, in the nodes' order. NULL: the step's own time is all there is. */
  void (*measured)(const QfStep *step, GArray *rows);
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
  QF_REQUANT_FIXED,     /* 32-bit multiplier, one rounding: kernels/fixed.h; the reference backend and HVX */
} QfRequant;

/* Collects what a backend makes of its nodes. In runtime/lower.c. */
struct QfLower {
  QfGraph *graph;
  QfRequant requant;
  gboolean fast_math;  /* products of floats may be made in bfloat16 */
  GArray *steps;       /* QfStep */
  GPtrArray *blocks;   /* memory owned by the model, freed with qf_aligned_free() */
  GPtrArray *kept;     /* what goes with the model by a function of its own: qf_lower_keep() */
  uint32_t *unread;    /* by tensor id: readers that have a constant in another form; NULL: not counted */
  size_t packed_bytes; /* of qf_lower_packed(), so far */
  uint8_t *pages;      /* of lower.c: what is left of the memory that large blocks are cut from */
  size_t pages_left;
  size_t left_bytes;                /* of constants that nobody has packed yet */
  uint32_t *alias;                  /* by tensor id: the tensor whose memory it shares, or itself */
  const struct QfBackend *fallback; /* for nodes a backend has no kernel for; the reference backend */
  gpointer unit;                    /* what the backend's open() gave, NULL without one */
  GHashTable *after;                /* the CPU backend's own, while it lowers: backends/cpu/after.h */
  const char *model;                /* the model's name, for messages */
};

/* Memory owned by the model, zeroed, aligned to QF_ALIGNMENT. */
void *qf_lower_alloc(QfLower *lower, size_t size_bytes);
/* Memory for constants in the form that @kernel reads, aligned to QF_ALIGNMENT. *@fill gets it, zeroed, to be written before the next
 * call; or NULL, when the model's file has brought these @size_bytes already. What is written must follow from the node, its constants
 * and the CPU's features alone. */
const void *qf_lower_packed(QfLower *lower, const char *kernel, size_t size_bytes, void **fill);
/* The node's steps have constant @tensor in another form and do not read it. Memory of constants that nobody reads is given back: addresses
 * of it are no longer valid. */
void qf_lower_release(QfLower *lower, const QfTensor *tensor);
/* Appends a step for @node with the node's inputs and outputs. */
QfStep *qf_lower_step(QfLower *lower, const QfNode *node, const char *unit, const char *kernel,
                      void (*run)(const QfStep *, const QfExec *), const void *params, size_t scratch_bytes);
/* Appends one step for a part of the graph: @in and @out are all tensors that it takes and makes; @node, one of its nodes, stands for it
 * in profiles. */
QfStep *qf_lower_part(QfLower *lower, const QfNode *node, const char *unit, const char *kernel,
                      void (*run)(const QfStep *, const QfExec *), const void *params, const GPtrArray *in,
                      const GPtrArray *out);
/* The tensors that a part takes from outside (constants are none) and gives to it (graph outputs, and what other nodes read). Free with
 * g_ptr_array_unref(). */
void qf_lower_part_borders(const QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GPtrArray **in,
                           GPtrArray **out);
/* Memory that goes with the model, by @destroy. */
void qf_lower_keep(QfLower *lower, gpointer data, GDestroyNotify destroy);
/* Declares that @view is the same bytes as @base: no step is needed for it (Reshape). FALSE when that cannot be, because @view is
 * a graph output (its memory may be the caller's) or @base is a constant: the backend must copy then. */
gboolean qf_lower_alias(QfLower *lower, const QfTensor *view, const QfTensor *base);

/* What a caller asks of a unit; all may be NULL. */
typedef struct {
  const char *library; /* path of a vendor's library */
  const char *config;  /* path of the backend's JSON configuration */
} QfUnitOptions;

/* One unit that computes, or a name for several. */
typedef struct QfBackend {
  const char *name;        /* "cpu" */
  const char *description; /* one line */
  /* Whether it can run here; @detail gets the unit's name and features, or what is missing. Called once. */
  gboolean (*probe)(GString *detail);
  /* Lines of what the unit needs here: state (ok, missing, problem, note), what, and what to do. Absent: there is nothing to need. */
  void (*diagnose)(const QfUnitOptions *options, GString *text);
  /* Only when asked for by name: `auto` never takes it. Nor is it probed then: open() or choose() says what is missing, for the caller may name
   * what probe() did not find. */
  gboolean by_name;
  /* Of a name for several: the one that does the work here, NULL on error. Such has nothing else but what stands above. */
  const struct QfBackend *(*choose)(const QfUnitOptions *options, GError **error);
  /* Opens the unit for a model; supports() and lower() get the result, close() ends it when the model and all its sessions are gone. NULL on
   * error. All three absent: there is nothing to open. */
  gpointer (*open)(const QfUnitOptions *options, GError **error);
  void (*close)(gpointer unit);
  /* The requantisation of integers that it computes in; the caller's wish does not count. Absent: what the caller asks for. */
  const QfRequant *requant;
  /* Whether it runs this node. When not, @why gets the reason. NULL: every node of the reference, in one part, in the graph's order. */
  gboolean (*supports)(gpointer unit, const QfNode *node, GString *why);
  /* It maps memory of qf_shared_alloc() (shared.h): callers that can choose had better bind such. */
  gboolean maps_memory;
  /* A part with fewer multiply-accumulates is not worth the way to the unit, when a neighbour runs on the CPU. */
  uint64_t min_part_macs;
  /* Appends the steps of @nodes, which it supports and which stand in topological order. */
  gboolean (*lower)(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error);
} QfBackend;

extern const QfBackend qf_backend_ref, qf_backend_cpu, qf_backend_qnn, qf_backend_htp, qf_backend_htp_sim,
    qf_backend_htp_any;

/* Computes one node whose inputs are all constants with the reference backend, and makes its outputs constants. */
gboolean qf_ref_evaluate(QfNode *node, GError **error);

#endif
