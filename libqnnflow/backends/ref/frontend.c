/* SPDX-License-Identifier: MIT */
/*
 * frontend.c - rows of the Signal operators: a run function each, over one set of parameters.
 */
#include "ref.h"
#include "../../ops/list.h"
#include "kernels/frontend/frontend.h"

#include <math.h>

#define RUN(name, ...)                                                                                       \
  static void run_##name(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    const QfkFrontend *p = params;                                                                           \
    qfk_frontend_##name##_ref(p, __VA_ARGS__);                                                               \
  }
RUN(window, in[0], in[1], out[0])
RUN(auto_scale, in[0], out[0], out[1])
RUN(rfft, in[0], out[0])
RUN(irfft, in[0], out[0])
RUN(energy, in[0], out[0])
RUN(filter_bank, in[0], in[1], in[2], in[3], in[4], in[5], out[0])
RUN(square_root, in[0], in[1], out[0])
RUN(subtract, in[0], in[1], out[0], out[1])
RUN(pcan, in[0], in[1], in[2], out[0])
RUN(log, in[0], out[0])
RUN(overlap_add, in[0], in[1], out[0], out[1])
RUN(stack, in[0], in[1], in[2], out[0], out[1], out[2], out[3])

static const struct {
  const QfOpDef *op;
  QfRefFunc run;
  const char *kernel;
  gboolean rows; /* n is the last dimension, else all elements */
} kinds[] = {
    {&qf_op_SignalWindow, run_window, "frontend_window_ref", TRUE},
    {&qf_op_SignalFftAutoScale, run_auto_scale, "frontend_auto_scale_ref", FALSE},
    {&qf_op_SignalRfft, run_rfft, "frontend_rfft_ref", TRUE},
    {&qf_op_SignalIrfft, run_irfft, "frontend_irfft_ref", TRUE},
    {&qf_op_SignalEnergy, run_energy, "frontend_energy_ref", FALSE},
    {&qf_op_SignalFilterBank, run_filter_bank, "frontend_filter_bank_ref", FALSE},
    {&qf_op_SignalFilterBankSquareRoot, run_square_root, "frontend_square_root_ref", FALSE},
    {&qf_op_SignalFilterBankSpectralSubtraction, run_subtract, "frontend_subtract_ref", FALSE},
    {&qf_op_SignalPCAN, run_pcan, "frontend_pcan_ref", FALSE},
    {&qf_op_SignalFilterBankLog, run_log, "frontend_log_ref", FALSE},
    {&qf_op_SignalOverlapAdd, run_overlap_add, "frontend_overlap_add_ref", TRUE},
    {&qf_op_SignalStacker, run_stack, "frontend_stack_ref", FALSE},
};

static void copy_attrs(QfkFrontend *p, const QfSignalAttrs *a)
{
  p->shift = a->shift;
  p->length = a->length;
  p->first = a->first;
  p->last = a->last;
  p->step = a->step;
  p->left = a->left;
  p->right = a->right;
  p->scale = a->scale;
  p->bits = a->bits;
  p->remaining = a->remaining;
  p->fraction_bits = a->fraction_bits;
  p->clamping = a->clamping;
  for (int i = 0; i < 2; i++) {
    p->smoothing[i] = a->smoothing[i];
    p->keep[i] = a->keep[i];
  }
}

static const double *cosines(QfLower *lower, int32_t length)
{
  double *table = qf_lower_alloc(lower, (size_t)length * sizeof(*table));
  for (int32_t i = 0; i < length; i++)
    table[i] = cos(2 * M_PI * i / length);
  return table;
}

gboolean qf_ref_lower_frontend(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  QfkFrontend *p = qf_lower_alloc(lower, sizeof(*p));
  size_t kind = 0, count = (size_t)qf_tensor_count(x);
  while (kinds[kind].op != node->op)
    kind++;
  copy_attrs(p, node->attrs);
  p->n = kinds[kind].rows ? (size_t)x->dims[x->rank - 1] : count;
  p->outer = p->n ? count / p->n : 0;
  p->frames = 1;
  p->type = x->dtype == QF_DTYPE_INT16   ? QFK_FRONTEND_S16
            : x->dtype == QF_DTYPE_INT32 ? QFK_FRONTEND_S32
                                         : QFK_FRONTEND_F32;
  if (node->op == &qf_op_SignalFilterBank) {
    p->inputs = count;
    p->weights = (size_t)qf_tensor_count(node->inputs[1]);
    p->n = (size_t)qf_tensor_count(node->outputs[0]);
  } else if (node->op == &qf_op_SignalOverlapAdd) {
    p->frames = (size_t)x->dims[x->rank - 2];
    p->outer = p->frames ? p->outer / p->frames : 0;
  } else if (node->op == &qf_op_SignalRfft || node->op == &qf_op_SignalIrfft)
    p->cosine = cosines(lower, p->length);
  qf_ref_lower_plain(lower, node, kinds[kind].kernel, kinds[kind].run, p);
  return TRUE;
}
