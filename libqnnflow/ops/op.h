/* SPDX-License-Identifier: MIT */
/*
 * op.h - what an operator is, as data.
 *
 * A QfOpDef says how many inputs an operator takes, which attributes it has and of which KIND, how the shapes
 * of its outputs follow, and which rewrites it allows. Dump, hash and layout change work from the attribute table;
 * nothing in the project switches over operators. To add one: a line in ops.inc and a QfOpDef in a file of ops/.
 */
#ifndef QF_OPS_OP_H
#define QF_OPS_OP_H

#include <qnnflow/tensor.h>

/* Forward declarations: ops know nodes only through graph/graph.h. */
typedef struct QfNode QfNode;
typedef struct QfOpDef QfOpDef;

/* A short list, by value, so that attribute structs can be copied with memcpy. */
typedef struct {
  int32_t n;
  int64_t v[QF_MAX_RANK];
} QfInts;

/* What an attribute's numbers mean. The last four are remapped when the layout of the node's data changes. */
typedef enum {
  QF_ATTR_INT,      /* int32_t [count] */
  QF_ATTR_FLOAT,    /* float [count] */
  QF_ATTR_BOOL,     /* int32_t, 0 or 1 */
  QF_ATTR_ENUM,     /* int32_t, named by enum_names */
  QF_ATTR_DTYPE,    /* int32_t holding a QfDType */
  QF_ATTR_INTS,     /* QfInts: a list that does not name dimensions */
  QF_ATTR_AXIS,     /* int32_t: a dimension, 0..rank-1 */
  QF_ATTR_AXES,     /* QfInts: a set of dimensions */
  QF_ATTR_PERM,     /* QfInts: a permutation of the dimensions */
  QF_ATTR_PER_AXIS, /* QfInts: one value for each dimension, in order */
} QfAttrKind;

typedef struct {
  const char *name; /* QNN's name of the parameter where it has one */
  QfAttrKind kind;
  uint16_t offset;               /* offsetof() in the attribute struct */
  uint16_t count;                /* for INT and FLOAT: array length; 0 means 1 */
  double def;                    /* default of each element */
  const char *const *enum_names; /* for ENUM: NULL-terminated */
} QfAttrDef;

/* What a layout change (a permutation of the dimensions) may do with a node. */
typedef enum {
  QF_MOVE_FIXED = 0, /* the dimensions have a meaning: a Transpose stops here */
  QF_MOVE_BROADCAST, /* elementwise over inputs broadcast from the right: permute all inputs */
  QF_MOVE_AXES,      /* every data input and output has the same rank; remap the attributes */
} QfMoveRule;

/* How an operator is computed on quantized tensors. */
typedef enum {
  QF_QUANT_NONE = 0, /* float (or plain integers) only: stays between Dequantize and Quantize */
  QF_QUANT_ANY,      /* each input and output has its own encoding */
  QF_QUANT_SAME, /* moves values only: input 0 and the outputs share one encoding (but see Concat, which is ANY) */
  QF_QUANT_WEIGHTED, /* input 0 and output any; input 1 constant weights, offset 0; input 2 int32 bias = s_in * s_w */
} QfQuantRule;

/* Activation fused into a node's epilogue, applied to the real result (after bias and residual). */
typedef enum {
  QF_ACT_NONE = 0,
  QF_ACT_CLAMP, /* min(max(x, lo), hi): Relu is 0..+inf, Relu6 is 0..6 */
  QF_ACT_HARD_SWISH,
  QF_ACT_SIGMOID,
  QF_ACT_SILU, /* x * sigmoid(x) */
  QF_ACT_TANH,
  QF_ACT_PRELU, /* x < 0 ? x * slope[c] : x; slope is the last input, one per channel */
  QF_ACT_LEAKY, /* x < 0 ? x * alpha : x */
  QF_ACT_GELU,  /* 0.5 x (1 + erf(x / sqrt 2)) */
  QF_N_ACTS
} QfActivation;

extern const char *const qf_activation_names[]; /* for QF_ATTR_ENUM, NULL-terminated */

/* The epilogue of Conv2d, DepthWiseConv2d, TransposeConv2d and FullyConnected: y = act(conv + bias + residual). */
typedef struct {
  int32_t act;  /* QfActivation */
  float lo, hi; /* of CLAMP */
  float alpha;  /* of LEAKY */
  int32_t
      residual; /* 1: an input, after the bias, with the output's shape, is added before act; float only */
} QfEpilogue;

/* Rows for the attribute table of an op whose attribute struct S has a QfEpilogue member `epi`. */
#define QF_EPILOGUE_ATTRS(S)                                                                                 \
  {"activation", QF_ATTR_ENUM, offsetof(S, epi.act), 1, QF_ACT_NONE, qf_activation_names},                   \
      {"act_lo", QF_ATTR_FLOAT, offsetof(S, epi.lo), 1, 0, NULL},                                            \
      {"act_hi", QF_ATTR_FLOAT, offsetof(S, epi.hi), 1, 0, NULL},                                            \
      {"act_alpha", QF_ATTR_FLOAT, offsetof(S, epi.alpha), 1, 0, NULL},                                      \
  {                                                                                                          \
    "residual", QF_ATTR_BOOL, offsetof(S, epi.residual), 1, 0, NULL                                          \
  }

struct QfOpDef {
  const char *name;                 /* QNN's operator name, or ONNX's where QNN has none */
  const char *summary;              /* one line: the formula */
  int16_t min_inputs, max_inputs;   /* max -1: any number. An optional input that is absent is NULL */
  int16_t min_outputs, max_outputs; /* max -1: any number */
  uint16_t attrs_size;              /* sizeof the attribute struct, 0: none */
  const QfAttrDef *attrs;           /* ends with name NULL; NULL: none */
  QfMoveRule move;
  QfQuantRule quant;
  /*
   * Sets rank, dims and dtype of every output from the inputs and attributes, and checks both. All inputs have known
   * dimensions. A dtype that is already set (a quantized one) is kept. The error message is completed by the caller
   * with file, node and operator: say only the rule, the values and the remedy.
   */
  gboolean (*infer)(QfNode *node, GError **error);
  /* Multiply-accumulates of one run; NULL: none. Shapes are known. */
  uint64_t (*macs)(const QfNode *node);
  /* TRUE when the output depends on shapes only, so that it is a constant even if the input is not. NULL: no. */
  gboolean shape_only;
  /* Each run gives other numbers: such a node is never folded, and two of them are never one. */
  gboolean random;
  /* Sets defaults that a number cannot express; called after the table's defaults. NULL: none. */
  void (*init)(void *attrs);
  /* Graphs that a node of it has as its bodies; the runtime computes these operators, not a backend. */
  uint16_t n_bodies;
};

/* The definition of an operator; NULL when @name is unknown. Thread-safe. */
const QfOpDef *qf_op_find(const char *name);

/* All definitions, in the order of ops.inc. */
const QfOpDef *const *qf_op_list(uint32_t *count);

#endif
