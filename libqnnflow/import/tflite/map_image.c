/* SPDX-License-Identifier: MIT */
/*
 * map_image.c - operators on images: resizing, and moving blocks between depth, batch and space.
 */
#include "map.h"

typedef struct {
  QfInterpolation interpolation;
  uint32_t align_corners, half_pixel; /* fields */
} ResizeFields;

static const ResizeFields bilinear = {QF_RESIZE_LINEAR, QF_TFL_BILINEAR_ALIGN_CORNERS,
                                      QF_TFL_BILINEAR_HALF_PIXEL};
static const ResizeFields nearest = {QF_RESIZE_NEAREST, QF_TFL_NEAREST_ALIGN_CORNERS,
                                     QF_TFL_NEAREST_HALF_PIXEL};

/* Nearest rounds half up where it aligns corners or centres, else it takes the pixel to the left. */
static gboolean map_resize(QfTflNode *n, GError **error)
{
  const ResizeFields *f = n->row->data;
  const QfTensor *x = n->in[0];
  QfInts size;
  if (!qf_tfl_check_rank(n, 0, 4, error) || !qf_tfl_get_ints(n, 1, &size, error))
    return FALSE;
  if (size.n != 2)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a size of %d numbers; the file is damaged", size.n);
  gboolean align = qf_tfl_option_byte(n, f->align_corners, 0) != 0;
  gboolean half = qf_tfl_option_byte(n, f->half_pixel, 0) != 0;
  QfNode *node = qf_tfl_new_node(n, "Resize", n->in, 1, n->out, 1);
  QfResizeAttrs *a = node->attrs;
  a->size = (QfInts){4, {x->dims[0], size.v[0], size.v[1], x->dims[3]}};
  a->interpolation = f->interpolation;
  a->coordinate_mode = align ? QF_COORD_ALIGN_CORNERS : half ? QF_COORD_HALF_PIXEL : QF_COORD_ASYMMETRIC;
  a->nearest_mode = align || half ? QF_NEAREST_ROUND_PREFER_CEIL : QF_NEAREST_FLOOR;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_depth(QfTflNode *n, GError **error)
{
  int64_t block = qf_tfl_option(n, QF_TFL_BLOCK_SIZE, 0);
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 1, n->out, 1);
  QfBlockAttrs *a = node->attrs;
  if (block < 1 || block > 65536)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "blocks of %" G_GINT64_FORMAT "; the file is damaged",
                       block);
  a->block[0] = a->block[1] = (int32_t)block;
  a->mode = 0;
  return qf_tfl_add_node(n, node, error);
}

/* Two spatial dimensions: [N, H, W, C]. With one, [N, H, C], a width of one is put in. */
static gboolean map_batch(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfInts block, amounts;
  if (!qf_tfl_get_ints(n, 1, &block, error) || !qf_tfl_get_ints(n, 2, &amounts, error))
    return FALSE;
  int32_t spatial = block.n;
  if (spatial < 1 || spatial > 2 || x->rank != spatial + 2 || amounts.n != 2 * spatial)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "blocks in %d of %d dimensions; at most two are supported", spatial, x->rank);
  QfTensor *in = n->in[0], *out = n->out[0];
  if (spatial == 1) {
    int64_t dims[] = {x->dims[0], x->dims[1], 1, x->dims[2]};
    in = qf_tfl_temp(n, "image", x);
    out = qf_tfl_temp(n, "blocks", n->out[0]);
    if (!qf_tfl_add_reshape(n, n->in[0], in, dims, 4, error))
      return FALSE;
  }
  QfNode *node = qf_tfl_new_node(n, n->row->op, &in, 1, &out, 1);
  QfBlockAttrs *a = node->attrs;
  a->block[0] = a->block[1] = 1;
  for (int32_t i = 0; i < spatial; i++) {
    a->block[i] = (int32_t)CLAMP(block.v[i], 0, G_MAXINT32);
    a->pad[2 * i] = (int32_t)CLAMP(amounts.v[2 * i], -1, G_MAXINT32 / 4);
    a->pad[2 * i + 1] = (int32_t)CLAMP(amounts.v[2 * i + 1], -1, G_MAXINT32 / 4);
  }
  if (!qf_tfl_add_node(n, node, error))
    return FALSE;
  if (spatial == 2)
    return TRUE;
  int64_t dims[] = {out->dims[0], out->dims[1], out->dims[3]};
  return qf_tfl_add_reshape(n, out, n->out[0], dims, 3, error);
}

const QfTflRow qf_tfl_image_rows[] = {
    {23, "RESIZE_BILINEAR", map_resize, 2, 2, 1, NULL, &bilinear},
    {97, "RESIZE_NEAREST_NEIGHBOR", map_resize, 2, 2, 1, NULL, &nearest},
    {5, "DEPTH_TO_SPACE", map_depth, 1, 1, 1, "DepthToSpace", NULL},
    {26, "SPACE_TO_DEPTH", map_depth, 1, 1, 1, "SpaceToDepth", NULL},
    {37, "BATCH_TO_SPACE_ND", map_batch, 3, 3, 1, "BatchToSpace", NULL},
    {38, "SPACE_TO_BATCH_ND", map_batch, 3, 3, 1, "SpaceToBatch", NULL},
    {0},
};
