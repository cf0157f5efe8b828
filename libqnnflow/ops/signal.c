/* SPDX-License-Identifier: MIT */
/*
 * signal.c - what DFT and TfIdfVectorizer mean. Numbers: kernels/signal.
 */
#include "list.h"
#include "infer.h"

#define DFT_ATTR(member) offsetof(QfDftAttrs, member)
#define NGRAM(member) offsetof(QfTfIdfAttrs, member)

static const QfAttrDef dft_attrs[] = {
    {"axis", QF_ATTR_AXIS, DFT_ATTR(axis), 1, 0, NULL},
    {"length", QF_ATTR_INT, DFT_ATTR(length), 1, 1, NULL},
    {"inverse", QF_ATTR_BOOL, DFT_ATTR(inverse), 1, 0, NULL},
    {"onesided", QF_ATTR_BOOL, DFT_ATTR(onesided), 1, 0, NULL},
    {NULL},
};

static const char *const weightings[] = {"TF", "IDF", "TFIDF", NULL};
static const QfAttrDef ngram_attrs[] = {
    {"mode", QF_ATTR_ENUM, NGRAM(mode), 1, 0, weightings},
    {"min_gram_length", QF_ATTR_INT, NGRAM(min_gram), 1, 1, NULL},
    {"max_gram_length", QF_ATTR_INT, NGRAM(max_gram), 1, 1, NULL},
    {"max_skip_count", QF_ATTR_INT, NGRAM(max_skip), 1, 0, NULL},
    {NULL},
};

/* The transform's scratch is about 100 bytes an element. */
#define MAX_LENGTH (1 << 20)

static gboolean infer_dft(QfNode *node, GError **error)
{
  const QfDftAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, QF_MAX_RANK, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int32_t last = x->rank - 1;
  int64_t dims[QF_MAX_RANK];
  if (!qf_infer_numbers(node, 0, QF_NUMBERS_FLOAT, error))
    return FALSE;
  if (!qf_infer_axis(a->axis, last, error))
    return FALSE;
  if (a->length < 1 || a->length > MAX_LENGTH)
    return qf_infer_fail(error, QF_ERROR_LIMIT, "the length is %d, but must be 1 to %d", a->length,
                         MAX_LENGTH);
  if (x->dims[last] < 1 || x->dims[last] > 2 || (a->inverse && a->onesided && x->dims[last] != 2))
    return qf_infer_fail(
        error, QF_ERROR_SHAPE,
        "the last dimension is %" G_GINT64_FORMAT
        ", but must be 1 (real) or 2 (real and imaginary part; needed by a one-sided inverse)",
        x->dims[last]);
  for (int32_t i = 0; i < last; i++)
    dims[i] = x->dims[i];
  dims[a->axis] = a->onesided && !a->inverse ? a->length / 2 + 1 : a->length;
  dims[last] = a->onesided && a->inverse ? 1 : 2;
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

/* Constant int64 lists: the pool, where each size begins in it, and the output of each n-gram. */
static gboolean check_ngrams(const QfNode *node, int64_t *outputs, GError **error)
{
  const QfTensor *const *t = (const QfTensor *const *)node->inputs;
  for (uint32_t i = 1; i < 4; i++)
    if (!t[i]->data || t[i]->dtype != QF_DTYPE_INT64 || t[i]->rank != 1)
      return qf_infer_fail(error, QF_ERROR_FORMAT, "input %u (%s) must be a constant list of int64", i,
                           t[i]->name);
  const int64_t *first = qf_tensor_data(t[2]), *place = qf_tensor_data(t[3]);
  int64_t ids = 0;
  for (int64_t size = 1; size <= t[2]->dims[0]; size++) {
    int64_t end = size < t[2]->dims[0] ? first[size] : t[1]->dims[0];
    if (first[size - 1] < 0 || end < first[size - 1] || end > t[1]->dims[0] || (end - first[size - 1]) % size)
      return qf_infer_fail(error, QF_ERROR_FORMAT,
                           "the n-grams of %" G_GINT64_FORMAT " items do not fill their pool", size);
    ids += (end - first[size - 1]) / size;
  }
  if (t[3]->dims[0] != ids || (node->n_inputs > 4 && qf_tensor_count(t[4]) != ids))
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "there are %" G_GINT64_FORMAT " n-grams, but another number of outputs or weights",
                         ids);
  *outputs = 0;
  for (int64_t i = 0; i < ids; i++) {
    if (place[i] < 0 || place[i] > 1 << 26)
      return qf_infer_fail(error, QF_ERROR_FORMAT, "output index %" G_GINT64_FORMAT " is not possible",
                           place[i]);
    *outputs = MAX(*outputs, place[i] + 1);
  }
  return TRUE;
}

static gboolean infer_ngrams(QfNode *node, GError **error)
{
  const QfTfIdfAttrs *a = node->attrs;
  int64_t dims[2];
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 0, 2, error) ||
      !qf_infer_index_type(node, 0, error) || !check_ngrams(node, &dims[1], error))
    return FALSE;
  if (a->mode < 0 || a->mode > 2 || a->min_gram < 1 || a->max_gram < a->min_gram || a->max_skip < 0)
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "n-grams of %d to %d items with up to %d skips are not possible", a->min_gram,
                         a->max_gram, a->max_skip);
  const QfTensor *x = node->inputs[0];
  dims[0] = x->rank == 2 ? x->dims[0] : dims[1];
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, dims, x->rank == 2 ? 2 : 1, error);
}

/* Some 16 for each element and doubling of a power of two; other lengths take three transforms of up to four times theirs. */
static uint64_t dft_macs(const QfNode *node)
{
  const QfDftAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  uint64_t rows = (uint64_t)qf_tensor_count(x) / (uint64_t)MAX(x->dims[a->axis] * x->dims[x->rank - 1], 1),
           bits = 1;
  while (bits < 31 && (1 << bits) < a->length)
    bits++;
  uint64_t one = qf_infer_product((uint64_t)a->length, 16 * bits);
  return qf_infer_product(MAX(rows, 1), (a->length & (a->length - 1)) ? qf_infer_product(one, 12) : one);
}

/* Each n-gram is looked for at each place of each row, with each distance that fits. */
static uint64_t ngram_macs(const QfNode *node)
{
  const QfTfIdfAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  const uint64_t distances =
      (uint64_t)MIN((int64_t)a->max_skip + 1, MAX(x->rank ? x->dims[x->rank - 1] : 1, 1));
  return qf_infer_product(qf_infer_product((uint64_t)qf_tensor_count(x),
                                           (uint64_t)qf_tensor_count(node->inputs[1])),
                          distances);
}

const QfOpDef qf_op_DFT = {
    .name = "DFT",
    .summary = "y[k] = sum x[i] e^(-2 pi i k / length) along axis",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfDftAttrs),
    .attrs = dft_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_dft,
    .macs = dft_macs,
};

const QfOpDef qf_op_TfIdfVectorizer = {
    .name = "TfIdfVectorizer",
    .summary = "how often the n-grams of a pool stand in each row",
    .min_inputs = 4,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfTfIdfAttrs),
    .attrs = ngram_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_ngrams,
    .macs = ngram_macs,
};
