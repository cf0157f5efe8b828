/* SPDX-License-Identifier: MIT */
/*
 * reader.c - see reader.h. Text and binary files give the same protobuf-c structs. The layers of the first format (V1) are moved
 * into the newer struct field by field, by name: their parameter messages are the same.
 */
#include "reader.h"
#include "text.h"

#include <string.h>

/* What the structs may take: an empty layer of a few bytes is a struct of several hundred. */
#define BUDGET_TIMES 64

/* Names of V1 types, by number. */
static const char *const v1_types[] = {
    "",
    "Accuracy",
    "BNLL",
    "Concat",
    "Convolution",
    "Data",
    "Dropout",
    "EuclideanLoss",
    "Flatten",
    "HDF5Data",
    "HDF5Output",
    "Im2col",
    "ImageData",
    "InfogainLoss",
    "InnerProduct",
    "LRN",
    "MultinomialLogisticLoss",
    "Pooling",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxWithLoss",
    "Split",
    "TanH",
    "WindowData",
    "Eltwise",
    "Power",
    "SigmoidCrossEntropyLoss",
    "HingeLoss",
    "MemoryData",
    "ArgMax",
    "Threshold",
    "DummyData",
    "Slice",
    "MVN",
    "AbsVal",
    "Silence",
    "ContrastiveLoss",
    "Exp",
    "Deconvolution",
};

/* Wire types of the fields of a net, by number: 1 << 0 numbers, 1 << 2 bytes. */
static const uint8_t net_fields[101] = {
    [1] = 4, [2] = 4, [3] = 4, [4] = 5, [5] = 1, [6] = 4, [7] = 1, [8] = 4, [100] = 4,
};

/* A layer begins with its name and type, or a V1 layer with bottoms and tops: text, each. */
static gboolean looks_like_layer(const QfProtobufField *layer)
{
  const uint8_t *data = layer->payload;
  size_t size = layer->payload_size;
  QfProtobufField field;
  if (!qf_protobuf_next(&data, &size, &field) || field.wire != 2 || field.number > 5)
    return FALSE;
  for (size_t i = 0; i < field.payload_size; i++)
    if (field.payload[i] < 0x20 && !(layer->number == 2 && field.number == 1)) /* V0 nests a layer here */
      return FALSE;
  return TRUE;
}

gboolean qf_caffe_probe(const uint8_t *data, size_t size)
{
  QfProtobufField field;
  if (qf_caffe_text_probe(&caffe__net_parameter__descriptor, (const char *)data, size))
    return TRUE;
  while (qf_protobuf_next(&data, &size, &field)) {
    if (field.number >= G_N_ELEMENTS(net_fields) || !(net_fields[field.number] >> field.wire & 1))
      return FALSE;
    if (field.number == 100 || field.number == 2)
      return looks_like_layer(&field);
    if (field.number == 1 && field.payload_size && field.payload[0] == 0x0a)
      return FALSE; /* no name, but a message: a node of TensorFlow's */
  }
  return FALSE;
}

static gboolean is_text(GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  return qf_caffe_text_probe(&caffe__net_parameter__descriptor, data, size);
}

static void *read_binary(const ProtobufCMessageDescriptor *type, GBytes *bytes, const char *name,
                         QfBudget *budget, GError **error)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  qf_budget_init(budget, size, BUDGET_TIMES);
  ProtobufCMessage *m = protobuf_c_message_unpack(type, &budget->allocator, size, data);
  if (!m)
    g_set_error(
        error, QF_ERROR, budget->spent ? QF_ERROR_LIMIT : QF_ERROR_FORMAT,
        "%s: the Caffe file is truncated or corrupt%s; copy it again, or, when it is of a fork of Caffe, "
        "load its .prototxt",
        name, budget->spent ? ": its records need too much memory" : "");
  return m;
}

static gboolean read_net(QfCaffeFile *file, GBytes *bytes, GError **error)
{
  const ProtobufCMessageDescriptor *type = &caffe__net_parameter__descriptor;
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  if (!is_text(bytes)) {
    file->net = read_binary(type, bytes, file->name, &file->net_budget, error);
    return file->net != NULL;
  }
  qf_budget_init(&file->net_budget, size, BUDGET_TIMES);
  file->net =
      (Caffe__NetParameter *)qf_caffe_text_parse(type, data, size, file->name, &file->net_budget, error);
  return file->net != NULL;
}

/* Moves the fields that both structs have, by name. */
static void move_fields(ProtobufCMessage *from, ProtobufCMessage *to)
{
  for (unsigned i = 0; i < from->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &from->descriptor->fields[i],
                                   *t = protobuf_c_message_descriptor_get_field_by_name(to->descriptor,
                                                                                        f->name);
    if (!t || t->type != f->type || t->label != f->label)
      continue;
    memcpy((char *)to + t->offset, (char *)from + f->offset, sizeof(void *));
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
      memcpy((char *)to + t->quantifier_offset, (char *)from + f->quantifier_offset, sizeof(size_t));
    memset((char *)from + f->offset, 0, sizeof(void *));
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
      memset((char *)from + f->quantifier_offset, 0, sizeof(size_t));
  }
}

