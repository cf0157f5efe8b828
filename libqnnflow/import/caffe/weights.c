/* SPDX-License-Identifier: MIT */
/*
 * weights.c - blobs of a layer as constants of the shape that the layer's parameters ask for, or numbers made up from a seed when
 * there is a topology only. Made-up numbers depend on seed, layer name and blob alone, so that nets can be compared.
 */
#include "map.h"

#include <math.h>
#include <string.h>

/* 2^28 made-up floats: a gigabyte. */
#define MAX_MADE_UP ((int64_t)1 << 28)

QfCaffeSeed qf_caffe_seed_for(int64_t fan_in)
{
  float limit = sqrtf(3.0f / (float)MAX(fan_in, 1));
  return (QfCaffeSeed){-limit, limit};
}

/* A step of the splitmix64 generator: well mixed from any state. */
static uint64_t next_number(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void make_up(const QfCaffeLayer *l, uint32_t index, QfCaffeSeed seed, float *out, int64_t count)
{
  uint64_t state = ((uint64_t)l->caffe->file->seed << 32 ^ g_str_hash(l->build.name)) * 31 + index;
  for (int64_t i = 0; i < count; i++)
    out[i] =
        seed.lo + (seed.hi - seed.lo) * (float)((double)(next_number(&state) >> 11) / 9007199254740992.0);
}

static gboolean check_blob(const QfCaffeLayer *l, uint32_t index, const char *what, const QfInts *shape,
                           GError **error)
{
  const QfCaffeFile *file = l->caffe->file;
  g_autofree char *wanted = qf_dims_to_string(shape->v, shape->n);
  int64_t count = qf_dims_count(shape->v, shape->n), dims[QF_MAX_RANK];
  int32_t rank;
  if (count < 0)
    return qf_build_fail(&l->build, error, QF_ERROR_LIMIT, "its %s would be %s, which no memory holds", what,
                         wanted);
  if (index >= l->n_blobs && file->seed && !l->n_blobs)
    return count <= MAX_MADE_UP ||
           qf_build_fail(&l->build, error, QF_ERROR_LIMIT, "its %s would be %s, too many numbers to make up",
                         what, wanted);
  if (index >= l->n_blobs)
    return qf_build_fail(&l->build, error, QF_ERROR_FILE,
                         "it has no %s%s%s; put the .caffemodel of the same name beside the model or name it "
                         "(--weights=FILE to tools, weights= to elements), or try the topology with made-up "
                         "numbers (--seed-weights=1)",
                         what, file->weights_name ? " in " : "",
                         file->weights_name ? file->weights_name : "");
  if (!qf_caffe_blob_shape(l->blobs[index], dims, &rank))
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT, "its %s has impossible dimensions", what);
  size_t have = qf_caffe_blob_count(l->blobs[index]);
  if (have == (size_t)count && (!rank || qf_dims_count(dims, rank) == count))
    return TRUE;
  g_autofree char *got = qf_dims_to_string(dims, rank);
  return qf_build_fail(
      &l->build, error, QF_ERROR_SHAPE,
      "its %s must be %s, but is %s with %zu numbers: net and weights do not belong together", what, wanted,
      got, have);
}

QfTensor *qf_caffe_weights(QfCaffeLayer *l, uint32_t index, const char *what, const QfInts *shape,
                           QfCaffeSeed seed, GError **error)
{
  if (!check_blob(l, index, what, shape, error))
    return NULL;
  int64_t count = qf_dims_count(shape->v, shape->n);
  float *values = g_malloc((size_t)count * sizeof(float) + 1);
  if (index < l->n_blobs)
    qf_caffe_blob_values(l->blobs[index], values);
  else
    make_up(l, index, seed, values, count);
  l->build.graph->file_bytes += (uint64_t)count * sizeof(float); /* of a file of their own, or made up */
  g_autofree char *name = g_strdup_printf("%s/%s", l->build.name, what);
  return qf_graph_add_constant(l->build.graph, name, QF_DTYPE_FLOAT32, shape->v, shape->n,
                               g_bytes_new_take(values, (gsize)count * sizeof(float)));
}
