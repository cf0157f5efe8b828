/* SPDX-License-Identifier: MIT */
/*
 * map.h - Caffe layers to graph nodes: what the files of the map share.
 *
 * A family of layers is a file with a table of QfCaffeRow; map.c finds the row, checks the numbers of bottoms and tops, and calls its
 * function, which reads the layer's parameters, makes nodes and binds every top. Tensors have Caffe's dimensions, images
 * [N,C,H,W]; all are float32.
 */
#ifndef QF_IMPORT_CAFFE_MAP_H
#define QF_IMPORT_CAFFE_MAP_H

#include "../build.h"
#include "../import.h"
#include "reader.h"

typedef struct QfCaffeLayer QfCaffeLayer;

typedef gboolean (*QfCaffeMapFunc)(QfCaffeLayer *l, GError **error);

typedef struct {
  const char *type; /* NULL ends a table */
  QfCaffeMapFunc map;
  int16_t min_in, max_in; /* bottoms; max -1: any number */
  int16_t max_out;        /* tops, one at least; -1: any number */
  const char *target;     /* graph operator, for functions that map several */
} QfCaffeRow;

/* State of one import. */
typedef struct {
  QfGraph *graph;
  QfCaffeFile *file;
  const QfModelOptions *options;
  GHashTable *values;        /* blob name -> QfTensor, the newest when layers work in place */
  GHashTable *used;          /* set of blob names that a layer has read since they were written */
  GHashTable *pending;       /* blob name -> Caffe__LayerParameter of a data layer */
  GHashTable *last;          /* blob name -> index + 1 of the last layer that writes it */
  GHashTable *channels_last; /* see QfBuild */
  GPtrArray *tops;           /* names of the blobs that layers have made */
  GHashTable
      *absent; /* blob names that only layers left out make: labels, training data. Value 1: at the source */
  GString *missing; /* those of them that layers wanted, which are left out too */
} QfCaffe;

/* One layer being imported. */
struct QfCaffeLayer {
  QfBuild build; /* first, so that &l->build is what build.h wants */
  QfCaffe *caffe;
  const Caffe__LayerParameter *p;
  const QfCaffeRow *row;
  uint32_t index;
  QfTensor **in;
  uint32_t n_in;
  QfTensor **out; /* bound by the map function */
  uint32_t n_out;
  Caffe__BlobProto **blobs;
  size_t n_blobs;
};

/* The parameters that a layer has, or their defaults. */
#define QF_CAFFE_PARAM(var, l, Type, INIT, member)                                                           \
  static const Type var##_defaults = INIT;                                                                   \
  const Type *var = (l)->p->member ? (l)->p->member : &var##_defaults

/* The tensor for top @index, with its name. */
QfTensor *qf_caffe_out(QfCaffeLayer *l, uint32_t index);
/* Top @index is @t. FALSE when @t is NULL: an error is set then. */
gboolean qf_caffe_bind(QfCaffeLayer *l, uint32_t index, QfTensor *t);
/* Resolves a negative axis; 0 to rank - 1, or to @rank where @end says so. */
gboolean qf_caffe_axis(const QfCaffeLayer *l, int64_t axis, int32_t rank, gboolean end, int32_t *out,
                       GError **error);

/* What made-up weights look like: numbers between lo and hi. */
typedef struct {
  float lo, hi;
} QfCaffeSeed;

/*
 * Blob @index as a constant of this shape: the file's may have other dimensions, but as many elements. Missing blobs are made
 * up when a seed is given, else an error.
 */
QfTensor *qf_caffe_weights(QfCaffeLayer *l, uint32_t index, const char *what, const QfInts *shape,
                           QfCaffeSeed seed, GError **error);
/* The number of blobs that the layer has, or would have. */
static inline gboolean qf_caffe_has_blobs(const QfCaffeLayer *l, size_t n)
{
  return l->n_blobs >= n || (!l->n_blobs && l->caffe->file->seed);
}
/* Range for weights of @fan_in inputs that keeps the size of the values. */
QfCaffeSeed qf_caffe_seed_for(int64_t fan_in);

/* The tensor [N,C,H,W] as [N,H,W,C], or an error when it has another rank. */
QfTensor *qf_caffe_to_image(QfCaffeLayer *l, QfTensor *x, GError **error);
/* And back, as top 0. */
gboolean qf_caffe_from_image(QfCaffeLayer *l, QfTensor *y, GError **error);

/* The row of a layer type; NULL: not supported. A row without a function: left out of inference. */
const QfCaffeRow *qf_caffe_find_row(const char *type);

/* The tables, one a file. */
extern const QfCaffeRow qf_caffe_conv_rows[], qf_caffe_pool_rows[], qf_caffe_math_rows[],
    qf_caffe_norm_rows[], qf_caffe_shape_rows[], qf_caffe_image_rows[], qf_caffe_ssd_rows[],
    qf_caffe_rnn_rows[];

/* input.c: the net's inputs, from input fields and input layers; data layers become inputs when they are read. */
gboolean qf_caffe_add_net_inputs(QfCaffe *caffe, GError **error);
gboolean qf_caffe_is_input_layer(const Caffe__LayerParameter *p);
gboolean qf_caffe_add_input_layer(QfCaffe *caffe, const Caffe__LayerParameter *p, GError **error);
/* Makes an input of a blob that a data layer gives, or that the caller gave dimensions for. NULL: unknown, as are its dimensions, or
 * an error. */
QfTensor *qf_caffe_late_input(QfCaffe *caffe, const char *name, GError **error);

#endif
