/* SPDX-License-Identifier: MIT */
/*
 * map_signal.c - the Signal operators of TFLite Micro: options from a FlexBuffer, and what they remember from run to run as
 * variables of the model that have no tensor in the file.
 */
#include "emit.h"
#include "flex.h"

#define MAX_ELEMENTS (1 << 24)

typedef struct {
  const char *key;
  uint32_t offset; /* in QfSignalAttrs */
} SignalOption;

#define AT(member) offsetof(QfSignalAttrs, member)
static const SignalOption no_options[] = {{NULL, 0}};
static const SignalOption window_options[] = {{"shift", AT(shift)}, {NULL, 0}};
static const SignalOption fft_options[] = {{"fft_length", AT(length)}, {NULL, 0}};
static const SignalOption energy_options[] = {{"start_index", AT(first)}, {"end_index", AT(last)}, {NULL, 0}};
static const SignalOption bank_options[] = {{"num_channels", AT(channels)}, {NULL, 0}};
static const SignalOption pcan_options[] = {{"snr_shift", AT(shift)}, {NULL, 0}};
static const SignalOption log_options[] = {{"output_scale", AT(scale)},
                                           {"input_correction_bits", AT(bits)},
                                           {NULL, 0}};
static const SignalOption overlap_options[] = {{"frame_step", AT(step)}, {NULL, 0}};
static const SignalOption stacker_options[] = {{"stacker_left_context", AT(left)},
                                               {"stacker_right_context", AT(right)},
                                               {"stacker_step", AT(step)},
                                               {NULL, 0}};
static const SignalOption subtract_options[] = {
    {"smoothing", AT(smoothing[0])},
    {"alternate_smoothing", AT(smoothing[1])},
    {"one_minus_smoothing", AT(keep[0])},
    {"alternate_one_minus_smoothing", AT(keep[1])},
    {"min_signal_remaining", AT(remaining)},
    {"smoothing_bits", AT(bits)},
    {"spectral_subtraction_bits", AT(fraction_bits)},
    {"clamping", AT(clamping)},
    {NULL, 0},
};

static gboolean open_options(const QfTflNode *n, QfFlexMap *map, GError **error)
{
  const QfFlatVector *v = &n->record->custom_options;
  return (v->flat && qf_flex_open(map, v->flat->data + v->at, v->count)) ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its options are damaged");
}

static gboolean get_option(const QfTflNode *n, const QfFlexMap *map, const char *key, int32_t *value,
                           GError **error)
{
  double v = qf_flex_get(map, key, -1);
  *value = v >= 0 && v <= G_MAXINT32 ? (int32_t)v : 0;
  return (v >= 0 && v <= G_MAXINT32) ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its option %s is missing or out of range", key);
}

/* A node of the operator n->row->op with its options. NULL on error. */
static QfNode *new_node(QfTflNode *n, QfTensor *const *in, uint32_t n_in, QfTensor *const *out,
                        uint32_t n_out, GError **error)
{
  const SignalOption *options = n->row->data;
  QfNode *node = qf_tfl_new_node(n, n->row->op, in, n_in, out, n_out);
  QfFlexMap map;
  if (options->key && !open_options(n, &map, error))
    return NULL;
  for (; options->key; options++) {
    int32_t value;
    if (!get_option(n, &map, options->key, &value, error))
      return NULL;
    *(int32_t *)(void *)((char *)node->attrs + options->offset) = value;
  }
  return node;
}

static gboolean map_plain(QfTflNode *n, GError **error)
{
  QfNode *node = new_node(n, n->in, n->n_in, n->out, n->n_out, error);
  return node && qf_tfl_add_node(n, node, error);
}

/* What the operator remembers as @what: zeros at first. NULL on error. */
static QfTflVariable *state(QfTflNode *n, const char *what, QfDType dtype, const int64_t *dims, int32_t rank,
                            GError **error)
{
  g_autofree char *key = g_strdup_printf("operator/%u/%u/%s", n->scope->index, n->index, what);
  g_autofree char *name = g_strconcat(n->name, "/", what, NULL);
  QfTflVariable *v = qf_tfl_variable(n->scope->import, key, name);
  int64_t count = qf_dims_count(dims, rank);
  if (count < 0 || count > MAX_ELEMENTS) {
    qf_tfl_fail(n, error, QF_ERROR_LIMIT, "it remembers more than 2^24 elements");
    return NULL;
  }
  if (!v->like) {
    QfTensor *like = qf_graph_add_tensor(n->graph, name);
    qf_tensor_set_shape(like, dtype, dims, rank);
    v->like = like;
  }
  return v;
}

static gboolean assign(QfTflNode *n, QfTflVariable *v, QfTensor *after, GError **error)
{
  return after && qf_tfl_variable_assign(n->scope, v, after, error);
}

