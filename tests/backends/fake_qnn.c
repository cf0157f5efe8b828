/* SPDX-License-Identifier: MIT */
/*
 * fake_qnn.c - a QNN library for tests: it knows Relu and ElementWiseAbs on float32, and fails where the variable QF_FAKE_QNN says.
 * Words of it: refuse-abs, no-finalize, no-execute, old (version 1), hole (a function is missing), no-interface, log.
 */
#include "libqnnflow/backends/qnn/abi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_TENSORS 64
#define API __attribute__((visibility("default")))

typedef struct {
  uint32_t n_tensors, n_ops;
  QfQnnTensor tensors[MAX_TENSORS];
  size_t elements[MAX_TENSORS];
  struct {
    int absolute;
    char name[64];
    uint32_t in, out;
  } ops[MAX_TENSORS];
  char name[64];
} Graph;

API int fake_qnn_contexts; /* open ones, for tests */
API int fake_qnn_profiles;
API int fake_qnn_built; /* graphs finalized, not loaded */
static QfQnnLog logger;

static int told(const char *word)
{
  const char *words = getenv("QF_FAKE_QNN");
  return words && strstr(words, word);
}

static void say(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  if (logger)
    logger(format, 1, 0, args);
  va_end(args);
}

static QfQnnError log_create(QfQnnLog callback, uint32_t level, QfQnnHandle *log)
{
  logger = callback;
  *log = &logger;
  return 0;
}

static QfQnnError backend_create(QfQnnHandle log, const QfQnnConfig **configs, QfQnnHandle *backend)
{
  *backend = &logger;
  return 0;
}

static QfQnnError nothing(QfQnnHandle handle)
{
  return 0;
}

static QfQnnError build_id(const char **id)
{
  *id = "fake-1";
  return 0;
}

static QfQnnError validate(QfQnnHandle backend, QfQnnOp op)
{
  if (!strcmp(op.type, "Relu"))
    return 0;
  return strcmp(op.type, "ElementWiseAbs") || told("refuse-abs") ? 3110 : 0;
}

static QfQnnError context_create(QfQnnHandle backend, QfQnnHandle device, const QfQnnConfig **configs,
                                 QfQnnHandle *context)
{
  *context = calloc(1, sizeof(Graph));
  fake_qnn_contexts++;
  return 0;
}

static QfQnnError context_free(QfQnnHandle context, QfQnnHandle profile)
{
  free(context);
  fake_qnn_contexts--;
  return 0;
}

static QfQnnError graph_create(QfQnnHandle context, const char *name, const QfQnnConfig **configs,
                               QfQnnHandle *graph)
{
  Graph *g = context;
  snprintf(g->name, sizeof(g->name), "%s", name);
  *graph = g;
  return 0;
}

static QfQnnError tensor_create(QfQnnHandle graph, QfQnnTensor *t)
{
  Graph *g = graph;
  t->id = ++g->n_tensors;
  g->tensors[t->id] = *t;
  g->elements[t->id] = 1;
  for (uint32_t i = 0; i < t->rank; i++)
    g->elements[t->id] *= t->dims[i];
  return t->dtype == QF_QNN_FLOAT32 ? 0 : 7004;
}

static QfQnnError add_node(QfQnnHandle graph, QfQnnOp op)
{
  Graph *g = graph;
  g->ops[g->n_ops].absolute = !strcmp(op.type, "ElementWiseAbs");
  snprintf(g->ops[g->n_ops].name, sizeof(g->ops[0].name), "%s", op.name);
  g->ops[g->n_ops].in = op.inputs[0].id;
  g->ops[g->n_ops++].out = op.outputs[0].id;
  return op.inputs[0].id && op.outputs[0].id ? 0 : 6004;
}

static QfQnnError finalize(QfQnnHandle graph, QfQnnHandle profile, QfQnnHandle signal)
{
  if (!told("no-finalize")) {
    fake_qnn_built++;
    return 0;
  }
  say("first %d\n", 1);
  say("op 7 does not fit\n");
  return 1002;
}

/* Measurements of the last run: 2 ms on the unit; in detail its 100 cycles, of which each operator has 10, and nobody's 5. */
static struct {
  uint32_t level, n_events, n_inside;
  uint64_t ids[4], inside[MAX_TENSORS];
  struct {
    uint32_t type, unit;
    uint64_t value;
    char name[96];
  } events[MAX_TENSORS];
} measured;