static gboolean upgrade_layer(QfCaffeFile *file, Caffe__V1LayerParameter *old, Caffe__LayerParameter **made,
                              GError **error)
{
  ProtobufCAllocator *allocator = &file->net_budget.allocator;
  gboolean known = old->type > 0 && old->type < (int)G_N_ELEMENTS(v1_types);
  if (old->layer || !known) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
                "%s: layer '%.200s' has %s; convert the files with Caffe's tools upgrade_net_proto_text and "
                "upgrade_net_proto_binary",
                file->name,
                old->layer && old->layer->name ? old->layer->name
                : old->name                    ? old->name
                                               : "",
                old->layer ? "the form of Caffe's first version (V0)" : "no known type");
    return FALSE;
  }
  Caffe__LayerParameter *layer = allocator->alloc(&file->net_budget, sizeof(*layer));
  size_t length = strlen(v1_types[old->type]) + 1;
  char *type = layer ? allocator->alloc(&file->net_budget, length) : NULL;
  if (!type) {
    allocator->free(&file->net_budget, layer);
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT, "%s: its records need too much memory; it is damaged",
                file->name);
    return FALSE;
  }
  caffe__layer_parameter__init(layer);
  old->has_type = FALSE;
  int32_t number = (int32_t)old->type;
  move_fields(&old->base, &layer->base);
  layer->type = memcpy(type, v1_types[number], length);
  *made = layer;
  return TRUE;
}

/* V1 layers become newer ones, in front (a net has one kind only). */
static gboolean upgrade(QfCaffeFile *file, GError **error)
{
  Caffe__NetParameter *net = file->net;
  ProtobufCAllocator *allocator = &file->net_budget.allocator;
  if (!net->n_layers)
    return TRUE;
  if (net->n_layer) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: it has layers of two formats (layer and layers)",
                file->name);
    return FALSE;
  }
  net->layer = allocator->alloc(&file->net_budget, net->n_layers * sizeof(*net->layer));
  for (size_t i = 0; net->layer && i < net->n_layers; i++) {
    if (!upgrade_layer(file, net->layers[i], &net->layer[i], error))
      return FALSE;
    net->n_layer++;
  }
  return net->layer != NULL;
}

/* The blobs of one layer in the weights file. */
typedef struct {
  size_t n;
  Caffe__BlobProto **blobs;
} Blobs;

static void index_weights(QfCaffeFile *file)
{
  const Caffe__NetWeights *w = file->weights;
  file->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  for (size_t i = 0; i < w->n_layers + w->n_layer; i++) {
    const Caffe__V1LayerWeights *old = i < w->n_layers ? w->layers[i] : NULL;
    const Caffe__LayerWeights *new = old ? NULL : w->layer[i - w->n_layers];
    const char *name = old ? old->name : new->name;
    Blobs b = {old ? old->n_blobs : new->n_blobs, old ? old->blobs : new->blobs};
    if (name && b.n)
      g_hash_table_insert(file->by_name, (gpointer)name, g_memdup2(&b, sizeof(b)));
  }
}

static gboolean open_weights(QfCaffeFile *file, const char *path, GError **error)
{
  g_autoptr(GError) e = NULL;
  g_autoptr(GMappedFile) mapped = g_mapped_file_new(path, FALSE, &e);
  if (!mapped) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: its weights cannot be read: %s", file->name, e->message);
    return FALSE;
  }
  file->weights_name = g_path_get_basename(path);
  file->weights_bytes = g_mapped_file_get_bytes(mapped);
  file->weights = read_binary(&caffe__net_weights__descriptor, file->weights_bytes, file->weights_name,
                              &file->weights_budget, error);
  if (!file->weights)
    return FALSE;
  index_weights(file);
  return TRUE;
}

/* The file beside the model with the same stem and another ending; NULL: there is none. */
static char *find_beside(const char *name, const char *directory, const char *ending)
{
  const char *dot = strrchr(name, '.');
  g_autofree char *stem = dot ? g_strndup(name, (gsize)(dot - name)) : g_strdup(name);
  g_autofree char *base = g_strconcat(stem, ending, NULL);
  g_autofree char *path = directory ? g_build_filename(directory, base, NULL) : NULL;
  return path && g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&path) : NULL;
}

static gboolean need_weights(const QfCaffeFile *file)
{
  for (size_t i = 0; i < file->net->n_layer; i++)
    if (file->net->layer[i]->n_blobs)
      return FALSE;
  return TRUE;
}

