/* SPDX-License-Identifier: MIT */
/*
 * tinymodel.c - the protobuf wire format, as far as ONNX files need it, and a few models. Field numbers are those of
 * the ONNX specification (onnx.proto).
 */
#include "tinymodel.h"
#include <string.h>

struct TinyModel {
  GByteArray *graph;
  guint n_nodes;
};

static void put_varint(GByteArray *to, guint64 value)
{
  do {
    guint8 byte = (guint8)((value & 127) | (value > 127 ? 128 : 0));
    g_byte_array_append(to, &byte, 1);
    value >>= 7;
  } while (value);
}

static void put_int(GByteArray *to, guint field, gint64 value)
{
  put_varint(to, field << 3);
  put_varint(to, (guint64)value);
}

static void put_bytes(GByteArray *to, guint field, gconstpointer data, gsize size)
{
  put_varint(to, field << 3 | 2);
  put_varint(to, size);
  g_byte_array_append(to, data, (guint)size);
}

static void put_string(GByteArray *to, guint field, const gchar *text)
{
  put_bytes(to, field, text, strlen(text));
}

/* Takes @message. */
static void put_message(GByteArray *to, guint field, GByteArray *message)
{
  put_bytes(to, field, message->data, message->len);
  g_byte_array_unref(message);
}

TinyModel *tiny_model_new(void)
{
  TinyModel *model = g_new0(TinyModel, 1);

  model->graph = g_byte_array_new();
  put_string(model->graph, 2, "tiny");
  return model;
}

/* A ValueInfoProto: name(1), type(2) { tensor_type(1) { elem_type(1), shape(2) { dim(1) { dim_value(1) } } } } */
static void put_value(TinyModel *model, guint field, const gchar *name, TinyType type, const gchar *dims)
{
  g_auto(GStrv) words = g_strsplit(dims, ",", -1);
  GByteArray *shape = g_byte_array_new(), *tensor = g_byte_array_new(), *any = g_byte_array_new();
  GByteArray *value = g_byte_array_new();

  for (gchar **w = words; *w && **w; w++) {
    GByteArray *dim = g_byte_array_new();
    gint64 size = g_ascii_strtoll(*w, NULL, 10);
    if (size >= 0)
      put_int(dim, 1, size);
    else
      put_string(dim, 2, "open");
    put_message(shape, 1, dim);
  }
  put_int(tensor, 1, type);
  put_message(tensor, 2, shape);
  put_message(any, 1, tensor);
  put_string(value, 1, name);
  put_message(value, 2, any);
  put_message(model->graph, field, value);
}

void tiny_model_input(TinyModel *model, const gchar *name, TinyType type, const gchar *dims)
{
  put_value(model, 11, name, type, dims);
}

void tiny_model_output(TinyModel *model, const gchar *name, TinyType type, const gchar *dims)
{
  put_value(model, 12, name, type, dims);
}

static void append_number(GByteArray *raw, TinyType type, const gchar *text)
{
  gfloat real = (gfloat)g_ascii_strtod(text, NULL);
  gint64 integer = g_ascii_strtoll(text, NULL, 10);
  guint8 byte = (guint8)integer;

  if (type == TINY_FLOAT)
    g_byte_array_append(raw, (guint8 *)&real, sizeof real);
  else if (type == TINY_INT64)
    g_byte_array_append(raw, (guint8 *)&integer, sizeof integer);
  else
    g_byte_array_append(raw, &byte, 1);
}

/* A TensorProto: dims(1), data_type(2), name(8), raw_data(9); all of it little endian, as hosts here are. */
void tiny_model_constant(TinyModel *model, const gchar *name, TinyType type, const gchar *dims,
                         const gchar *values)
{
  g_auto(GStrv) sizes = g_strsplit(dims, ",", -1), numbers = g_strsplit(values, ",", -1);
  GByteArray *tensor = g_byte_array_new(), *raw = g_byte_array_new();

  for (gchar **w = sizes; *w && **w; w++)
    put_int(tensor, 1, g_ascii_strtoll(*w, NULL, 10));
  put_int(tensor, 2, type);
  put_string(tensor, 8, name);
  for (gchar **w = numbers; *w; w++)
    append_number(raw, type, *w);
  put_message(tensor, 9, raw);
  put_message(model->graph, 5, tensor);
}

