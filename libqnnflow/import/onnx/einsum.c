/* SPDX-License-Identifier: MIT */
/*
 * einsum.c - Einsum: operands are joined from left to right; indices that nothing needs any more are summed, in a MatMul where two operands
 * share them. Indices are bits of a mask: the 52 letters, then the dimensions of the ellipsis, counted from the right.
 */
#include "map.h"

#include <string.h>

#define ELLIPSIS 52
#define BIT(label) ((uint64_t)1 << (label))

/* An operand, or what became of some: a tensor and the index of each of its dimensions. */
typedef struct {
  QfTensor *t;
  int n;
  int label[QF_MAX_RANK];
} Term;

typedef struct {
  int64_t size[64]; /* by label; 0: not seen */
  int ellipsis;     /* dimensions of the longest ellipsis */
} Sizes;

static uint64_t mask_of(const Term *term)
{
  uint64_t mask = 0;
  for (int i = 0; i < term->n; i++)
    mask |= BIT(term->label[i]);
  return mask;
}

/* Labels of one part of the equation; an ellipsis stands for @dims dimensions. */
static gboolean read_labels(const QfOnnxNode *n, const char *text, size_t length, int dims, Term *term,
                            GError **error)
{
  gboolean dots = FALSE;
  term->n = 0;
  for (size_t i = 0; i < length; i++) {
    int count = 1, label = g_ascii_islower(text[i]) ? text[i] - 'a' : text[i] - 'A' + 26;
    if (!dots && length - i >= 3 && !strncmp(text + i, "...", 3)) {
      dots = TRUE;
      i += 2;
      count = dims;
      label = ELLIPSIS + dims - 1;
    } else if (!g_ascii_isalpha(text[i]))
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its equation has a '%c' where a letter is needed",
                          text[i]);
    for (int k = 0; k < count; k++) {
      if (term->n == QF_MAX_RANK)
        return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "its equation has more than %d dimensions",
                            QF_MAX_RANK);
      term->label[term->n++] = label - k;
    }
  }
  return TRUE;
}

static gboolean read_operand(const QfOnnxNode *n, const char *text, size_t length, QfTensor *t, Term *term,
                             Sizes *sizes, GError **error)
{
  int letters = 0;
  gboolean dots = FALSE;
  for (size_t i = 0; i < length; i++) {
    letters += g_ascii_isalpha(text[i]) != 0;
    dots |= text[i] == '.';
  }
  int dims = dots ? t->rank - letters : 0;
  term->t = t;
  if (dims < 0 || !read_labels(n, text, length, dims, term, error) || term->n != t->rank)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "'%s' has %d dimensions, but its equation says '%.*s'",
                        t->name, t->rank, (int)MIN(length, 80), text);
  sizes->ellipsis = MAX(sizes->ellipsis, dims);
  for (int i = 0; i < term->n; i++) {
    int64_t *size = &sizes->size[term->label[i]];
    gboolean broadcast = term->label[i] >= ELLIPSIS && (*size == 1 || t->dims[i] == 1);
    if (*size && *size != t->dims[i] && !broadcast)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                          "an index of its equation is both %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
                          " long",
                          *size, t->dims[i]);
    *size = *size > 1 ? *size : t->dims[i];
  }
  return TRUE;
}

/* Brings the dimensions into the order of @order, which has the same labels. */
static gboolean arrange(QfOnnxNode *n, Term *term, const int *order, QfTensor *out, GError **error)
{
  QfInts perm = {.n = term->n};
  gboolean same = TRUE;
  for (int i = 0; i < term->n; i++)
    for (int k = 0; k < term->n; k++)
      if (term->label[k] == order[i])
        perm.v[i] = k;
  for (int i = 0; i < term->n; i++)
    same &= perm.v[i] == i;
  if (!same || out)
    term->t = qf_build_transpose(n->b, term->t, &perm, out, error);
  memcpy(term->label, order, (size_t)term->n * sizeof(*order));
  return term->t != NULL;
}

/* An index that an operand has twice: only the diagonal of the two dimensions counts. */
static gboolean take_diagonal(QfOnnxNode *n, Term *term, int i, int j, GError **error)
{
  const int64_t size = term->t->dims[i];
  QfInts perm = {.n = term->n}, shape = {.n = term->n - 1};
  int label = term->label[i], at = 0;
  for (int k = 0; k < term->n; k++)
    if (k != i && k != j)
      perm.v[at++] = k;
  perm.v[at] = i;
  perm.v[at + 1] = j;
  for (int k = 0; k < at; k++) {
    shape.v[k] = term->t->dims[perm.v[k]];
    term->label[k] = term->label[perm.v[k]];
  }
  term->label[at] = label;
  term->n--;
  shape.v[at] = size * size;
  QfTensor *t =
      qf_build_reshape(n->b, qf_build_transpose(n->b, term->t, &perm, NULL, error), &shape, NULL, error);
  if (!t)
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "StridedSlice", &t, 1, NULL);
  QfStridedSliceAttrs *a = node->attrs;
  a->begin.n = a->end.n = a->stride.n = shape.n;
  for (int k = 0; k < shape.n; k++) {
    a->end.v[k] = shape.v[k];
    a->stride.v[k] = k == at ? size + 1 : 1;
  }
  term->t = qf_build_end(n->b, node, error);
  return term->t != NULL;
}

