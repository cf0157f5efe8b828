/* SPDX-License-Identifier: MIT */
/*
 * blob.c - from a build to the bytes that dsp/net.h describes: the arena planned by lifetimes, constants one after the other.
 */
#include "blob.h"
#include "../../plan/plan.h"

#include <string.h>

#define MOST_BLOB ((size_t)1 << 30)

static size_t round_up(size_t bytes)
{
  return (bytes + QF_DSP_ALIGNMENT - 1) / QF_DSP_ALIGNMENT * QF_DSP_ALIGNMENT;
}

/* Roots that are planned: all constants are elsewhere. */
typedef struct {
  QfHtpRoot *root;
} Planned;

static int by_size(gconstpointer a, gconstpointer b)
{
  const QfHtpRoot *x = ((const Planned *)a)->root, *y = ((const Planned *)b)->root;
  if (x->size != y->size)
    return x->size < y->size ? -1 : 1;
  return x->first < y->first ? -1 : x->first > y->first;
}

/* Places @n roots in one arena; its size, or SIZE_MAX. */
static size_t plan_roots(const Planned *roots, guint n, uint32_t region)
{
  g_autofree QfPlanItem *items = g_new0(QfPlanItem, n + 1);
  for (guint i = 0; i < n; i++)
    items[i] = (QfPlanItem){roots[i].root->size, roots[i].root->first, roots[i].root->last, 0};
  const size_t size = qf_plan_arena(items, n, QF_DSP_ALIGNMENT);
  for (guint i = 0; i < n; i++) {
    roots[i].root->at = items[i].offset_bytes;
    roots[i].root->region = region;
  }
  return size == SIZE_MAX ? size : n ? round_up(size) + QF_DSP_SLACK : 0;
}

/* Puts as many of the roots, which are sorted by size, into VTCM as fit; returns their number, *@size what they take. Between the smallest
 * numbers that do and do not fit it is found by halves. */
static guint place_in_vtcm(const QfHtpBuild *b, const Planned *roots, guint n, size_t *size)
{
  guint fit = 0, too_many = n + 1;
  while (b->vtcm_bytes && too_many - fit > 1) {
    const guint k = too_many == n + 1 && !fit ? n : fit + (too_many - fit) / 2; /* all of them, first */
    if (plan_roots(roots, k, QF_DSP_VTCM) <= b->vtcm_bytes)
      fit = k;
    else
      too_many = k;
  }
  *size = plan_roots(roots, fit, QF_DSP_VTCM);
  return fit;
}

/* The root that holds @r in the end; *@at gets where. */
static QfHtpRoot *holder_of(const QfHtpBuild *b, QfHtpRoot *r, size_t *at)
{
  *at = 0;
  for (; r->whole != QF_HTP_NONE; r = &g_array_index(b->roots, QfHtpRoot, r->whole))
    *at += r->whole_at;
  return r;
}

/* What holds parts lives as long as any of them. */
static void hold_parts(QfHtpBuild *b)
{
  for (guint i = 0; i < b->roots->len; i++) {
    QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, i);
    size_t at;
    QfHtpRoot *holder = holder_of(b, r, &at);
    if (r->first == UINT32_MAX)
      continue;
    holder->last = holder->first == UINT32_MAX ? r->last : MAX(holder->last, r->last);
    holder->first = MIN(holder->first, r->first);
  }
}

static void place_parts(QfHtpBuild *b)
{
  for (guint i = 0; i < b->roots->len; i++) {
    QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, i);
    size_t at;
    const QfHtpRoot *holder = holder_of(b, r, &at);
    if (holder == r)
      continue;
    r->region = holder->region;
    r->at = holder->at + at;
  }
}

/* Offsets of all roots; *@end begins after the head and ends after the constants. Returns the arena's size or SIZE_MAX, and in *@vtcm that of
 * the other. */
