/* SPDX-License-Identifier: MIT */
/*
 * frontend.c - what the Signal operators mean: audio front ends in fixed point, as TFLite Micro has them (attrs.h lists inputs
 * and outputs). A transform takes time with the square of its length, which is bounded here. Numbers: kernels/frontend.
 */
#include "list.h"
#include "infer.h"

#define MAX_LENGTH 8192

#define SIGNAL_ATTR(name, member, count, def)                                                                \
  {                                                                                                          \
    name, QF_ATTR_INT, offsetof(QfSignalAttrs, member), count, def, NULL                                     \
  }

static const QfAttrDef shift_attrs[] = {SIGNAL_ATTR("shift", shift, 1, 0), {NULL}};
static const QfAttrDef length_attrs[] = {SIGNAL_ATTR("fft_length", length, 1, 4), {NULL}};
static const QfAttrDef energy_attrs[] = {SIGNAL_ATTR("start_index", first, 1, 0),
                                         SIGNAL_ATTR("end_index", last, 1, 0),
                                         {NULL}};
static const QfAttrDef bank_attrs[] = {SIGNAL_ATTR("num_channels", channels, 1, 1), {NULL}};
static const QfAttrDef log_attrs[] = {SIGNAL_ATTR("output_scale", scale, 1, 1),
                                      SIGNAL_ATTR("input_correction_bits", bits, 1, 0),
                                      {NULL}};
static const QfAttrDef step_attrs[] = {SIGNAL_ATTR("frame_step", step, 1, 1), {NULL}};
static const QfAttrDef stacker_attrs[] = {SIGNAL_ATTR("left_context", left, 1, 0),
                                          SIGNAL_ATTR("right_context", right, 1, 0),
                                          SIGNAL_ATTR("step", step, 1, 1),
                                          {NULL}};
static const QfAttrDef subtract_attrs[] = {SIGNAL_ATTR("smoothing", smoothing, 2, 0),
                                           SIGNAL_ATTR("one_minus_smoothing", keep, 2, 0),
                                           SIGNAL_ATTR("min_signal_remaining", remaining, 1, 0),
                                           SIGNAL_ATTR("smoothing_bits", bits, 1, 0),
                                           SIGNAL_ATTR("spectral_subtraction_bits", fraction_bits, 1, 14),
                                           {"clamping", QF_ATTR_BOOL, offsetof(QfSignalAttrs, clamping), 1, 0,
                                            NULL},
                                           {NULL}};

static gboolean check_type(const QfNode *node, uint32_t i, QfDType dtype, GError **error)
{
  const QfTensor *t = node->inputs[i];
  return t->dtype == dtype ||
         qf_infer_fail(error, QF_ERROR_TYPE, "input %u (%s) must be %s, but is %s: add a Cast", i, t->name,
                       qf_dtype_name(dtype), qf_dtype_name(t->dtype));
}

static gboolean check_range(const char *what, int32_t value, int32_t min, int32_t max, GError **error)
{
  return (value >= min && value <= max) ||
         qf_infer_fail(error, QF_ERROR_FORMAT, "%s is %d, but must be %d to %d: fix the model", what, value,
                       min, max);
}

static gboolean check_count(const QfNode *node, uint32_t i, int64_t count, GError **error)
{
  return qf_tensor_count(node->inputs[i]) == count ||
         qf_infer_fail(error, QF_ERROR_SHAPE,
                       "input %u (%s) has %" G_GINT64_FORMAT " elements, not %" G_GINT64_FORMAT, i,
                       node->inputs[i]->name, qf_tensor_count(node->inputs[i]), count);
}

/* Types of the inputs from @first on, which are one list. */
static gboolean begin(QfNode *node, const QfDType *types, GError **error)
{
  if (!qf_infer_begin(node, error))
    return FALSE;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (types[i] != QF_DTYPE_INVALID && !check_type(node, i, types[i], error))
      return FALSE;
  return TRUE;
}

static gboolean infer_window(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_INT16, QF_DTYPE_INT16};
  const QfSignalAttrs *a = node->attrs;
  if (!begin(node, types, error) || !qf_infer_rank(node, 0, 1, QF_MAX_RANK, error) ||
      !check_range("shift", a->shift, 0, 31, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  return check_count(node, 1, x->dims[x->rank - 1], error) && qf_infer_like(node, 0, x, error);
}

static gboolean infer_auto_scale(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_INT16};
  return begin(node, types, error) && qf_infer_like(node, 0, node->inputs[0], error) &&
         qf_infer_set(node, 1, QF_DTYPE_INT32, NULL, 0, error);
}