static gboolean take_diagonals(QfOnnxNode *n, Term *term, GError **error)
{
  for (int i = 0; i < term->n; i++)
    for (int j = i + 1; j < term->n; j++)
      if (term->label[i] == term->label[j]) {
        if (!take_diagonal(n, term, i, j, error))
          return FALSE;
        i = -1; /* dimensions moved: look again */
        break;
      }
  return TRUE;
}

/* Sums over what is not in @keep. */
static gboolean sum_others(QfOnnxNode *n, Term *term, uint64_t keep, GError **error)
{
  QfInts axes = {0};
  int left = 0;
  for (int i = 0; i < term->n; i++) {
    if (keep & BIT(term->label[i]))
      term->label[left++] = term->label[i];
    else
      axes.v[axes.n++] = i;
  }
  term->n = left;
  if (!axes.n)
    return TRUE;
  QfNode *node = qf_build_begin(n->b, "ReduceSum", &term->t, 1, NULL);
  ((QfReduceAttrs *)node->attrs)->axes = axes;
  term->t = qf_build_end(n->b, node, error);
  return term->t != NULL;
}

/* Appends the labels of @term that lie in @mask. */
static void append(int *list, int *n, const Term *term, uint64_t mask)
{
  for (int i = 0; i < term->n; i++)
    if (mask & BIT(term->label[i]))
      list[(*n)++] = term->label[i];
}

/* @term in the order of all labels of @order, with dimensions of 1 for those it does not have. */
static QfTensor *spread(QfOnnxNode *n, Term *term, const int *order, int count, GError **error)
{
  QfInts shape = {.n = count};
  int own[QF_MAX_RANK] = {0}, m = 0;
  uint64_t mask = mask_of(term);
  for (int i = 0; i < count; i++)
    if (mask & BIT(order[i]))
      own[m++] = order[i];
  if (!arrange(n, term, own, NULL, error))
    return NULL;
  for (int i = 0, k = 0; i < count; i++)
    shape.v[i] = mask & BIT(order[i]) ? term->t->dims[k++] : 1;
  return qf_build_reshape(n->b, term->t, &shape, NULL, error);
}

/* [batch..., rows, columns] of @term: its labels are batch, then @rows of them, then the rest. */
static QfTensor *as_matrices(QfOnnxNode *n, const Term *term, int batch, int rows, GError **error)
{
  QfInts shape = {.n = batch + 2};
  for (int i = 0; i < batch; i++)
    shape.v[i] = term->t->dims[i];
  shape.v[batch] = qf_dims_count(term->t->dims + batch, rows);
  shape.v[batch + 1] = qf_dims_count(term->t->dims + batch + rows, term->n - batch - rows);
  return qf_build_reshape(n->b, term->t, &shape, NULL, error);
}

/* a[batch, rows, sum] b[batch, sum, columns] -> [batch, rows, columns] */
static gboolean multiply_matrices(QfOnnxNode *n, Term *a, Term *b, uint64_t batch, uint64_t sum,
                                  GError **error)
{
  int la[QF_MAX_RANK], lb[QF_MAX_RANK], na = 0, nb = 0, n_batch, rows;
  QfInts shape = {0};
  append(la, &na, a, batch);
  n_batch = na;
  memcpy(lb, la, sizeof(la));
  nb = na;
  append(la, &na, a, ~(batch | sum));
  rows = na - n_batch;
  append(la, &na, a, sum);
  append(lb, &nb, a, sum);
  append(lb, &nb, b, ~(batch | sum));
  if (n_batch + 2 > QF_MAX_RANK || !arrange(n, a, la, NULL, error) || !arrange(n, b, lb, NULL, error))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "it has more than %d indices in a product",
                        QF_MAX_RANK - 2);
  const int sums = na - n_batch - rows;
  for (int i = 0; i < n_batch; i++)
    shape.v[shape.n++] = MAX(a->t->dims[i], b->t->dims[i]);
  for (int i = n_batch; i < n_batch + rows; i++)
    shape.v[shape.n++] = a->t->dims[i];
  for (int i = n_batch + sums; i < nb && shape.n < QF_MAX_RANK; i++)
    shape.v[shape.n++] = b->t->dims[i];
  QfTensor *in[2] = {as_matrices(n, a, n_batch, rows, error), as_matrices(n, b, n_batch, sums, error)};
  if (!in[0] || !in[1])
    return FALSE;
  QfTensor *y = qf_build_end(n->b, qf_build_begin(n->b, "MatMul", in, 2, NULL), error);
  a->t = qf_build_reshape(n->b, y, &shape, NULL, error);
  memcpy(a->label, la, (size_t)(n_batch + rows) * sizeof(*la));
  memcpy(a->label + n_batch + rows, lb + n_batch + sums, (size_t)(nb - n_batch - sums) * sizeof(*lb));
  a->n = shape.n;
  return a->t != NULL;
}

