/* SPDX-License-Identifier: MIT */
/*
 * reader.h - Caffe files as records: a net (text or binary), and the weights of its layers from the same or another file. Knows
 * no operators. The invariant: all layers are in their newest form when this is done, and a tensor's bytes fit its shape.
 */
#ifndef QF_IMPORT_CAFFE_READER_H
#define QF_IMPORT_CAFFE_READER_H

#include "../../graph/graph.h"
#include "../protobuf.h"
#include <qnnflow/model.h>

#include "caffe.pb-c.h"

/* The opened files of one net. */
typedef struct {
  const char *name;   /* for messages */
  char *weights_name; /* of the weights file, for messages; NULL: there is none */
  Caffe__NetParameter *net;
  Caffe__NetWeights *weights; /* NULL: the net's own blobs, or none */
  GBytes *weights_bytes;
  GHashTable *by_name; /* layer name -> Blobs, when weights come from another file */
  QfBudget net_budget, weights_budget;
  uint32_t seed; /* not 0: make up what is missing */
} QfCaffeFile;

gboolean qf_caffe_probe(const uint8_t *data, size_t size);

/* Opens the net in @bytes and finds its weights: options->weights, else the file beside it with the same stem. */
QfCaffeFile *qf_caffe_open(GBytes *bytes, const char *name, const char *directory,
                           const QfModelOptions *options, GError **error);
void qf_caffe_close(QfCaffeFile *file);

/* The blobs of a layer: how many, and where. */
size_t qf_caffe_blobs(const QfCaffeFile *file, const Caffe__LayerParameter *layer, Caffe__BlobProto ***blobs);

/* The shape of a blob, old form or new. FALSE when it has more than QF_MAX_RANK or impossible dimensions. */
gboolean qf_caffe_blob_shape(const Caffe__BlobProto *blob, int64_t *dims, int32_t *rank);

/* How many numbers it holds, in whatever form. */
size_t qf_caffe_blob_count(const Caffe__BlobProto *blob);

/* Its numbers as float32, qf_caffe_blob_count() of them. */
void qf_caffe_blob_values(const Caffe__BlobProto *blob, float *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfCaffeFile, qf_caffe_close)

#endif