static gboolean infer_transform(QfNode *node, gboolean inverse, GError **error)
{
  const QfSignalAttrs *a = node->attrs;
  int64_t dims[QF_MAX_RANK];
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 1, QF_MAX_RANK, error) ||
      !check_range("fft_length", a->length, 4, MAX_LENGTH, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int32_t last = x->rank - 1;
  if (x->dtype != QF_DTYPE_INT16 && x->dtype != QF_DTYPE_INT32 && x->dtype != QF_DTYPE_FLOAT32)
    return qf_infer_fail(error, QF_ERROR_TYPE,
                         "input 0 (%s) must be int16, int32 or float32, but is %s: add a Cast", x->name,
                         qf_dtype_name(x->dtype));
  if (a->length % 4 || (inverse ? x->dims[last] != a->length + 2 : x->dims[last] > a->length))
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "rows of %" G_GINT64_FORMAT
                         " do not fit a transform of %d, which must be a multiple of 4",
                         x->dims[last], a->length);
  if (qf_tensor_data(x) && qf_infer_product((uint64_t)qf_tensor_count(x), (uint64_t)a->length) > 1 << 28)
    return qf_infer_fail(error, QF_ERROR_LIMIT,
                         "computing it from constants takes too long: use smaller ones");
  for (int32_t i = 0; i < last; i++)
    dims[i] = x->dims[i];
  dims[last] = inverse ? a->length : a->length + 2;
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

static gboolean infer_rfft(QfNode *node, GError **error)
{
  return infer_transform(node, FALSE, error);
}

static gboolean infer_irfft(QfNode *node, GError **error)
{
  return infer_transform(node, TRUE, error);
}

static gboolean infer_energy(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_INT16};
  if (!begin(node, types, error))
    return FALSE;
  int64_t bins = qf_tensor_count(node->inputs[0]) / 2;
  return qf_infer_set(node, 0, QF_DTYPE_UINT32, &bins, 1, error);
}

static gboolean infer_filter_bank(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_UINT32, QF_DTYPE_INT16, QF_DTYPE_INT16,
                                  QF_DTYPE_INT16,  QF_DTYPE_INT16, QF_DTYPE_INT16};
  const QfSignalAttrs *a = node->attrs;
  if (!begin(node, types, error) || !check_range("num_channels", a->channels, 1, 1 << 20, error))
    return FALSE;
  int64_t channels = a->channels;
  for (uint32_t i = 3; i < 6; i++)
    if (!check_count(node, i, channels + 1, error))
      return FALSE;
  return check_count(node, 2, qf_tensor_count(node->inputs[1]), error) &&
         qf_infer_set(node, 0, QF_DTYPE_UINT64, &channels, 1, error);
}

static gboolean infer_square_root(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_UINT64, QF_DTYPE_INT32};
  return begin(node, types, error) && check_count(node, 1, 1, error) &&
         qf_infer_set(node, 0, QF_DTYPE_UINT32, node->inputs[0]->dims, node->inputs[0]->rank, error);
}

static gboolean infer_subtract(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_UINT32, QF_DTYPE_UINT32};
  const QfSignalAttrs *a = node->attrs;
  if (!begin(node, types, error) || !check_range("smoothing_bits", a->bits, 0, 31, error) ||
      !check_range("spectral_subtraction_bits", a->fraction_bits, 0, 31, error))
    return FALSE;
  for (int i = 0; i < 2; i++)
    if (!check_range("smoothing", a->smoothing[i], 0, INT32_MAX, error) ||
        !check_range("one_minus_smoothing", a->keep[i], 0, INT32_MAX, error))
      return FALSE;
  return check_range("min_signal_remaining", a->remaining, 0, INT32_MAX, error) &&
         check_count(node, 1, qf_tensor_count(node->inputs[0]), error) &&
         qf_infer_like(node, 0, node->inputs[0], error) && qf_infer_like(node, 1, node->inputs[1], error);
}

static gboolean infer_pcan(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_UINT32, QF_DTYPE_UINT32, QF_DTYPE_INT16};
  const QfSignalAttrs *a = node->attrs;
  if (!begin(node, types, error) || !check_range("snr_shift", a->shift, 0, 63, error) ||
      !check_count(node, 1, qf_tensor_count(node->inputs[0]), error))
    return FALSE;
  if (qf_tensor_count(node->inputs[2]) < 125)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "its table has %" G_GINT64_FORMAT " values, but 125 are needed",
                         qf_tensor_count(node->inputs[2]));
  return qf_infer_like(node, 0, node->inputs[0], error);
}

static gboolean infer_log(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_UINT32};
  const QfSignalAttrs *a = node->attrs;
  return begin(node, types, error) && check_range("input_correction_bits", a->bits, 0, 31, error) &&
         check_range("output_scale", a->scale, 0, INT32_MAX, error) &&
         qf_infer_set(node, 0, QF_DTYPE_INT16, node->inputs[0]->dims, node->inputs[0]->rank, error);
}

