/* SPDX-License-Identifier: MIT */
/*
 * real.c - steps of the reference backend: on the tensors as they are, or on numbers of one type with conversion at the ports.
 */
#include "ref.h"
#include "../../graph/numbers.h"

#include <math.h>
#include <string.h>

/* How one tensor is converted. */
typedef struct {
  gboolean convert;
  QfDType dtype, as; /* of the tensor, and of the copy in the scratch */
  int64_t count;
  QfEncoding enc;
  int64_t inner, axis_size; /* per-axis encodings: elements below the axis, and along it */
  size_t offset;            /* of the copy in the scratch */
} Port;

typedef struct {
  QfRefFunc run;
  const void *params;
  const Port *in, *out; /* NULL: as they are */
  gboolean has_scratch;
  size_t scratch; /* offset of the computation's own */
} Call;

static void load_real(const Port *p, const void *data, float *real)
{
  for (int64_t i = 0; i < p->count; i++) {
    if (!p->enc.count) {
      real[i] = (float)qf_number_real(p->dtype, data, i);
      continue;
    }
    const QfScaleOffset *e = &p->enc.entries[p->enc.count > 1 ? i / p->inner % p->axis_size : 0];
    real[i] = (float)(qf_number_real(p->dtype, data, i) + e->offset) * e->scale;
  }
}

static void store_real(const Port *p, const float *real, void *data)
{
  for (int64_t i = 0; i < p->count; i++) {
    double v = (double)real[i];
    if (p->enc.count) {
      const QfScaleOffset *e = &p->enc.entries[p->enc.count > 1 ? i / p->inner % p->axis_size : 0];
      v = (double)rintf(real[i] / e->scale) - e->offset;
    }
    qf_number_store(p->dtype, data, i, v);
  }
}

/* The low bytes of an integer: it wraps around. */
static void store_integer(QfDType dtype, void *data, int64_t i, int64_t v)
{
  const size_t size = qf_dtype_size(dtype);
  if (size == 1)
    ((uint8_t *)data)[i] = (uint8_t)v;
  else if (size == 2)
    ((uint16_t *)data)[i] = (uint16_t)v;
  else if (size == 4)
    ((uint32_t *)data)[i] = (uint32_t)v;
  else
    ((int64_t *)data)[i] = v;
}

static void load(const Port *p, const void *data, void *copy)
{
  if (p->as == QF_DTYPE_FLOAT32)
    load_real(p, data, copy);
  for (int64_t i = 0; p->as == QF_DTYPE_FLOAT64 && i < p->count; i++)
    ((double *)copy)[i] = qf_number_real(p->dtype, data, i);
  for (int64_t i = 0; p->as == QF_DTYPE_INT64 && i < p->count; i++)
    ((int64_t *)copy)[i] = qf_number_int(p->dtype, data, i);
}

static void store(const Port *p, const void *copy, void *data)
{
  if (p->as == QF_DTYPE_FLOAT32)
    store_real(p, copy, data);
  for (int64_t i = 0; p->as == QF_DTYPE_FLOAT64 && i < p->count; i++)
    qf_number_store(p->dtype, data, i, ((const double *)copy)[i]);
  for (int64_t i = 0; p->as == QF_DTYPE_INT64 && i < p->count; i++)
    store_integer(p->dtype, data, i, ((const int64_t *)copy)[i]);
}

static void run_call(const QfStep *step, const QfExec *exec)
{
  const Call *call = step->params;
  const void *in[QF_REF_MAX_PORTS];
  void *out[QF_REF_MAX_PORTS + 1];
  for (uint32_t i = 0; i < step->n_in; i++) {
    in[i] = qf_step_in(step, exec, i);
    if (call->in && call->in[i].convert && in[i]) {
      void *copy = exec->scratch + call->in[i].offset;
      load(&call->in[i], in[i], copy);
      in[i] = copy;
    }
  }
  for (uint32_t i = step->n_in; i < QF_REF_MAX_PORTS && i < step->n_in + 8; i++)
    in[i] = NULL; /* so that a run function may look at trailing optional inputs */
  for (uint32_t i = 0; i < step->n_out; i++)
    out[i] =
        call->out && call->out[i].convert ? exec->scratch + call->out[i].offset : qf_step_out(step, exec, i);
  if (call->has_scratch)
    out[step->n_out] = exec->scratch + call->scratch;
  call->run(call->params, in, out);
  for (uint32_t i = 0; i < step->n_out; i++)
    if (call->out && call->out[i].convert)
      store(&call->out[i], out[i], qf_step_out(step, exec, i));
}

/* Which type port @i is converted to; INVALID: none. */
static QfDType port_type(const QfRefPorts *ports, gboolean out, uint32_t i)
{
  uint32_t mask = out ? ports->out : ports->in;
  if (!(i < 32 ? mask >> i & 1 : mask == QF_REF_ALL_PORTS))
    return QF_DTYPE_INVALID;
  return out && i < 32 && (ports->index_out >> i & 1) ? QF_DTYPE_INT64 : ports->as;
}

static const Port *make_ports(QfLower *lower, const QfNode *node, const QfRefPorts *how, gboolean output,
                              size_t *scratch)
{
  QfTensor *const *tensors = output ? node->outputs : node->inputs;
  const uint32_t n = output ? node->n_outputs : node->n_inputs;
  Port *ports = qf_lower_alloc(lower, n * sizeof(*ports));
  for (uint32_t i = 0; i < n; i++) {
    const QfTensor *t = tensors[i];
    QfDType as = port_type(how, output, i);
    if (!t || as == QF_DTYPE_INVALID || t->dtype == as)
      continue;
    ports[i] = (Port){.convert = TRUE,
                      .dtype = t->dtype,
                      .as = as,
                      .count = qf_tensor_count(t),
                      .enc = t->enc,
                      .offset = *scratch};
    if (t->enc.count > 1) {
      ports[i].axis_size = t->dims[t->enc.axis];
      ports[i].inner = qf_dims_count(t->dims + t->enc.axis + 1, t->rank - t->enc.axis - 1);
    }
    *scratch += ((size_t)ports[i].count * qf_dtype_size(as) + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  }
  return ports;
}

static void add(QfLower *lower, const QfNode *node, const char *kernel, Call call, size_t scratch)
{
  Call *copy = qf_lower_alloc(lower, sizeof(*copy));
  *copy = call;
  qf_lower_step(lower, node, QF_REF_UNIT, kernel, run_call, copy, scratch);
}

void qf_ref_lower_as(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                     const void *params, QfRefPorts ports)
{
  size_t scratch = 0;
  Call call = {.run = run, .params = params};
  call.in = make_ports(lower, node, &ports, FALSE, &scratch);
  call.out = make_ports(lower, node, &ports, TRUE, &scratch);
  call.has_scratch = ports.scratch > 0;
  call.scratch = scratch;
  add(lower, node, kernel, call, scratch + ports.scratch);
}

void qf_ref_lower_real(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                       const void *params, uint32_t real_in, uint32_t real_out)
{
  qf_ref_lower_as(lower, node, kernel, run, params,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32, .in = real_in, .out = real_out});
}

void qf_ref_lower_plain(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                        const void *params)
{
  add(lower, node, kernel, (Call){.run = run, .params = params}, 0);
}

gboolean qf_ref_unsupported(const QfNode *node, GError **error, const char *why, const char *remedy)
{
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: node '%s' (%s): %s; %s", node->graph->name,
              node->name, node->op->name, why, remedy);
  return FALSE;
}
