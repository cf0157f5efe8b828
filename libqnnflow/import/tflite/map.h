/* SPDX-License-Identifier: MIT */
/*
 * map.h - what the functions that map TFLite operators share: the node being mapped, and making graph nodes of it.
 *
 * A row of the table in map.c says which function maps an operator and with which data. Functions read options by
 * field id (schema.h) and make nodes with qf_tfl_new_node() and qf_tfl_add_node(), which put in what quantization
 * needs: Dequantize and Quantize around operators that only know real numbers, Convert where an operator that only
 * moves values has outputs encoded differently.
 */
#ifndef QF_IMPORT_TFLITE_MAP_H
#define QF_IMPORT_TFLITE_MAP_H

#include "scope.h"

#include "../../graph/graph.h"
#include "../../ops/attrs.h"

typedef struct QfTflNode QfTflNode;

typedef gboolean (*QfTflMapFunc)(QfTflNode *node, GError **error);

typedef struct {
  uint32_t code;    /* builtin operator */
  const char *name; /* as in the schema, or a custom operator's name */
  QfTflMapFunc map;
  int16_t min_inputs, max_inputs; /* max -1: any number */
  int16_t n_outputs;              /* -1: any number, but one at least */
  const char *op;                 /* operator of ours, for functions that map several */
  const void *data;               /* what else differs between the rows of a function */
} QfTflRow;

/* A node that follows the next one that is added: @op from @in to @out. */
typedef struct {
  const char *op;
  QfTensor *in, *out;
  float lo, hi;    /* of ReluMinMax, else 0 */
  gboolean change; /* it is a Quantize or a Convert */
} QfTflAfter;

/* One operator while it is mapped. */
struct QfTflNode {
  QfGraph *graph;
  const QfTflModel *model;
  QfTflScope *scope; /* the graph of the file that it stands in */
  const QfTflRow *row;
  const QfTflOperator *record;
  uint32_t index;   /* of the operator in the file */
  const char *name; /* of its first output: what messages and graph nodes call it */
  /* NULL: absent, or a resource. For a tensor marked is_variable this is its value now: see qf_tfl_assign() */
  QfTensor *const *in;
  QfTensor *const *out;
  uint32_t n_in, n_out;
  GArray *after; /* of QfTflAfter: nodes to add behind the next one */
};

/* The row for an operator; NULL when it is not supported. */
const QfTflRow *qf_tfl_row_find(const QfTflCode *code);
/* TRUE for operators that have resources among their inputs and outputs. */
gboolean qf_tfl_makes_resources(const QfTflRow *row);
/* TRUE for operators that may have complex numbers, which are pairs along a last dimension that the file does not count. */
gboolean qf_tfl_takes_complex(const QfTflRow *row);
gboolean qf_tfl_is_complex(const QfTflNode *n, uint32_t input);
/* The schema's name of a builtin operator, also of those not supported; NULL when the number is unknown. */
const char *qf_tfl_operator_name(uint32_t code);

/* Gives @tensor the encoding that the file has for tensor @record, if any. */
gboolean qf_tfl_set_encoding(QfGraph *graph, QfTensor *tensor, const QfTflTensor *record, GError **error);

/* Sets @error to "file: operator 12 (CONV_2D version 3, output "x"): text" and returns FALSE. */
gboolean qf_tfl_fail(const QfTflNode *n, GError **error, QfError code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* Options by field id. */
int64_t qf_tfl_option(const QfTflNode *n, uint32_t field, int64_t def); /* int32 */
int64_t qf_tfl_option_byte(const QfTflNode *n, uint32_t field, int64_t def);
float qf_tfl_option_float(const QfTflNode *n, uint32_t field, float def);

/* A constant integer input as a list of at most QF_MAX_RANK values. */
gboolean qf_tfl_get_ints(const QfTflNode *n, uint32_t input, QfInts *values, GError **error);
/* The same for one value. */
gboolean qf_tfl_get_int(const QfTflNode *n, uint32_t input, int64_t *value, GError **error);
/* Resolves a negative axis; an error unless it is one of @rank dimensions. */
gboolean qf_tfl_axis(const QfTflNode *n, int64_t value, int32_t rank, int32_t *axis, GError **error);
/* An error unless input @input has @rank dimensions. */
gboolean qf_tfl_check_rank(const QfTflNode *n, uint32_t input, int32_t rank, GError **error);

/* A tensor between two nodes made of one operator: named after it, with dtype and encoding of @like (may be NULL). */
QfTensor *qf_tfl_temp(QfTflNode *n, const char *suffix, const QfTensor *like);
/* A constant int64 list. */
QfTensor *qf_tfl_const_ints(QfTflNode *n, const char *suffix, const int64_t *values, int32_t count);

/*
 * Variables keep their value from run to run. A tensor marked is_variable is one: in[input] is its value before this operator,
 * and this makes @after, of the same shape and type, the one that later operators and the next run read. The state pair
 * of the graph comes by itself; variables in bodies of control flow become operands. They begin with the real number 0.
 */
gboolean qf_tfl_assign(QfTflNode *n, uint32_t input, QfTensor *after, GError **error);

/* A node of operator @op; set its attributes, then add it. */
QfNode *qf_tfl_new_node(QfTflNode *n, const char *op, QfTensor *const *in, uint32_t n_in,
                        QfTensor *const *out, uint32_t n_out);
gboolean qf_tfl_add_node(QfTflNode *n, QfNode *node, GError **error);
/* The same for a node that takes quantized tensors as they are. */
gboolean qf_tfl_add_raw_node(QfTflNode *n, QfNode *node, GError **error);

/* Fused activations. Into an epilogue: */
gboolean qf_tfl_set_epilogue(const QfTflNode *n, uint32_t field, QfEpilogue *epi, GError **error);
/* or as a node behind the next one, whose output replaces *@out. */
gboolean qf_tfl_split_activation(QfTflNode *n, uint32_t field, QfTensor **out, GError **error);

/* Common small nodes. */
gboolean qf_tfl_add_reshape(QfTflNode *n, QfTensor *in, QfTensor *out, const int64_t *dims, int32_t rank,
                            GError **error);
gboolean qf_tfl_add_unary(QfTflNode *n, const char *op, QfTensor *in, QfTensor *out, GError **error);
/* Quantize, Dequantize, Convert, or Cast to @dtype: nothing is put around these. */
gboolean qf_tfl_add_change(QfTflNode *n, const char *op, QfTensor *in, QfTensor *out, GError **error);
gboolean qf_tfl_add_cast(QfTflNode *n, QfTensor *in, QfTensor *out, QfDType dtype, GError **error);

/* The mapping functions, by file. */
extern const QfTflRow qf_tfl_conv_rows[], qf_tfl_math_rows[], qf_tfl_reduce_rows[], qf_tfl_shape_rows[],
    qf_tfl_slice_rows[], qf_tfl_gather_rows[], qf_tfl_image_rows[], qf_tfl_control_rows[],
    qf_tfl_state_rows[], qf_tfl_custom_rows[], qf_tfl_compose_rows[], qf_tfl_segment_rows[],
    qf_tfl_signal_rows[], qf_tfl_recurrent_rows[], qf_tfl_volume_rows[], qf_tfl_fourier_rows[],
    qf_tfl_window_rows[], qf_tfl_stablehlo_rows[];

#endif
