/* SPDX-License-Identifier: MIT */
/*
 * tflite_build.h - makes small TFLite files in memory, for the tests of the reader and the map.
 * A tree of FlatBuffer nodes is built first and written at the end; it owns its children.
 */
#ifndef QF_TESTS_TFLITE_BUILD_H
#define QF_TESTS_TFLITE_BUILD_H

#include <glib.h>
#include <stdint.h>

/* A table, a list of tables, or a list of numbers (a string is one of bytes). */
typedef struct TbNode TbNode;

TbNode *tb_table(void);
TbNode *tb_list(void);
TbNode *tb_numbers(const void *values, uint32_t count, uint32_t width);
TbNode *tb_string(const char *text);
void tb_int(TbNode *table, uint32_t field, uint32_t width, int64_t value);
void tb_float(TbNode *table, uint32_t field, float value);
void tb_child(TbNode *table, uint32_t field, TbNode *child); /* takes over @child */
void tb_append(TbNode *list, TbNode *table);                 /* takes over @table */

/* Writes the tree as a file and frees it. */
GBytes *tb_finish(TbNode *root, const char *identifier);

/* A model under construction: the graph that tensors and operators go to, and those before it. */
typedef struct {
  TbNode *codes, *tensors, *operators, *buffers, *graphs, *signatures;
  uint32_t n_codes, n_tensors, n_buffers, n_graphs;
  TbNode *last_tensor;
} TbModel;

void tb_model_init(TbModel *m);
/* A tensor; @data of @size bytes makes it a constant. Returns its index. */
int32_t tb_tensor(TbModel *m, const char *name, int type, const int32_t *dims, uint32_t rank,
                  const void *data, uint32_t size);
/* Encodes the tensor that was added last. */
void tb_quantize(TbModel *m, const float *scales, const int64_t *zero_points, uint32_t count, int32_t axis);
/* An operator; @options may be NULL (taken over). */
TbNode *tb_operator(TbModel *m, int code, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                    uint32_t n_out, TbNode *options);
/* As above with a custom operator's name. */
TbNode *tb_custom(TbModel *m, const char *name, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                  uint32_t n_out);
/* Ends the graph, whose index it returns; another begins. */
uint32_t tb_next_graph(TbModel *m, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                       uint32_t n_out);
/* An entry: @graph, whose input and output tensors have the names @in and @out outside. */
void tb_signature(TbModel *m, const char *key, uint32_t graph, int32_t input, const char *in, int32_t output,
                  const char *out);
/* Ends the last graph and the model. */
GBytes *tb_model_finish(TbModel *m, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                        uint32_t n_out);

/* A small quantized network with a bit of everything, for damage and as a seed: conv, reshape, fully connected, softmax. */
GBytes *tb_sample(void);

#endif