/* Operators whose last inputs and outputs are what they remember: @n_states of them. */
static gboolean add_stateful(QfTflNode *n, QfTflVariable *const *states, uint32_t n_states,
                             QfTensor *const *out, uint32_t n_out, GError **error)
{
  QfTensor *in[4] = {n->in[0]}, *all[4] = {NULL};
  for (uint32_t i = 0; i < n_out; i++)
    all[i] = out[i];
  for (uint32_t i = 0; i < n_states; i++) {
    if (!states[i] || !(in[1 + i] = qf_tfl_variable_now(n->scope, states[i], error)))
      return FALSE;
    all[n_out + i] = qf_tfl_temp(n, "after", NULL);
  }
  QfNode *node = new_node(n, in, 1 + n_states, all, n_out + n_states, error);
  if (!node || !qf_tfl_add_node(n, node, error))
    return FALSE;
  for (uint32_t i = 0; i < n_states; i++)
    if (!assign(n, states[i], all[n_out + i], error))
      return FALSE;
  return TRUE;
}

/* Its second output is the estimate of the noise, which it also remembers. */
static gboolean map_subtract(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfTflVariable *noise = state(n, "noise", QF_DTYPE_UINT32, x->dims, x->rank, error);
  QfTensor *in[] = {n->in[0], noise ? qf_tfl_variable_now(n->scope, noise, error) : NULL};
  QfNode *node = in[1] ? new_node(n, in, 2, n->out, 2, error) : NULL;
  return node && qf_tfl_add_node(n, node, error) && assign(n, noise, n->out[1], error);
}

static gboolean map_overlap_add(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t dims[QF_MAX_RANK];
  if (x->rank < 2)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "frames of %d dimensions; at least 2 are needed", x->rank);
  for (int32_t i = 0; i < x->rank - 2; i++)
    dims[i] = x->dims[i];
  dims[x->rank - 2] = x->dims[x->rank - 1];
  QfTflVariable *v = state(n, "rest", x->dtype, dims, x->rank - 1, error);
  return add_stateful(n, &v, 1, n->out, 1, error);
}

static gboolean map_stacker(QfTflNode *n, GError **error)
{
  int32_t left, right;
  QfFlexMap map;
  if (!open_options(n, &map, error) || !get_option(n, &map, "stacker_left_context", &left, error) ||
      !get_option(n, &map, "stacker_right_context", &right, error))
    return FALSE;
  int64_t frames = (int64_t)left + 1 + right, count = qf_tensor_count(n->in[0]);
  if (count > MAX_ELEMENTS || frames > MAX_ELEMENTS)
    return qf_tfl_fail(n, error, QF_ERROR_LIMIT, "it remembers more than 2^24 elements");
  count *= frames;
  QfTflVariable *states[] = {state(n, "frames", QF_DTYPE_INT16, &count, 1, error),
                             state(n, "fill", QF_DTYPE_INT32, NULL, 0, error)};
  return states[0] && add_stateful(n, states, 2, n->out, 2, error);
}

/* The @length elements remembered, followed by the input, along the last dimension; *v is what remembers. */
static QfTensor *with_history(QfTflNode *n, int64_t length, QfTflVariable **v, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t dims[QF_MAX_RANK];
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = i == x->rank - 1 ? length : x->dims[i];
  if (!(*v = state(n, "history", x->dtype, dims, x->rank, error)))
    return NULL;
  QfTensor *in[] = {qf_tfl_variable_now(n->scope, *v, error), n->in[0]},
           *out = qf_tfl_temp(n, "joined", NULL);
  if (!in[0])
    return NULL;
  QfNode *node = qf_tfl_new_node(n, "Concat", in, 2, &out, 1);
  ((QfConcatAttrs *)node->attrs)->axis = x->rank - 1;
  return qf_tfl_add_node(n, node, error) ? out : NULL;
}

/* @count elements of the last dimension from @from on. */
static QfTensor *part(QfTflNode *n, QfTensor *x, int64_t from, int64_t count, QfTensor *out, GError **error)
{
  QfInts begin = {0}, end = {0};
  if (!x)
    return NULL;
  begin.n = end.n = x->rank;
  for (int32_t i = 0; i < x->rank; i++)
    end.v[i] = x->dims[i];
  begin.v[x->rank - 1] = from;
  end.v[x->rank - 1] = from + count;
  return qf_tfl_emit_slice(n, x, &begin, &end, out, error);
}

static gboolean map_delay(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int32_t length;
  QfFlexMap map;
  QfTflVariable *v;
  if (!open_options(n, &map, error) || !get_option(n, &map, "delay_length", &length, error))
    return FALSE;
  if (x->rank < 1 || length < 1)
    return x->rank < 1 ? qf_tfl_fail(n, error, QF_ERROR_SHAPE, "a signal without dimensions")
                       : qf_tfl_emit_reshape(n, n->in[0], x->dims, x->rank, n->out[0], error) != NULL;
  QfTensor *joined = with_history(n, length, &v, error);
  return part(n, joined, 0, x->dims[x->rank - 1], n->out[0], error) &&
         assign(n, v, part(n, joined, x->dims[x->rank - 1], length, NULL, error), error);
}

