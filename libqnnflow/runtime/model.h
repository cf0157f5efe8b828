/* SPDX-License-Identifier: MIT */
/*
 * model.h (internal) - a frozen model: steps, where each tensor lies, and what the outside sees of it.
 */
#ifndef QF_RUNTIME_MODEL_H
#define QF_RUNTIME_MODEL_H

#include "../backends/backend.h"
#include "../import/import.h"
#include "../import/program.h"

/* Where a tensor's bytes are during a run. */
typedef enum {
  QF_PLACE_NONE = 0, /* no step touches it */
  QF_PLACE_CONSTANT,
  QF_PLACE_ARENA,
  QF_PLACE_INPUT,
  QF_PLACE_OUTPUT,
} QfPlaceKind;

typedef struct {
  QfPlaceKind kind;
  uint32_t index;       /* INPUT, OUTPUT: which one */
  size_t offset_bytes;  /* ARENA */
  const void *constant; /* CONSTANT */
} QfPlace;

/* An open unit, shared by the models that are made of one file and by their bodies: g_atomic_rc_box. */
typedef struct {
  const QfBackend *backend;
  gpointer handle;
} QfUnit;

struct _QfModel {
  gint refs;
  QfGraph *graph;     /* empty when there is a program */
  QfProgram *program; /* NULL: one frozen graph */
  char *name;
  const QfBackend *backend;
  QfUnit *unit;         /* NULL: the backend has nothing to open */
  gboolean no_fallback; /* nodes that the backend refuses are an error */
  GHashTable *refused;  /* QfNode -> why the backend does not run it, char*; NULL: none was */
  QfTensorDesc *inputs, *outputs;
  uint32_t n_inputs, n_outputs; /* without states, whose descriptions follow in the lists */
  uint32_t n_states;
  GArray *steps;     /* QfStep */
  GPtrArray *blocks; /* packed constants, freed with qf_aligned_free() */
  GPtrArray *kept;   /* QfKept, of units: goes before the unit is closed */
  QfPlace *places;   /* by tensor id, aliases resolved */
  uint32_t n_tensors;
  /* The tensors that lie in a port: port_tensors[port_first[p]..port_first[p + 1]); ports are the inputs, then the outputs. */
  uint32_t *port_first, *port_tensors;
  GPtrArray *bodies;                 /* QfModel*: compiled bodies of control flow */
  uint32_t n_controls;               /* control steps among the steps */
  gboolean is_body;                  /* the graph belongs to the graph around it */
  size_t arena_bytes, scratch_bytes; /* of one frame; scratch: the largest of the bodies too */
  QfModelStats stats;
  QfRequant requant;
  gboolean fast_math;
  gboolean no_optimize;
  QfInputDims *
      imported; /* [n_inputs]: name and dimensions of each input as in the file, before the passes; NULL: a program */
  struct QfFamily *family; /* the other shapes of a file that leaves dimensions open; NULL: there are none */
};

/* Imports and compiles; @source stays the caller's. Without a program: QF_ERROR_DYNAMIC where there would be one. */
QfModel *qf_model_new_from_source(QfSource *source, const char *name, const QfModelOptions *options,
                                  GError **error);

/* Makes @model the first of a family, which takes over @source. */
void qf_family_found(QfModel *model, QfSource *source, const QfModelOptions *options);
/* Called when @model goes. */
void qf_family_leave(QfModel *model);

/* A part of the program of @whole: rewrites and compiles @graph, which it takes over, with the same options. */
QfModel *qf_model_new_from_graph(QfGraph *graph, const QfModel *whole, GError **error);

/* All backends of this build in the order `auto` tries them; @count gets their number. */
const QfBackend *const *qf_backend_list(uint32_t *count);

/* The backend called @name (NULL or "auto": the first that can run here). NULL with QF_ERROR_ARGUMENT or _DEVICE. */
const QfBackend *qf_backend_find(const char *name, GError **error);

/* The memory of state @index as the session's next run will find it. In session.c. */
struct _QfSession;
const void *qf_session_state(const struct _QfSession *session, uint32_t index);

/* The list of QfLower.kept. */
GPtrArray *qf_kept_new(void);

/* Opens the backend's unit, when there is one to open. */
QfUnit *qf_unit_open(const QfBackend *backend, const QfUnitOptions *options, GError **error);
void qf_unit_close(QfUnit *unit); /* releases one reference; NULL does nothing */

/* What runs the nodes that the model's backend refuses: the CPU, in its own arithmetic; the reference where the caller names another. */
const QfBackend *qf_model_beside(const QfModel *model);

/* Chooses backends, emits steps and plans memory: fills everything of @model but name, graph and backend. */
gboolean qf_model_compile(QfModel *model, QfRequant requant, GError **error);

#endif