/* Joins @b to @a; indices outside of @keep are summed. */
static gboolean join(QfOnnxNode *n, Term *a, Term *b, uint64_t keep, GError **error)
{
  const uint64_t shared = mask_of(a) & mask_of(b);
  uint64_t sum = shared & ~keep;
  for (int i = 0; i < a->n; i++) /* an index that broadcasts is summed where it is long */
    for (int j = 0; j < b->n; j++)
      if (a->label[i] == b->label[j] && a->t->dims[i] != b->t->dims[j])
        sum &= ~BIT(a->label[i]);
  if (!sum_others(n, a, keep | sum, error) || !sum_others(n, b, keep | sum, error))
    return FALSE;
  int all[2 * QF_MAX_RANK], count = 0;
  append(all, &count, a, ~(uint64_t)0);
  append(all, &count, b, ~mask_of(a));
  if (count - __builtin_popcountll(sum) > QF_MAX_RANK)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "a product in it has more than %d dimensions",
                        QF_MAX_RANK);
  if (sum)
    return multiply_matrices(n, a, b, shared & ~sum & mask_of(a) & mask_of(b), sum, error);
  a->t = qf_build_apply2(n->b, "ElementWiseMultiply", spread(n, a, all, count, error),
                         spread(n, b, all, count, error), NULL, error);
  a->n = count;
  memcpy(a->label, all, (size_t)count * sizeof(*all));
  return a->t != NULL;
}

/* Without "->": the ellipsis, then the letters that stand once, in the order of the alphabet, capitals first. */
static void implied_output(const char *inputs, int dims, Term *out)
{
  int seen[128] = {0};
  for (const char *p = inputs; *p; p++)
    seen[*p & 127]++;
  for (int i = 0; i < dims && out->n < QF_MAX_RANK; i++)
    out->label[out->n++] = ELLIPSIS + dims - 1 - i;
  for (int c = 'A'; c <= 'z'; c++)
    if (g_ascii_isalpha(c) && seen[c] == 1 && out->n < QF_MAX_RANK)
      out->label[out->n++] = g_ascii_islower(c) ? c - 'a' : c - 'A' + 26;
}

static gboolean read_equation(QfOnnxNode *n, const char *equation, Term *terms, Term *out, GError **error)
{
  const char *arrow = strstr(equation, "->"), *p = equation;
  g_autofree char *inputs = g_strndup(equation, arrow ? (size_t)(arrow - equation) : strlen(equation));
  const char *end = equation + strlen(inputs);
  Sizes sizes = {0};
  for (uint32_t i = 0; i < n->n_in; i++) {
    const char *comma = memchr(p, ',', (size_t)(end - p));
    if (!n->in[i] || !comma != (i + 1 == n->n_in))
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its equation '%.80s' is not for %u inputs", equation,
                          n->n_in);
    size_t length = (size_t)((comma ? comma : end) - p);
    if (!read_operand(n, p, length, n->in[i], &terms[i], &sizes, error) ||
        !take_diagonals(n, &terms[i], error))
      return FALSE;
    p += length + 1;
  }
  *out = (Term){0};
  if (!arrow)
    implied_output(inputs, sizes.ellipsis, out);
  else if (!read_labels(n, arrow + 2, strlen(arrow + 2), sizes.ellipsis, out, error))
    return FALSE;
  for (int i = 0; i < out->n; i++)
    if (!sizes.size[out->label[i]] || __builtin_popcountll(mask_of(out)) != out->n)
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                          "an index of the output of '%.80s' is in no input, or there twice", equation);
  return TRUE;
}

static gboolean map_einsum(QfOnnxNode *n, GError **error)
{
  g_autofree char *text = qf_onnx_string(n, "equation", "");
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  g_autofree char *equation = g_strjoinv(NULL, words);
  g_autofree Term *terms = g_new0(Term, n->n_in + 1);
  Term out;
  if (!read_equation(n, equation, terms, &out, error))
    return FALSE;
  for (uint32_t i = 0; i < n->n_in; i++) {
    uint64_t keep = mask_of(&out);
    for (uint32_t k = i + 1; k < n->n_in; k++)
      keep |= mask_of(&terms[k]);
    if (i ? !join(n, &terms[0], &terms[i], keep, error) : !sum_others(n, &terms[0], keep, error))
      return FALSE;
  }
  return arrange(n, &terms[0], out.label, qf_onnx_output(n, 0), error) && qf_onnx_bind(n, 0, terms[0].t);
}

const QfOnnxRow qf_onnx_einsum_rows[] = {
    {"", "Einsum", map_einsum, 1, -1, "MatMul", 0},
    {NULL},
};
