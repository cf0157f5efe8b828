/* SPDX-License-Identifier: MIT */
/*
 * real.c - steps of the reference backend: on the tensors as they are, or on real numbers with conversion at the ports.
 */
#include "ref.h"
#include "../../graph/numbers.h"

#include <math.h>
#include <string.h>

#define MAX_PORTS 64

/* How one tensor is converted. */
typedef struct {
  gboolean convert;
  QfDType dtype;
  int64_t count;
  QfEncoding enc;
  int64_t inner, axis_size; /* per-axis encodings: elements below the axis, and along it */
  size_t offset;            /* of the float32 copy in the scratch */
} Port;

typedef struct {
  QfRefFunc run;
  const void *params;
  const Port *in, *out; /* NULL: as they are */
} Call;

static void load_real(const Port *p, const void *data, float *real)
{
  for (int64_t i = 0; i < p->count; i++) {
    if (!p->enc.count) {
      real[i] = (float)qf_number_real(p->dtype, data, i);
      continue;
    }
    const QfScaleOffset *e = &p->enc.entries[p->enc.count > 1 ? i / p->inner % p->axis_size : 0];
    real[i] = (float)(qf_number_int(p->dtype, data, i) + e->offset) * e->scale;
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

static void run_call(const QfStep *step, const QfExec *exec)
{
  const Call *call = step->params;
  const void *in[MAX_PORTS];
  void *out[MAX_PORTS];
  for (uint32_t i = 0; i < step->n_in; i++) {
    in[i] = qf_step_in(step, exec, i);
    if (call->in && call->in[i].convert && in[i]) {
      float *real = (float *)(void *)(exec->scratch + call->in[i].offset);
      load_real(&call->in[i], in[i], real);
      in[i] = real;
    }
  }
  for (uint32_t i = step->n_in; i < MAX_PORTS && i < step->n_in + 8; i++)
    in[i] = NULL; /* so that a run function may look at trailing optional inputs */
  for (uint32_t i = 0; i < step->n_out; i++)
    out[i] =
        call->out && call->out[i].convert ? exec->scratch + call->out[i].offset : qf_step_out(step, exec, i);
  call->run(call->params, in, out);
  for (uint32_t i = 0; i < step->n_out; i++)
    if (call->out && call->out[i].convert)
      store_real(&call->out[i], out[i], qf_step_out(step, exec, i));
}

static const Port *make_ports(QfLower *lower, QfTensor *const *tensors, uint32_t n, uint32_t mask,
                              size_t *scratch)
{
  Port *ports = qf_lower_alloc(lower, n * sizeof(*ports));
  for (uint32_t i = 0; i < n; i++) {
    const QfTensor *t = tensors[i];
    if (!t || !(i < 32 ? mask >> i & 1 : mask == QF_REF_ALL_PORTS) || t->dtype == QF_DTYPE_FLOAT32)
      continue;
    ports[i] = (Port){
        .convert = TRUE, .dtype = t->dtype, .count = qf_tensor_count(t), .enc = t->enc, .offset = *scratch};
    if (t->enc.count > 1) {
      ports[i].axis_size = t->dims[t->enc.axis];
      ports[i].inner = qf_dims_count(t->dims + t->enc.axis + 1, t->rank - t->enc.axis - 1);
    }
    *scratch += ((size_t)ports[i].count * sizeof(float) + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  }
  return ports;
}

static void add(QfLower *lower, const QfNode *node, const char *kernel, Call call, size_t scratch)
{
  Call *copy = qf_lower_alloc(lower, sizeof(*copy));
  *copy = call;
  qf_lower_step(lower, node, QF_REF_UNIT, kernel, run_call, copy, scratch);
}

void qf_ref_lower_real(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                       const void *params, uint32_t real_in, uint32_t real_out)
{
  size_t scratch = 0;
  Call call = {run, params, NULL, NULL};
  call.in = make_ports(lower, node->inputs, node->n_inputs, real_in, &scratch);
  call.out = make_ports(lower, node->outputs, node->n_outputs, real_out, &scratch);
  add(lower, node, kernel, call, scratch);
}

void qf_ref_lower_plain(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                        const void *params)
{
  add(lower, node, kernel, (Call){run, params, NULL, NULL}, 0);
}

gboolean qf_ref_unsupported(const QfNode *node, GError **error, const char *why, const char *remedy)
{
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: node '%s' (%s): %s; %s", node->graph->name,
              node->name, node->op->name, why, remedy);
  return FALSE;
}
