/* SPDX-License-Identifier: MIT */
/*
 * resize.c - rows of Resize and of the moves between space, depth and batch.
 */
#include "fixed.h"
#include "litert.h"
#include "../../graph/numbers.h"
#include "kernels/block/block.h"
#include "kernels/resize/resize.h"

#include <string.h>

static void run_resize(const void *params, const void *const *in, void *const *out)
{
  qfk_resize_f32_ref(params, in[0], out[0]);
}

void qf_ref_resize_params(const QfNode *node, QfkResize *r)
{
  const QfResizeAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  *r = (QfkResize){.rank = x->rank,
                   .interpolation = a->interpolation,
                   .coordinate_mode = a->coordinate_mode,
                   .nearest_mode = a->nearest_mode,
                   .cubic_a = a->cubic_a,
                   .exclude_outside = a->exclude_outside != 0};
  for (int i = 0; i < x->rank; i++) {
    uint32_t bits = a->scale.n ? (uint32_t)a->scale.v[i] : 0;
    r->in[i] = x->dims[i];
    r->out[i] = node->outputs[0]->dims[i];
    r->scale[i] = (float)r->out[i] / (float)r->in[i];
    if (bits)
      memcpy(&r->scale[i], &bits, sizeof(bits));
  }
}

typedef struct {
  QfkResize resize;
  QfkResizeInt q;
} ResizeInt;

static void run_resize_int(const void *params, const void *const *in, void *const *out)
{
  const ResizeInt *p = params;
  qfk_resize_int_ref(&p->resize, &p->q, in[0], out[0]);
}

/* The `fixed` scheme, where it has one for it. */
static gboolean lower_resize_fixed(QfLower *lower, const QfNode *node, const QfkResize *r)
{
  QfkEncoding x, y;
  int32_t dims[2];
  if (lower->requant != QF_REQUANT_FIXED || !qf_ref_is_encoded(node->inputs[0], &x) ||
      !qf_ref_is_encoded(node->outputs[0], &y) || x.type > QFK_S8 || y.type > QFK_S8 ||
      !qfk_resize_int_dims(r, dims))
    return FALSE;
  ResizeInt *p = qf_lower_alloc(lower, sizeof(*p));
  p->resize = *r;
  p->q = (QfkResizeInt){.x_type = x.type, .y_type = y.type, .x_zero = x.zero, .y_zero = y.zero};
  p->q.m = *qf_ref_fixed_multiplier(lower, qfk_resize_int_factor(r, x.scale, y.scale), FALSE);
  qf_ref_bounds(&y, QF_ACT_NONE, 0, 0, &p->q.lo, &p->q.hi);
  qf_ref_lower_plain(lower, node, "resize_int_ref", run_resize_int, p);
  return TRUE;
}

gboolean qf_ref_lower_resize(QfLower *lower, QfNode *node, GError **error)
{
  if (qf_ref_litert_resize(lower, node))
    return TRUE;
  QfkResize *r = qf_lower_alloc(lower, sizeof(*r));
  qf_ref_resize_params(node, r);
  if (lower_resize_fixed(lower, node, r))
    return TRUE;
  qf_ref_lower_real(lower, node, "resize_f32_ref", run_resize, r, QF_REF_ALL_PORTS, QF_REF_ALL_PORTS);
  return TRUE;
}

typedef struct {
  QfkBlock block;
  char fill[8]; /* one element, the quantized zero */
} Params;

static Params *block_params(QfLower *lower, const QfNode *node, const QfTensor *flat, const QfTensor *small)
{
  const QfBlockAttrs *a = node->attrs;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  p->block = (QfkBlock){.n = (size_t)flat->dims[0],
                        .h = (size_t)flat->dims[1],
                        .w = (size_t)flat->dims[2],
                        .c = (size_t)flat->dims[3],
                        .block_h = (size_t)a->block[0],
                        .block_w = (size_t)a->block[1],
                        .crd = a->mode == 1,
                        .pad_top = (size_t)a->pad[0],
                        .pad_left = (size_t)a->pad[2],
                        .grid_h = (size_t)small->dims[1],
                        .grid_w = (size_t)small->dims[2],
                        .element_bytes = qf_dtype_size(flat->dtype)};
  if (flat->enc.count)
    qf_number_store(flat->dtype, p->fill, 0, -(double)flat->enc.entries[0].offset);
  return p;
}

static void run_depth_to_space(const void *p, const void *const *in, void *const *out)
{
  qfk_depth_to_space_ref(&((const Params *)p)->block, in[0], out[0]);
}

static void run_space_to_depth(const void *p, const void *const *in, void *const *out)
{
  qfk_space_to_depth_ref(&((const Params *)p)->block, in[0], out[0]);
}

static void run_batch_to_space(const void *p, const void *const *in, void *const *out)
{
  qfk_batch_to_space_ref(&((const Params *)p)->block, in[0], out[0]);
}

static void run_space_to_batch(const void *p, const void *const *in, void *const *out)
{
  qfk_space_to_batch_ref(&((const Params *)p)->block, in[0], ((const Params *)p)->fill, out[0]);
}

/* @flat is the port that holds the flat image: 0 the input, 1 the output. */
static gboolean lower_block(QfLower *lower, QfNode *node, int flat, const char *kernel, QfRefFunc run)
{
  const QfTensor *in = node->inputs[0], *out = node->outputs[0];
  qf_ref_lower_plain(lower, node, kernel, run, block_params(lower, node, flat ? out : in, flat ? in : out));
  return TRUE;
}

gboolean qf_ref_lower_depth_to_space(QfLower *lower, QfNode *node, GError **error)
{
  return lower_block(lower, node, 1, "depth_to_space_ref", run_depth_to_space);
}

gboolean qf_ref_lower_space_to_depth(QfLower *lower, QfNode *node, GError **error)
{
  return lower_block(lower, node, 0, "space_to_depth_ref", run_space_to_depth);
}

gboolean qf_ref_lower_batch_to_space(QfLower *lower, QfNode *node, GError **error)
{
  return lower_block(lower, node, 1, "batch_to_space_ref", run_batch_to_space);
}

gboolean qf_ref_lower_space_to_batch(QfLower *lower, QfNode *node, GError **error)
{
  return lower_block(lower, node, 0, "space_to_batch_ref", run_space_to_batch);
}