static uint64_t measure(uint64_t id, uint32_t type, uint32_t unit, uint64_t value, const char *name)
{
  measured.events[id].type = type;
  measured.events[id].unit = unit;
  measured.events[id].value = value;
  snprintf(measured.events[id].name, sizeof(measured.events[0].name), "%s", name);
  return id;
}

static void measure_run(const Graph *g)
{
  char name[96];
  uint64_t id = 0;
  measured.n_events = measured.n_inside = 0;
  measured.ids[measured.n_events++] = measure(id++, 3004, 1, 2000, "time on the unit");
  if (measured.level < 2)
    return;
  measured.ids[measured.n_events++] = measure(id++, 3003, 3, 100, "cycles on the unit");
  measured.inside[measured.n_inside++] = measure(id++, 404, 3, 5, "Input OpId_2 (cycles)");
  for (uint32_t k = 0; k < g->n_ops; k++) {
    snprintf(name, sizeof(name), "%s:OpId_%u (cycles)", g->ops[k].name, 20 + k);
    measured.inside[measured.n_inside++] = measure(id++, 404, 3, 10, name);
  }
}

static QfQnnError profile_create(QfQnnHandle backend, uint32_t level, QfQnnHandle *handle)
{
  measured.level = level;
  *handle = &measured;
  fake_qnn_profiles++;
  return 0;
}

static QfQnnError profile_free(QfQnnHandle handle)
{
  fake_qnn_profiles--;
  return 0;
}

static QfQnnError profile_events(QfQnnHandle handle, const uint64_t **ids, uint32_t *n)
{
  *ids = measured.ids;
  *n = measured.n_events;
  return 0;
}

static QfQnnError profile_inside(uint64_t id, const uint64_t **ids, uint32_t *n)
{
  *ids = measured.inside;
  *n = measured.events[id].type == 3003 ? measured.n_inside : 0;
  return 0;
}

static QfQnnError profile_data(uint64_t id, void *data)
{
  struct {
    uint32_t type, unit;
    uint64_t value;
    const char *name;
  } event = {measured.events[id].type, measured.events[id].unit, measured.events[id].value,
             measured.events[id].name};
  memcpy(data, &event, sizeof(event));
  return 0;
}

/* Memory by handle: a mapping of our own of the file that the caller names. */
API int fake_qnn_registered, fake_qnn_registrations,
    fake_qnn_by_handle; /* now, ever, and tensors that came so */

typedef struct {
  void *data;
  size_t size;
} Mapping;

static QfQnnError has_capability(uint32_t key)
{
  return told("memory") && (key == 501 || key == 1101) ? 0 : 1000;
}

static QfQnnError mem_register(QfQnnHandle context, const void *descriptor, uint32_t n, QfQnnHandle *handle)
{
  struct {
    uint32_t rank;
    uint32_t *dims;
    const char *more;
    uint32_t dtype, type;
    int32_t fd;
  } d;
  Mapping *m = calloc(1, sizeof(*m));
  memcpy(&d, descriptor, sizeof(d));
  m->size = sizeof(float);
  for (uint32_t i = 0; i < d.rank; i++)
    m->size *= d.dims[i];
  m->data = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, d.fd, 0);
  if (d.type != 1 || d.dtype != QF_QNN_FLOAT32 || n != 1 || m->data == MAP_FAILED || told("no-map")) {
    free(m);
    return 8003;
  }
  fake_qnn_registered++;
  fake_qnn_registrations++;
  *handle = m;
  return 0;
}

static QfQnnError mem_deregister(const QfQnnHandle *handles, uint32_t n)
{
  Mapping *m = handles[0];
  munmap(m->data, m->size);
  free(m);
  fake_qnn_registered -= (int)n;
  return 0;
}

static void *data_of(const QfQnnTensor *t)
{
  fake_qnn_by_handle += t->memory == 1;
  return t->memory == 1 ? ((Mapping *)t->u.handle)->data : t->u.client.data;
}

