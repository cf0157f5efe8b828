/* SPDX-License-Identifier: MIT */
/*
 * tinymodel.h - writes small ONNX files for tests, byte by byte, with nothing but GLib.
 *
 * Make one, add inputs, constants, nodes and outputs in any order, save it.
 */
#ifndef TINYMODEL_H
#define TINYMODEL_H

#include <glib.h>

typedef enum { TINY_FLOAT = 1, TINY_UINT8 = 2, TINY_INT8 = 3, TINY_INT64 = 7, TINY_FLOAT16 = 10 } TinyType;

typedef struct TinyModel TinyModel;

TinyModel *tiny_model_new(void);

/* @dims: "1,3,8,8"; -1 is an open dimension, "" a scalar. */
void tiny_model_input(TinyModel *model, const gchar *name, TinyType type, const gchar *dims);
void tiny_model_output(TinyModel *model, const gchar *name, TinyType type, const gchar *dims);

/* A constant; @values: "0.5,1". */
void tiny_model_constant(TinyModel *model, const gchar *name, TinyType type, const gchar *dims,
                         const gchar *values);

/* A node; names separated by commas. */
void tiny_model_node(TinyModel *model, const gchar *op, const gchar *inputs, const gchar *outputs);

/* The same with one whole number as attribute. */
void tiny_model_node_int(TinyModel *model, const gchar *op, const gchar *inputs, const gchar *outputs,
                         const gchar *attribute, gint64 value);

/* Writes the file DIR/NAME and frees the model. Returns the path, to be freed with g_free(). */
gchar *tiny_model_save(TinyModel *model, const gchar *dir, const gchar *name);

/* Ready ones: the path, to be freed with g_free(). */
/* x[1,3,h,w] -> mean of each channel [1,3]: a classification by colour. */
gchar *tiny_mean_model(const gchar *dir, gint width, gint height);
/* a[1,4], b[1,4] -> a + b */
gchar *tiny_add_model(const gchar *dir);
/* x[1,3,4,8] -> max(x, 0), the same shape */
gchar *tiny_relu_model(const gchar *dir);
/* x[1,1,h,w] -> SSD outputs of two boxes, left half (class 1) and right bottom quarter (class 2); the score of the
 * first is 0.8, of the second the mean of x */
gchar *tiny_boxes_model(const gchar *dir, gint width, gint height);

#endif