/* Indices [frames, size] of the samples of each frame. */
static QfTensor *frame_indices(QfTflNode *n, int64_t frames, int64_t size, int64_t step)
{
  int64_t dims[] = {frames, size};
  int32_t *values = g_new(int32_t, frames * size);
  for (int64_t f = 0; f < frames; f++)
    for (int64_t i = 0; i < size; i++)
      values[f * size + i] = (int32_t)(f * step + i);
  return qf_graph_add_constant(n->graph, NULL, QF_DTYPE_INT32, dims, 2,
                               g_bytes_new_take(values, (gsize)(frames * size) * 4));
}

/* Whether enough samples have come: @needed frames of a step, of which each run brings @frames. */
static gboolean add_valid(QfTflNode *n, int64_t needed, int64_t frames, GError **error)
{
  QfTflVariable *v = state(n, "count", QF_DTYPE_INT32, NULL, 0, error);
  QfTensor *count = v ? qf_tfl_variable_now(n->scope, v, error) : NULL;
  QfTensor *enough = qf_tfl_emit_scalar(n, QF_DTYPE_INT32, (double)needed - 1);
  QfTensor *more = qf_tfl_emit2(n, "ElementWiseAdd", count,
                                qf_tfl_emit_scalar(n, QF_DTYPE_INT32, (double)frames), NULL, error);
  QfTensor *after = qf_tfl_emit2(n, "ElementWiseMinimum", more,
                                 qf_tfl_emit_scalar(n, QF_DTYPE_INT32, 1 << 30), NULL, error);
  return qf_tfl_emit2(n, "ElementWiseGreaterEqual", count, enough, n->out[1], error) &&
         assign(n, v, after, error);
}

/* Prefilled frames end with the newest sample; else they begin with the oldest of as many steps as a frame touches. */
static gboolean map_framer(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int32_t size, step;
  QfFlexMap map;
  QfTflVariable *v;
  if (!open_options(n, &map, error) || !get_option(n, &map, "frame_size", &size, error) ||
      !get_option(n, &map, "frame_step", &step, error))
    return FALSE;
  gboolean prefill = qf_flex_get(&map, "prefill", 0) != 0;
  int64_t length = x->rank ? x->dims[x->rank - 1] : 0, steps = step ? ((int64_t)size + step - 1) / step : 0;
  if (step < 1 || size < step || length < step || length % step || length / step > MAX_ELEMENTS / size)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                       "frames of %d every %d samples do not fit %" G_GINT64_FORMAT " samples", size, step,
                       length);
  int64_t history = prefill ? size - step : (steps - 1) * step, frames = length / step;
  QfTensor *joined = history ? with_history(n, history, &v, error) : n->in[0];
  if (!qf_tfl_emit_gather(n, joined, frame_indices(n, frames, size, step), x->rank - 1, 0, n->out[0], error))
    return FALSE;
  if (history && !assign(n, v, part(n, joined, length, history, NULL, error), error))
    return FALSE;
  if (!prefill && steps > 1)
    return add_valid(n, steps, frames, error);
  static const uint8_t yes = 1;
  qf_tensor_set_shape(n->out[1], QF_DTYPE_BOOL, NULL, 0);
  qf_tensor_set_data(n->graph, n->out[1], g_bytes_new(&yes, 1));
  return TRUE;
}

#define PLAIN(name, n_in, n_out, options)                                                                    \
  {                                                                                                          \
    QF_TFL_OP_CUSTOM, name, map_plain, n_in, n_in, n_out, name, options                                      \
  }

const QfTflRow qf_tfl_signal_rows[] = {
    PLAIN("SignalWindow", 2, 1, window_options),
    PLAIN("SignalFftAutoScale", 1, 2, no_options),
    PLAIN("SignalRfft", 1, 1, fft_options),
    PLAIN("SignalIrfft", 1, 1, fft_options),
    PLAIN("SignalEnergy", 1, 1, energy_options),
    PLAIN("SignalFilterBank", 6, 1, bank_options),
    PLAIN("SignalFilterBankSquareRoot", 2, 1, no_options),
    PLAIN("SignalPCAN", 3, 1, pcan_options),
    PLAIN("SignalFilterBankLog", 1, 1, log_options),
    {QF_TFL_OP_CUSTOM, "SignalFilterBankSpectralSubtraction", map_subtract, 1, 1, 2,
     "SignalFilterBankSpectralSubtraction", subtract_options},
    {QF_TFL_OP_CUSTOM, "SignalOverlapAdd", map_overlap_add, 1, 1, 1, "SignalOverlapAdd", overlap_options},
    {QF_TFL_OP_CUSTOM, "SignalStacker", map_stacker, 1, 1, 2, "SignalStacker", stacker_options},
    {QF_TFL_OP_CUSTOM, "SignalDelay", map_delay, 1, 1, 1, NULL, NULL},
    {QF_TFL_OP_CUSTOM, "SignalFramer", map_framer, 1, 1, 2, NULL, NULL},
    {0},
};