static QfQnnError execute(QfQnnHandle graph, const QfQnnTensor *in, uint32_t n_in, QfQnnTensor *out,
                          uint32_t n_out, QfQnnHandle handle, QfQnnHandle signal)
{
  Graph *g = graph;
  float *data[MAX_TENSORS] = {0}, *own[MAX_TENSORS] = {0};
  QfQnnError error = told("no-execute") ? 6031 : 0;
  if (handle)
    measure_run(g);
  for (uint32_t i = 1; i <= g->n_tensors; i++)
    data[i] = own[i] = calloc(g->elements[i], sizeof(float));
  for (uint32_t i = 0; i < n_in; i++)
    data[in[i].id] = data_of(&in[i]);
  for (uint32_t i = 0; i < n_out; i++)
    data[out[i].id] = data_of(&out[i]);
  for (uint32_t k = 0; !error && k < g->n_ops; k++) {
    const float *x = data[g->ops[k].in];
    float *y = data[g->ops[k].out];
    for (size_t i = 0; i < g->elements[g->ops[k].out]; i++)
      y[i] = x[i] > 0 ? x[i] : g->ops[k].absolute ? 0 - x[i] : 0;
  }
  for (uint32_t i = 1; i <= g->n_tensors; i++)
    free(own[i]);
  return error;
}

static QfQnnError binary_size(QfQnnHandle context, uint64_t *size)
{
  *size = sizeof(Graph);
  return 0;
}

static QfQnnError binary(QfQnnHandle context, void *data, uint64_t size, uint64_t *written)
{
  memcpy(data, context, sizeof(Graph));
  *written = sizeof(Graph);
  return 0;
}

static QfQnnError from_binary(QfQnnHandle backend, QfQnnHandle device, const QfQnnConfig **configs,
                              const void *data, uint64_t size, QfQnnHandle *context, QfQnnHandle profile)
{
  if (size != sizeof(Graph))
    return 5005;
  context_create(backend, device, configs, context);
  memcpy(*context, data, sizeof(Graph));
  return 0;
}

static QfQnnError retrieve(QfQnnHandle context, const char *name, QfQnnHandle *graph)
{
  *graph = context;
  return strcmp(name, ((Graph *)context)->name) ? 6002 : 0;
}

static QfQnnError message(QfQnnError code, const char **text)
{
  *text = "a fake message";
  return 0;
}

#define SLOT(name, function) i.slots[QF_QNN_##name] = (void (*)(void))(function)

/* Under the name that libraries of this kind have. */
API QfQnnError fake_providers(const QfQnnInterface ***list, uint32_t *n) __asm__("QnnInterface_getProviders");

API QfQnnError fake_providers(const QfQnnInterface ***list, uint32_t *n)
{
  static QfQnnInterface i;
  static const QfQnnInterface *all[] = {&i};
  i = (QfQnnInterface){.backend_id = 99, .name = "FAKE", .core = {told("old") ? 1 : 2, 40, 0}};
  SLOT(logCreate, log_create);
  SLOT(logFree, nothing);
  SLOT(backendCreate, backend_create);
  SLOT(backendFree, nothing);
  SLOT(backendGetBuildId, build_id);
  SLOT(backendValidateOpConfig, validate);
  SLOT(contextCreate, context_create);
  SLOT(contextFree, context_free);
  SLOT(contextGetBinarySize, binary_size);
  SLOT(contextGetBinary, binary);
  SLOT(contextCreateFromBinary, from_binary);
  SLOT(graphCreate, graph_create);
  SLOT(graphAddNode, add_node);
  SLOT(graphFinalize, finalize);
  SLOT(graphExecute, execute);
  SLOT(graphRetrieve, retrieve);
  SLOT(tensorCreateGraphTensor, tensor_create);
  SLOT(errorGetMessage, message);
  SLOT(propertyHasCapability, has_capability);
  SLOT(memRegister, mem_register);
  SLOT(memDeRegister, mem_deregister);
  SLOT(profileCreate, profile_create);
  SLOT(profileFree, profile_free);
  SLOT(profileGetEvents, profile_events);
  SLOT(profileGetSubEvents, profile_inside);
  SLOT(profileGetEventData, profile_data);
  if (told("hole"))
    i.slots[QF_QNN_graphExecute] = NULL;
  *list = all;
  *n = told("no-interface") ? 0 : 1;
  return 0;
}