/* The net's text beside a binary file is what its maker deploys; the one inside may be the net for training. */
static GBytes *prefer_text(GBytes *bytes, const char *name, const char *directory, QfCaffeFile *file)
{
  g_autofree char *path = is_text(bytes) ? NULL : find_beside(name, directory, ".prototxt");
  g_autoptr(GMappedFile) mapped = path ? g_mapped_file_new(path, FALSE, NULL) : NULL;
  if (!mapped)
    return g_bytes_ref(bytes);
  file->weights_bytes = g_bytes_ref(bytes);
  return g_mapped_file_get_bytes(mapped);
}

QfCaffeFile *qf_caffe_open(GBytes *bytes, const char *name, const char *directory,
                           const QfModelOptions *options, GError **error)
{
  g_autoptr(QfCaffeFile) file = g_new0(QfCaffeFile, 1);
  file->name = name;
  file->seed = options->seed_weights;
  g_autoptr(GBytes) net = prefer_text(bytes, name, directory, file);
  if (!read_net(file, net, error) || !upgrade(file, error))
    return NULL;
  if (file->weights_bytes) {
    file->weights_name = g_strdup(name);
    file->weights =
        read_binary(&caffe__net_weights__descriptor, file->weights_bytes, name, &file->weights_budget, error);
    if (!file->weights)
      return NULL;
    index_weights(file);
    return g_steal_pointer(&file);
  }
  g_autofree char *beside =
      options->weights ? g_strdup(options->weights) : find_beside(name, directory, ".caffemodel");
  if (beside && (options->weights || need_weights(file)) && !open_weights(file, beside, error))
    return NULL;
  return g_steal_pointer(&file);
}

void qf_caffe_close(QfCaffeFile *file)
{
  if (!file)
    return;
  g_clear_pointer(&file->by_name, g_hash_table_unref);
  if (file->net)
    protobuf_c_message_free_unpacked(&file->net->base, &file->net_budget.allocator);
  if (file->weights)
    protobuf_c_message_free_unpacked(&file->weights->base, &file->weights_budget.allocator);
  g_clear_pointer(&file->weights_bytes, g_bytes_unref);
  g_free(file->weights_name);
  g_free(file);
}

size_t qf_caffe_blobs(const QfCaffeFile *file, const Caffe__LayerParameter *layer, Caffe__BlobProto ***blobs)
{
  const Blobs *b = file->by_name && layer->name ? g_hash_table_lookup(file->by_name, layer->name) : NULL;
  *blobs = b ? b->blobs : layer->blobs;
  return b ? b->n : layer->n_blobs;
}

gboolean qf_caffe_blob_shape(const Caffe__BlobProto *blob, int64_t *dims, int32_t *rank)
{
  if (!blob->shape) {
    const int64_t old[] = {blob->num, blob->channels, blob->height, blob->width};
    memcpy(dims, old, sizeof(old));
    *rank = 4;
    return qf_dims_count(dims, 4) >= 0;
  }
  if (blob->shape->n_dim > QF_MAX_RANK)
    return FALSE;
  *rank = (int32_t)blob->shape->n_dim;
  for (int i = 0; i < *rank; i++)
    dims[i] = blob->shape->dim[i];
  return qf_dims_count(dims, *rank) >= 0;
}

/* NVIDIA's packed form, by raw_data_type: double, float, half. */
static const QfDType raw_types[] = {QF_DTYPE_FLOAT64, QF_DTYPE_FLOAT32, QF_DTYPE_FLOAT16};

static QfDType raw_type(const Caffe__BlobProto *blob)
{
  gboolean known = blob->raw_data_type >= 0 && blob->raw_data_type < (int)G_N_ELEMENTS(raw_types);
  return blob->raw_data.len && known ? raw_types[blob->raw_data_type] : QF_DTYPE_INVALID;
}

size_t qf_caffe_blob_count(const Caffe__BlobProto *blob)
{
  QfDType raw = raw_type(blob);
  if (raw)
    return blob->raw_data.len / qf_dtype_size(raw);
  return blob->n_data ? blob->n_data : blob->n_double_data;
}

void qf_caffe_blob_values(const Caffe__BlobProto *blob, float *out)
{
  size_t n = qf_caffe_blob_count(blob);
  QfDType raw = raw_type(blob);
  if (!raw && blob->n_data) {
    memcpy(out, blob->data, n * sizeof(float));
    return;
  }
  QfTensor t = {.dtype = raw ? raw : QF_DTYPE_FLOAT64};
  t.data = g_bytes_new_static(raw ? (const void *)blob->raw_data.data : blob->double_data,
                              n * qf_dtype_size(t.dtype));
  for (size_t i = 0; i < n; i++)
    out[i] = (float)qf_tensor_get_real(&t, (int64_t)i);
  g_bytes_unref(t.data);
}
