/* SPDX-License-Identifier: MIT */
/*
 * recurrent.c - what Lstm, Gru and Rnn mean; inputs and their order are in attrs.h. One definition serves the formats: ONNX's
 * layers as they are, TFLite's with projection, layer normalisation and coupled gates, in one or two directions.
 * Numbers: kernels/recurrent.
 */
#include "list.h"
#include "infer.h"

#define REC(member) offsetof(QfRecurrentAttrs, member)

static const char *const direction_names[] = {"forward", "reverse", "bidirectional", NULL};
static const char *const coupled_names[] = {"none", "forget_is_rest", "input_is_rest", NULL};
static const char *const hybrid_names[] = {"none", "symmetric", "asymmetric", NULL};

static const QfAttrDef recurrent_attrs[] = {
    {"direction", QF_ATTR_ENUM, REC(direction), 1, 0, direction_names},
    {"batch_major", QF_ATTR_BOOL, REC(batch_major), 1, 0, NULL},
    {"linear_before_reset", QF_ATTR_BOOL, REC(linear_before_reset), 1, 0, NULL},
    {"coupled", QF_ATTR_ENUM, REC(coupled), 1, 0, coupled_names},
    {"clip", QF_ATTR_FLOAT, REC(clip), 1, 0, NULL},
    {"cell_clip_threshold", QF_ATTR_FLOAT, REC(cell_clip), 1, 0, NULL},
    {"output_clip_threshold", QF_ATTR_FLOAT, REC(state_clip), 1, 0, NULL},
    {"epsilon", QF_ATTR_FLOAT, REC(epsilon), 1, 1e-8, NULL},
    {"activations", QF_ATTR_INT, REC(act), 6, 0, NULL},
    {"activation_alpha", QF_ATTR_FLOAT, REC(alpha), 6, 0, NULL},
    {"activation_beta", QF_ATTR_FLOAT, REC(beta), 6, 0, NULL},
    {"hidden_scale", QF_ATTR_FLOAT, REC(hidden_scale), 1, 0, NULL},
    {"hidden_offset", QF_ATTR_INT, REC(hidden_offset), 1, 0, NULL},
    {"gate_scale", QF_ATTR_FLOAT, REC(gate_scale), 4, 0, NULL},
    {"hybrid", QF_ATTR_ENUM, REC(hybrid), 1, 0, hybrid_names},
    {NULL},
};

/* sigmoid, then tanh. */
static void init_gated(void *attrs)
{
  QfRecurrentAttrs *a = attrs;
  for (int i = 0; i < 6; i++)
    a->act[i] = i % 3 ? QF_CELL_TANH : QF_CELL_SIGMOID;
}

static void init_plain(void *attrs)
{
  QfRecurrentAttrs *a = attrs;
  for (int i = 0; i < 6; i++)
    a->act[i] = QF_CELL_TANH;
}

/* What the inputs say. */
typedef struct {
  int64_t steps, batch, input, directions, gates, hidden, state;
} Sizes;

static gboolean check_attrs(const QfRecurrentAttrs *a, GError **error)
{
  if (a->direction < 0 || a->direction > 2 || a->coupled < 0 || a->coupled > 2 || a->hybrid < 0 ||
      a->hybrid > 2)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "direction %d, coupled %d or hybrid %d is not known",
                         a->direction, a->coupled, a->hybrid);
  for (int i = 0; i < 6; i++)
    if (a->act[i] < 0 || a->act[i] >= QF_N_CELL_ACTIVATIONS)
      return qf_infer_fail(error, QF_ERROR_FORMAT, "activation %d is not known", a->act[i]);
  return TRUE;
}

static gboolean read_sizes(const QfNode *node, Sizes *s, GError **error)
{
  const QfRecurrentAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims, *r = node->inputs[2]->dims;
  s->steps = x[a->batch_major ? 1 : 0];
  s->batch = x[a->batch_major ? 0 : 1];
  s->input = x[2];
  s->directions = a->direction == 2 ? 2 : 1;
  s->gates = node->op == &qf_op_Lstm ? 4 : node->op == &qf_op_Gru ? 3 : 1;
  s->hidden = w[1] / s->gates;
  s->state = r[2];
  gboolean projected = qf_infer_in(node, 8) != NULL;
  if (s->hidden < 1 || s->state < 1 || w[1] % s->gates || w[0] != s->directions || r[0] != s->directions ||
      r[1] != w[1] || w[2] != s->input || (!projected && s->state != s->hidden)) {
    g_autofree char *sx = qf_dims_to_string(x, 3), *sw = qf_dims_to_string(w, 3),
                    *sr = qf_dims_to_string(r, 3);
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "x %s, w %s and r %s do not fit: w must be [%" G_GINT64_FORMAT
                         " directions, %" G_GINT64_FORMAT " x hidden, input] and r the same with state",
                         sx, sw, sr, s->directions, s->gates);
  }
  return TRUE;
}