/* A NodeProto: input(1), output(2), name(3), op_type(4), attribute(5) { name(1), i(3), type(20) = INT }. */
void tiny_model_node_int(TinyModel *model, const gchar *op, const gchar *inputs, const gchar *outputs,
                         const gchar *attribute, gint64 value)
{
  g_auto(GStrv) in = g_strsplit(inputs, ",", -1), out = g_strsplit(outputs, ",", -1);
  g_autofree gchar *name = g_strdup_printf("%s_%u", op, model->n_nodes++);
  GByteArray *node = g_byte_array_new(), *attr = g_byte_array_new();

  for (gchar **w = in; *w; w++)
    put_string(node, 1, *w);
  for (gchar **w = out; *w; w++)
    put_string(node, 2, *w);
  put_string(node, 3, name);
  put_string(node, 4, op);
  if (attribute) {
    put_string(attr, 1, attribute);
    put_int(attr, 3, value);
    put_int(attr, 20, 2);
    put_bytes(node, 5, attr->data, attr->len);
  }
  g_byte_array_unref(attr);
  put_message(model->graph, 1, node);
}

void tiny_model_node(TinyModel *model, const gchar *op, const gchar *inputs, const gchar *outputs)
{
  tiny_model_node_int(model, op, inputs, outputs, NULL, 0);
}

gchar *tiny_model_save(TinyModel *model, const gchar *dir, const gchar *name)
{
  gchar *path = g_build_filename(dir, name, NULL);
  GByteArray *file = g_byte_array_new(), *opset = g_byte_array_new();
  g_autoptr(GError) error = NULL;

  put_int(file, 1, 8);
  put_message(file, 7, model->graph);
  put_string(opset, 1, "");
  put_int(opset, 2, 13);
  put_message(file, 8, opset);
  g_file_set_contents(path, (gchar *)file->data, file->len, &error);
  g_assert_no_error(error);
  g_byte_array_unref(file);
  g_free(model);
  return path;
}

gchar *tiny_mean_model(const gchar *dir, gint width, gint height)
{
  TinyModel *m = tiny_model_new();
  g_autofree gchar *dims = g_strdup_printf("1,3,%d,%d", height, width);

  tiny_model_input(m, "x", TINY_FLOAT, dims);
  tiny_model_node(m, "GlobalAveragePool", "x", "pooled");
  tiny_model_constant(m, "shape", TINY_INT64, "2", "1,3");
  tiny_model_node(m, "Reshape", "pooled,shape", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,3");
  return tiny_model_save(m, dir, "mean.onnx");
}

gchar *tiny_add_model(const gchar *dir)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "a", TINY_FLOAT, "1,4");
  tiny_model_input(m, "b", TINY_FLOAT, "1,4");
  tiny_model_node(m, "Add", "a,b", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,4");
  return tiny_model_save(m, dir, "add.onnx");
}

gchar *tiny_relu_model(const gchar *dir)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,4,8");
  tiny_model_node(m, "Relu", "x", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,3,4,8");
  return tiny_model_save(m, dir, "relu.onnx");
}

gchar *tiny_boxes_model(const gchar *dir, gint width, gint height)
{
  TinyModel *m = tiny_model_new();
  g_autofree gchar *dims = g_strdup_printf("1,1,%d,%d", height, width);

  tiny_model_input(m, "x", TINY_FLOAT, dims);
  tiny_model_node(m, "GlobalAveragePool", "x", "pooled");
  tiny_model_constant(m, "shape3", TINY_INT64, "3", "1,1,1");
  tiny_model_constant(m, "shape2", TINY_INT64, "2", "1,1");
  tiny_model_constant(m, "zero", TINY_FLOAT, "1", "0");
  tiny_model_constant(m, "fixed_boxes", TINY_FLOAT, "1,2,4", "0,0,1,0.5,0.5,0.5,1,1");
  tiny_model_constant(m, "fixed_classes", TINY_FLOAT, "1,2", "1,2");
  tiny_model_constant(m, "fixed_scores", TINY_FLOAT, "1,2", "0.8,0");
  tiny_model_constant(m, "select", TINY_FLOAT, "1,2", "0,1");
  tiny_model_node(m, "Reshape", "pooled,shape3", "mean3");
  tiny_model_node(m, "Reshape", "pooled,shape2", "mean2");
  tiny_model_node(m, "Mul", "mean3,zero", "nothing3");
  tiny_model_node(m, "Mul", "mean2,zero", "nothing2");
  tiny_model_node(m, "Add", "fixed_boxes,nothing3", "boxes");
  tiny_model_node(m, "Add", "fixed_classes,nothing2", "classes");
  tiny_model_node(m, "Mul", "select,mean2", "second");
  tiny_model_node(m, "Add", "fixed_scores,second", "scores");
  tiny_model_output(m, "boxes", TINY_FLOAT, "1,2,4");
  tiny_model_output(m, "classes", TINY_FLOAT, "1,2");
  tiny_model_output(m, "scores", TINY_FLOAT, "1,2");
  return tiny_model_save(m, dir, "boxes.onnx");
}
