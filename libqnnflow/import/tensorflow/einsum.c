/* SPDX-License-Identifier: MIT */
/*
 * einsum.c - Einsum of two tensors as one batched matrix product: the labels fall into batch (in both and the result), free (in one and
 * the result) and summed (in both only), and the tensors are brought into the order batch, free, summed.
 */
#include "map.h"

#include <string.h>

enum { LABELS = 26 + 26, BATCH = 0, FREE, SUMMED };

/* One operand: its labels in order, and where each label stands (-1: nowhere). */
typedef struct {
  int label[QF_MAX_RANK], n;
  int place[LABELS];
} Operand;

static gboolean read_operand(const char *text, size_t size, Operand *o)
{
  o->n = 0;
  memset(o->place, -1, sizeof(o->place));
  for (size_t i = 0; i < size; i++) {
    int label = g_ascii_islower(text[i]) ? text[i] - 'a' : g_ascii_isupper(text[i]) ? 26 + text[i] - 'A' : -1;
    if (text[i] == ' ')
      continue;
    if (label < 0 || o->n == QF_MAX_RANK || o->place[label] >= 0)
      return FALSE;
    o->place[label] = o->n;
    o->label[o->n++] = label;
  }
  return TRUE;
}

/* "ab,bc->ac" */
static gboolean read_equation(const QfTfNode *n, Operand o[3], GError **error)
{
  const Tf__AttrValue *a = qf_tf_attr(n, "equation");
  g_autofree char *text = g_strndup(a && a->s.data ? (const char *)a->s.data : "", a ? a->s.len : 0);
  const char *comma = strchr(text, ','), *arrow = strstr(text, "->");
  gboolean ok = comma && arrow && comma < arrow && read_operand(text, (size_t)(comma - text), &o[0]) &&
                read_operand(comma + 1, (size_t)(arrow - comma - 1), &o[1]) &&
                read_operand(arrow + 2, strlen(arrow + 2), &o[2]);
  for (int i = 0; ok && i < LABELS; i++) {
    int in = (o[0].place[i] >= 0) + (o[1].place[i] >= 0);
    ok = o[2].place[i] >= 0 ? in > 0 : in != 1;
  }
  for (int k = 0; ok && k < 2; k++)
    ok = n->in[k]->rank == o[k].n;
  return ok || qf_build_fail(
                   &n->build, error, QF_ERROR_UNSUPPORTED,
                   "equation \"%.100s\" is not a product of two tensors of these dimensions, each label once "
                   "in a tensor: write it with MatMul",
                   text);
}

static int kind_of(const Operand o[3], int label)
{
  gboolean both = o[0].place[label] >= 0 && o[1].place[label] >= 0;
  return !both ? FREE : o[2].place[label] >= 0 ? BATCH : SUMMED;
}

/* The dimensions of a kind, in the order of operand 0 where both have them: so both operands agree. Returns their product. */
static int64_t list_kind(const QfTfNode *n, const Operand o[3], int k, int kind, QfInts *perm, QfInts *dims)
{
  const Operand *order = kind == FREE ? &o[k] : &o[0];
  int64_t product = 1;
  for (int i = 0; i < order->n; i++) {
    int label = order->label[i];
    if (kind_of(o, label) != kind)
      continue;
    int64_t size = n->in[k]->dims[o[k].place[label]];
    perm->v[perm->n++] = o[k].place[label];
    dims->v[dims->n++] = size;
    product *= size;
  }
  return product;
}

/* Operand @k as [batch..., free, summed], or for the second [batch..., summed, free]. Its free dimensions go behind @result. */
static QfTensor *arrange(QfTfNode *n, const Operand o[3], int k, QfInts *result, GError **error)
{
  QfInts perm = {0}, shape = {0}, ignored = {0};
  list_kind(n, o, k, BATCH, &perm, &shape);
  if (!k)
    *result = shape;
  int64_t size[2];
  for (int i = 0; i < 2; i++) {
    int kind = i == k ? FREE : SUMMED;
    size[i] = list_kind(n, o, k, kind, &perm, kind == FREE ? result : &ignored);
  }
  if (shape.n + 2 > QF_MAX_RANK || result->n > QF_MAX_RANK) {
    qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "more than %d dimensions", QF_MAX_RANK);
    return NULL;
  }
  shape.v[shape.n++] = size[0];
  shape.v[shape.n++] = size[1];
  return qf_build_reshape(&n->build, qf_build_transpose(&n->build, n->in[k], &perm, NULL, error), &shape,
                          NULL, error);
}

/* The label of each dimension of the product: batch, free of the first, free of the second. */
static int result_labels(const Operand o[3], int labels[2 * QF_MAX_RANK])
{
  int n = 0;
  for (int pass = 0; pass < 3; pass++) {
    const Operand *p = &o[pass == 2];
    for (int i = 0; i < p->n; i++)
      if (kind_of(o, p->label[i]) == (pass ? FREE : BATCH))
        labels[n++] = p->label[i];
  }
  return n;
}

static gboolean map_einsum(QfTfNode *n, GError **error)
{
  Operand o[3];
  int labels[2 * QF_MAX_RANK];
  QfInts result, perm = {0};
  if (!read_equation(n, o, error))
    return FALSE;
  if (o[0].n + o[1].n > QF_MAX_RANK)
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                         "its tensors have more than %d dimensions together", QF_MAX_RANK);
  QfTensor *a = arrange(n, o, 0, &result, error), *b = a ? arrange(n, o, 1, &result, error) : NULL;
  QfTensor *y = qf_build_apply2(&n->build, "MatMul", a, b, NULL, error);
  y = qf_build_reshape(&n->build, y, &result, NULL, error);
  perm.n = result_labels(o, labels);
  for (int i = 0; i < perm.n; i++)
    perm.v[o[2].place[labels[i]]] = i;
  return qf_tf_bind(n, 0, qf_build_transpose(&n->build, y, &perm, qf_tf_out(n, 0), error));
}

const QfTfRow qf_tf_einsum_rows[] = {
    {"Einsum", map_einsum, 2, 2, "MatMul", 0},
    {NULL},
};