/* Input @index, when present, has these dimensions and is float or quantized. */
static gboolean check_input(const QfNode *node, uint32_t index, const char *what, const int64_t *dims,
                            int32_t rank, GError **error)
{
  const QfTensor *t = qf_infer_in(node, index);
  gboolean fits = !t || t->rank == rank;
  for (int32_t i = 0; t && fits && i < rank; i++)
    fits = t->dims[i] == dims[i];
  if (fits)
    return TRUE;
  g_autofree char *got = qf_dims_to_string(t->dims, t->rank), *need = qf_dims_to_string(dims, rank);
  return qf_infer_fail(error, QF_ERROR_SHAPE, "%s is %s, but must be %s", what, got, need);
}

static gboolean check_types(const QfNode *node, GError **error)
{
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    if (!t || i == 4 || ((i == 3 || i == 9) && t->dtype == QF_DTYPE_INT32))
      continue;
    if (!qf_infer_numbers(node, i, QF_NUMBERS_REAL, error))
      return FALSE;
  }
  const QfTensor *lengths = qf_infer_in(node, 4);
  return !lengths || lengths->dtype == QF_DTYPE_INT32 ||
         qf_infer_fail(error, QF_ERROR_TYPE, "the lengths (%s) must be int32, but are %s", lengths->name,
                       qf_dtype_name(lengths->dtype));
}

static gboolean check_optional(const QfNode *node, const Sizes *s, GError **error)
{
  const int64_t d = s->directions, h = s->hidden, p = s->state;
  return check_input(node, 3, "the bias", (const int64_t[]){d, 2 * s->gates * h}, 2, error) &&
         check_input(node, 4, "the list of lengths", (const int64_t[]){s->batch}, 1, error) &&
         check_input(node, 5, "the first state", (const int64_t[]){d, s->batch, p}, 3, error) &&
         check_input(node, 6, "the first cell", (const int64_t[]){d, s->batch, h}, 3, error) &&
         check_input(node, 7, "the peephole", (const int64_t[]){d, 3 * h}, 2, error) &&
         check_input(node, 8, "the projection", (const int64_t[]){d, p, h}, 3, error) &&
         check_input(node, 9, "the projection's bias", (const int64_t[]){d, p}, 2, error) &&
         check_input(node, 10, "the normalisation", (const int64_t[]){d, 4 * h}, 2, error);
}

static gboolean infer_recurrent(QfNode *node, GError **error)
{
  const QfRecurrentAttrs *a = node->attrs;
  Sizes s;
  if (!qf_infer_begin(node, error) || !check_attrs(a, error) || !check_types(node, error))
    return FALSE;
  for (uint32_t i = 0; i < 3; i++)
    if (!qf_infer_rank(node, i, 3, 3, error))
      return FALSE;
  if (!read_sizes(node, &s, error) || !check_optional(node, &s, error))
    return FALSE;
  const QfDType dtype = node->inputs[0]->dtype;
  const int64_t y[2][4] = {{s.steps, s.directions, s.batch, s.state},
                           {s.batch, s.steps, s.directions, s.state}};
  const int64_t h[] = {s.directions, s.batch, s.state}, c[] = {s.directions, s.batch, s.hidden};
  const QfTensor *cell = qf_infer_in(node, 6);
  return qf_infer_set(node, 0, dtype, y[a->batch_major ? 1 : 0], 4, error) &&
         (node->n_outputs < 2 || qf_infer_set(node, 1, dtype, h, 3, error)) &&
         (node->n_outputs < 3 || qf_infer_set(node, 2, cell ? cell->dtype : dtype, c, 3, error));
}

static uint64_t macs_recurrent(const QfNode *node)
{
  const int64_t *w = node->inputs[1]->dims, *r = node->inputs[2]->dims;
  uint64_t rows = qf_infer_product((uint64_t)w[0], (uint64_t)w[1]);
  uint64_t steps = qf_infer_product((uint64_t)node->inputs[0]->dims[0], (uint64_t)node->inputs[0]->dims[1]);
  return qf_infer_product(qf_infer_product(rows, steps), (uint64_t)w[2] + (uint64_t)r[2]);
}

#define RECURRENT(Name, text, inputs_max, outputs_max, init_fn)                                              \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 3,                                                                                       \
      .max_inputs = inputs_max,                                                                              \
      .min_outputs = 1,                                                                                      \
      .max_outputs = outputs_max,                                                                            \
      .attrs_size = sizeof(QfRecurrentAttrs),                                                                \
      .attrs = recurrent_attrs,                                                                              \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_ANY,                                                                                 \
      .infer = infer_recurrent,                                                                              \
      .macs = macs_recurrent,                                                                                \
      .init = init_fn,                                                                                       \
  };

RECURRENT(Lstm, "c = f c + i g(x w + h r + b), h = o h(c)", 11, 3, init_gated)
RECURRENT(Gru, "h = z h + (1 - z) g(x w + (r h) r + b)", 6, 2, init_gated)
RECURRENT(Rnn, "h = f(x w + h r + b)", 6, 2, init_plain)