static gboolean infer_overlap_add(QfNode *node, GError **error)
{
  const QfSignalAttrs *a = node->attrs;
  int64_t dims[QF_MAX_RANK];
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, QF_MAX_RANK, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int32_t rank = x->rank;
  if (x->dtype != QF_DTYPE_INT16 && x->dtype != QF_DTYPE_FLOAT32)
    return qf_infer_fail(error, QF_ERROR_TYPE, "input 0 (%s) must be int16 or float32, but is %s: add a Cast",
                         x->name, qf_dtype_name(x->dtype));
  if (!check_type(node, 1, x->dtype, error) ||
      !check_range("frame_step", a->step, 1, (int32_t)MIN(x->dims[rank - 1], G_MAXINT32), error) ||
      !check_count(node, 1, qf_dims_count(x->dims, rank - 2) * x->dims[rank - 1], error))
    return FALSE;
  for (int32_t i = 0; i < rank - 1; i++)
    dims[i] = x->dims[i];
  if (__builtin_mul_overflow(dims[rank - 2], (int64_t)a->step, &dims[rank - 2]))
    return qf_infer_fail(error, QF_ERROR_LIMIT, "its output is too large");
  return qf_infer_set(node, 0, x->dtype, dims, rank - 1, error) &&
         qf_infer_like(node, 1, node->inputs[1], error);
}

static gboolean infer_stacker(QfNode *node, GError **error)
{
  static const QfDType types[] = {QF_DTYPE_INT16, QF_DTYPE_INT16, QF_DTYPE_INT32};
  const QfSignalAttrs *a = node->attrs;
  if (!begin(node, types, error) || !check_range("left_context", a->left, 0, 4096, error) ||
      !check_range("right_context", a->right, 0, 4096, error) ||
      !check_range("step", a->step, 1, 8193, error))
    return FALSE;
  int64_t count = qf_tensor_count(node->inputs[0]);
  if (count > 1 << 24)
    return qf_infer_fail(error, QF_ERROR_LIMIT, "its frames have more than 2^24 elements");
  count *= a->left + 1 + a->right;
  return check_count(node, 1, count, error) && check_count(node, 2, 1, error) &&
         qf_infer_set(node, 0, QF_DTYPE_INT16, &count, 1, error) &&
         qf_infer_set(node, 1, QF_DTYPE_BOOL, NULL, 0, error) &&
         qf_infer_like(node, 2, node->inputs[1], error) && qf_infer_like(node, 3, node->inputs[2], error);
}

#define SIGNAL_OP(Name, text, inputs, outputs, infer_fn, table)                                              \
  const QfOpDef qf_op_Signal##Name = {                                                                       \
      .name = "Signal" #Name,                                                                                \
      .summary = text,                                                                                       \
      .min_inputs = inputs,                                                                                  \
      .max_inputs = inputs,                                                                                  \
      .min_outputs = outputs,                                                                                \
      .max_outputs = outputs,                                                                                \
      .attrs_size = sizeof(QfSignalAttrs),                                                                   \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_NONE,                                                                                \
      .infer = infer_fn,                                                                                     \
  };

SIGNAL_OP(Window, "y = x * w >> shift", 2, 1, infer_window, shift_attrs)
SIGNAL_OP(FftAutoScale, "shifts left as far as 16 bits allow", 1, 2, infer_auto_scale, NULL)
SIGNAL_OP(Rfft, "spectrum of a real signal; integers are divided by the length", 1, 1, infer_rfft,
          length_attrs)
SIGNAL_OP(Irfft, "the inverse of SignalRfft", 1, 1, infer_irfft, length_attrs)
SIGNAL_OP(Energy, "re^2 + im^2 of some bins", 1, 1, infer_energy, energy_attrs)
SIGNAL_OP(FilterBank, "sums over overlapping triangles", 6, 1, infer_filter_bank, bank_attrs)
SIGNAL_OP(FilterBankSquareRoot, "y = round(sqrt(x)) >> bits", 2, 1, infer_square_root, NULL)
SIGNAL_OP(FilterBankSpectralSubtraction, "takes a running estimate of the noise off", 2, 2, infer_subtract,
          subtract_attrs)
SIGNAL_OP(PCAN, "gain control for each channel by its noise", 3, 1, infer_pcan, shift_attrs)
SIGNAL_OP(FilterBankLog, "y = scale * ln(x << bits)", 1, 1, infer_log, log_attrs)
SIGNAL_OP(OverlapAdd, "adds frames that overlap", 2, 2, infer_overlap_add, step_attrs)
SIGNAL_OP(Stacker, "joins a frame with those around it", 3, 4, infer_stacker, stacker_attrs)
