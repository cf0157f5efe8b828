/* SPDX-License-Identifier: MIT */
/*
 * svdf.c - the row of Svdf, on floats and on 8-bit data with a 16-bit state.
 */
#include "encoded.h"
#include "kernels/recurrent/svdf.h"

#include <string.h>

typedef struct {
  QfkSvdfInt q; /* of the float form only the shape */
  size_t state_bytes;
} Params;

static void move_state(const Params *p, const void *const *in, void *const *out)
{
  if (in[4] != out[1])
    memcpy(out[1], in[4], p->state_bytes);
}

static void run_real(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  move_state(p, in, out);
  qfk_svdf_f32_ref(&p->q.shape, in[0], in[1], in[2], in[3], out[1], out[0], out[2]);
}

static void run_int(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  move_state(p, in, out);
  qfk_svdf_s8_ref(&p->q, in[0], in[1], in[2], in[3], out[1], out[0]);
}

/* Data and features of 8 bits, weights over time and state of 16, with the multipliers. */
static gboolean fill_integers(QfkSvdfInt *q, const QfNode *node)
{
  const QfTensor *bias = node->inputs[3], *ports[] = {node->inputs[0], node->inputs[1], node->outputs[0],
                                                      node->inputs[2], node->inputs[4]};
  QfkEncoding e[5];
  for (int i = 0; i < 5; i++)
    if (!qf_ref_is_encoded(ports[i], &e[i]) || e[i].type != (i < 3 ? QFK_S8 : QFK_S16) ||
        (i != 0 && i != 2 && e[i].zero))
      return FALSE;
  if ((bias && bias->dtype != QF_DTYPE_INT32) ||
      (q->shape.act.type != QFK_CELL_RELU && q->shape.act.type != QFK_CELL_AFFINE))
    return FALSE;
  q->x_zero = e[0].zero;
  q->y_zero = e[2].zero;
  q->lo = INT8_MIN; /* the peer asks for Relu and leaves it to the output's range */
  q->hi = INT8_MAX;
  q->feature_scale = qfk_fixed_from_real((double)e[1].scale * (double)e[0].scale / (double)e[4].scale);
  q->out_scale = qfk_fixed_from_real((double)e[4].scale * (double)e[3].scale / (double)e[2].scale);
  return TRUE;
}

gboolean qf_ref_lower_svdf(QfLower *lower, QfNode *node, GError **error)
{
  const QfSvdfAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *time = node->inputs[2]->dims;
  const size_t count = (size_t)qf_tensor_count(node->inputs[4]);
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  p->q.shape = (QfkSvdf){.batch = (size_t)x[0],
                         .input = (size_t)x[1],
                         .filters = (size_t)time[0],
                         .memory = (size_t)time[1],
                         .rank = (size_t)a->rank,
                         .hybrid = lower->requant == QF_REQUANT_TFLITE ? a->hybrid : 0,
                         .act = {a->act, a->alpha, a->beta}};
  if (fill_integers(&p->q, node)) {
    p->state_bytes = count * sizeof(int16_t);
    qf_ref_lower_plain(lower, node, "svdf_s8_ref", run_int, p);
    return TRUE;
  }
  p->state_bytes = count * sizeof(float);
  qf_ref_lower_as(lower, node, "svdf_f32_ref", run_real, p,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32,
                               .in = QF_REF_ALL_PORTS,
                               .out = QF_REF_ALL_PORTS,
                               .scratch = (p->q.shape.input + 1) * sizeof(float)});
  return TRUE;
}