static size_t place(QfHtpBuild *b, size_t *end, size_t *vtcm)
{
  g_autoptr(GArray) planned = g_array_new(FALSE, TRUE, sizeof(Planned));
  hold_parts(b);
  for (guint i = 0; i < b->roots->len; i++) {
    QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, i);
    if (r->region == QF_DSP_CONSTANT) {
      r->at = *end;
      *end += round_up(r->size);
    } else if (r->region == QF_DSP_ARENA && r->first != UINT32_MAX && r->whole == QF_HTP_NONE)
      g_array_append_val(planned, r);
  }
  g_array_sort(planned, by_size);
  const Planned *roots = (const Planned *)(const void *)planned->data;
  const guint fit = place_in_vtcm(b, roots, planned->len, vtcm);
  const size_t arena = plan_roots(roots + fit, planned->len - fit, QF_DSP_ARENA);
  place_parts(b);
  return arena;
}

static void write_tensors(const QfHtpBuild *b, QfDspTensor *to)
{
  for (guint i = 0; i < b->tensors->len; i++) {
    const QfHtpView *v = &g_array_index(b->tensors, QfHtpView, i);
    const QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, v->root);
    to[i] = (QfDspTensor){r->region, r->region == QF_DSP_BORDER ? r->border : (uint32_t)(r->at + v->offset),
                          (uint32_t)v->size};
  }
}

static void write_steps(const QfHtpBuild *b, QfDspStepRecord *to, uint32_t refs_at, uint32_t params_at)
{
  for (guint i = 0; i < b->steps->len; i++) {
    to[i] = g_array_index(b->steps, QfDspStepRecord, i);
    to[i].refs_at += refs_at;
    to[i].params_at += params_at;
  }
}

void *qf_htp_build_finish(QfHtpBuild *b, uint32_t *size_bytes, GString *why)
{
  const size_t borders_at = sizeof(QfDspNetHead);
  const size_t tensors_at = borders_at + b->borders->len * sizeof(QfDspBorder);
  const size_t steps_at = tensors_at + b->tensors->len * sizeof(QfDspTensor);
  const size_t refs_at = steps_at + b->steps->len * sizeof(QfDspStepRecord);
  const size_t params_at = refs_at + b->refs->len * sizeof(uint32_t);
  const size_t head = round_up(params_at + b->params->len);
  size_t end = head, vtcm = 0;
  const size_t arena = place(b, &end, &vtcm);
  if (end > MOST_BLOB || arena > MOST_BLOB) {
    g_string_append(why, "it needs more memory than a DSP has");
    return NULL;
  }
  uint8_t *blob = qf_aligned_alloc(round_up(end + QF_DSP_SLACK));
  if (!blob) {
    g_string_append(why, "there is no memory for its constants");
    return NULL;
  }
  *size_bytes = (uint32_t)(end + QF_DSP_SLACK);
  *(QfDspNetHead *)(void *)blob = (QfDspNetHead){.magic = QF_DSP_NET_MAGIC,
                                                 .version = QF_DSP_NET_VERSION,
                                                 .size_bytes = *size_bytes,
                                                 .head_bytes = (uint32_t)head,
                                                 .arena_bytes = (uint32_t)arena,
                                                 .vtcm_bytes = (uint32_t)vtcm,
                                                 .n_borders = b->borders->len,
                                                 .borders_at = (uint32_t)borders_at,
                                                 .n_tensors = b->tensors->len,
                                                 .tensors_at = (uint32_t)tensors_at,
                                                 .n_steps = b->steps->len,
                                                 .steps_at = (uint32_t)steps_at};
  memcpy(blob + borders_at, b->borders->data, b->borders->len * sizeof(QfDspBorder));
  write_tensors(b, (QfDspTensor *)(void *)(blob + tensors_at));
  write_steps(b, (QfDspStepRecord *)(void *)(blob + steps_at), (uint32_t)refs_at, (uint32_t)params_at);
  memcpy(blob + refs_at, b->refs->data, b->refs->len * sizeof(uint32_t));
  memcpy(blob + params_at, b->params->data, b->params->len);
  for (guint i = 0; i < b->roots->len; i++) {
    const QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, i);
    if (r->region == QF_DSP_CONSTANT && r->data)
      memcpy(blob + r->at, r->data, r->size);
  }
  return blob;
}
