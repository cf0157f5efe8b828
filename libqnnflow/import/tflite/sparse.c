/* SPDX-License-Identifier: MIT */
/*
 * sparse.c - sparse constants of a TFLite file, made dense. Their levels are walked in traversal order: a dense level has all its
 * indices, a compressed one a list for each element of the level above. Dimensions may be split into blocks, which are
 * levels of their own. Nothing is trusted: every list is looked at within the file, and the walk is bounded by the result.
 */
#include "model.h"

#include <string.h>

enum { DENSE = 0, COMPRESSED = 1, MAX_LEVELS = 2 * QF_MAX_RANK };

typedef struct {
  gboolean compressed;
  int64_t size;                   /* indices of a dense level; blocks are dense */
  QfFlatVector segments, indices; /* of a compressed one */
  QfFlatInt segment_kind, index_kind;
  int32_t dimension; /* of the tensor that it moves along */
  int64_t step;      /* how far one index moves there */
} Level;

typedef struct {
  const QfTflTensor *x;
  Level levels[MAX_LEVELS];
  int32_t n_levels;
  int64_t at[QF_MAX_RANK]; /* where the walk is */
  const uint8_t *values;
  uint8_t *dense;
  int64_t n_values, used, visits;
  size_t width;
} Walk;

/* The list of a union of vectors of int32, uint16 and uint8. */
static gboolean read_list(const QfFlatTable *t, uint32_t type_field, QfFlatVector *v, QfFlatInt *kind)
{
  static const struct {
    QfFlatInt kind;
    uint32_t width;
  } kinds[] = {{QF_FLAT_I32, 0}, {QF_FLAT_I32, 4}, {QF_FLAT_U16, 2}, {QF_FLAT_U8, 1}};
  int64_t type = qf_flat_get_int(t, type_field, QF_FLAT_U8, 0);
  QfFlatTable list = qf_flat_get_table(t, type_field + 1);
  if (type < 1 || type > 3)
    return FALSE;
  *kind = kinds[type].kind;
  *v = qf_flat_get_vector(&list, 0, kinds[type].width);
  return v->flat != NULL;
}

static gboolean read_level(Level *level, const QfFlatTable *t)
{
  int64_t format = qf_flat_get_int(t, QF_TFL_LEVEL_FORMAT, QF_FLAT_I8, DENSE);
  level->compressed = format == COMPRESSED;
  level->size = qf_flat_get_int(t, QF_TFL_LEVEL_SIZE, QF_FLAT_I32, 0);
  if (format == DENSE)
    return level->size >= 1;
  return format == COMPRESSED &&
         read_list(t, QF_TFL_LEVEL_SEGMENTS_TYPE, &level->segments, &level->segment_kind) &&
         read_list(t, QF_TFL_LEVEL_INDICES_TYPE, &level->indices, &level->index_kind);
}

/* Levels 0..rank-1 are dimensions in some order, those behind are the blocks of the dimensions that block_map names. */
static gboolean read_levels(Walk *w, const QfFlatTable *sparsity)
{
  QfFlatVector order = qf_flat_get_vector(sparsity, QF_TFL_SPARSITY_ORDER, 4);
  QfFlatVector map = qf_flat_get_vector(sparsity, QF_TFL_SPARSITY_BLOCKS, 4);
  QfFlatVector levels = qf_flat_get_vector(sparsity, QF_TFL_SPARSITY_LEVELS, 4);
  int32_t rank = w->x->rank;
  int64_t block[QF_MAX_RANK];
  if (rank < 1 || order.count != levels.count || levels.count != (uint32_t)rank + map.count ||
      map.count > (uint32_t)rank)
    return FALSE;
  w->n_levels = (int32_t)levels.count;
  for (int32_t i = 0; i < rank; i++)
    block[i] = 1;
  uint32_t seen = 0;
  for (int32_t i = 0; i < w->n_levels; i++) {
    QfFlatTable t = qf_flat_at_table(&levels, (uint32_t)i);
    int64_t which = qf_flat_at_int(&order, (uint32_t)i, QF_FLAT_I32);
    if (which < 0 || which >= w->n_levels || (seen >> which & 1) || !read_level(&w->levels[i], &t))
      return FALSE;
    seen |= 1u << which;
    int64_t dimension = which < rank ? which : qf_flat_at_int(&map, (uint32_t)(which - rank), QF_FLAT_I32);
    if (dimension < 0 || dimension >= rank ||
        (which >= rank && (w->levels[i].compressed || block[dimension] > 1)))
      return FALSE;
    w->levels[i].dimension = (int32_t)dimension;
    w->levels[i].step =
        which < rank ? 0 : 1; /* blocks move by elements, the rest follows when all are known */
    if (which >= rank)
      block[dimension] = w->levels[i].size;
  }
  for (int32_t i = 0; i < w->n_levels; i++) {
    Level *l = &w->levels[i];
    int64_t extent = w->x->dims[l->dimension], size = block[l->dimension];
    if (!l->step && ((extent % size) || (!l->compressed && l->size != extent / size)))
      return FALSE;
    l->step = l->step ? 1 : size;
  }
  return TRUE;
}

static gboolean store(Walk *w)
{
  int64_t to = 0;
  for (int32_t i = 0; i < w->x->rank; i++) {
    if (w->at[i] < 0 || w->at[i] >= w->x->dims[i])
      return FALSE;
    to = to * w->x->dims[i] + w->at[i];
  }
  if (w->used >= w->n_values)
    return FALSE;
  memcpy(w->dense + (size_t)to * w->width, w->values + (size_t)w->used++ * w->width, w->width);
  return TRUE;
}

/* Element @above of the level above this one. At most MAX_LEVELS deep. */
static gboolean walk(Walk *w, int32_t depth, int64_t above)
{
  if (depth == w->n_levels)
    return store(w);
  const Level *l = &w->levels[depth];
  int64_t from = 0, to = l->size;
  if (l->compressed) {
    from = qf_flat_at_int(&l->segments, (uint32_t)above, l->segment_kind);
    to = qf_flat_at_int(&l->segments, (uint32_t)above + 1, l->segment_kind);
    if (above + 1 >= l->segments.count || from < 0 || to < from || to > l->indices.count)
      return FALSE;
  }
  for (int64_t i = from; i < to; i++) {
    int64_t index = l->compressed ? qf_flat_at_int(&l->indices, (uint32_t)i, l->index_kind) : i;
    if (index < 0 || index > G_MAXINT32 || --w->visits < 0)
      return FALSE;
    w->at[l->dimension] += index * l->step;
    gboolean ok = walk(w, depth + 1, l->compressed ? i : above * l->size + i);
    w->at[l->dimension] -= index * l->step;
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

GBytes *qf_tfl_densify(const QfTflModel *model, const QfTflTensor *x)
{
  Walk w = {.x = x, .values = model->flat.data + x->data_at, .width = qf_dtype_size(x->dtype)};
  int64_t count = qf_dims_count(x->dims, x->rank);
  if (!w.width || qf_tfl_packed_bits(x->type) || count < 1 || x->data_size % w.width ||
      !read_levels(&w, &x->sparsity))
    return NULL;
  w.n_values = (int64_t)(x->data_size / w.width);
  w.visits = count * (w.n_levels + 1);
  w.dense = g_malloc0((size_t)count * w.width);
  if (walk(&w, 0, 0) && w.used == w.n_values)
    return g_bytes_new_take(w.dense, (size_t)count * w.width);
  g_free(w.dense);
  return NULL;
}
