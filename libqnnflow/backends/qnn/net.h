/* SPDX-License-Identifier: MIT */
/*
 * net.h - a part of a graph in the library's terms, before the library sees it: tensors and operators as data.
 *
 * Made by emit.c, which knows what our operators are called there; asked about (validated) or built by graph.c. Everything belongs to
 * the net; constants stay in the graph.
 */
#ifndef QF_BACKENDS_QNN_NET_H
#define QF_BACKENDS_QNN_NET_H

#include "../../graph/graph.h"
#include "library.h"

/* One operator. Tensors are the net's, so that ids given later are seen. */
typedef struct {
  const char *type; /* the library's name */
  const char *name;
  const QfNode *source;        /* whose it is */
  GArray *params;              /* QfQnnParam; of tensors the value is in param_tensors */
  GPtrArray *param_tensors;    /* QfQnnTensor* or NULL, by param */
  GPtrArray *inputs, *outputs; /* QfQnnTensor* */
} QfQnnNetOp;

typedef struct {
  GPtrArray *tensors;    /* QfQnnTensor*, constants and parameters too */
  GPtrArray *ops;        /* QfQnnNetOp* in order */
  GHashTable *by_tensor; /* QfTensor -> QfQnnTensor */
  GPtrArray *blocks;     /* memory */
  const char *node;      /* name for what is added now */
  const QfNode *source;  /* whose that is */
} QfQnnNet;

QfQnnNet *qf_qnn_net_new(void);
void qf_qnn_net_free(QfQnnNet *net);
void *qf_qnn_net_alloc(QfQnnNet *net, size_t bytes); /* zeroed, as long as the net */

/* The tensor for @t, made as needed: constants are static, others native until somebody says otherwise. NULL: its type or encoding has no
 * counterpart, and @why gets the reason. */
QfQnnTensor *qf_qnn_net_tensor(QfQnnNet *net, const QfTensor *t, GString *why);
/* A native tensor of the shape, type and encoding of @like. */
QfQnnTensor *qf_qnn_net_temp(QfQnnNet *net, const QfQnnTensor *like);
/* A static tensor of 32-bit numbers, which are copied. */
QfQnnTensor *qf_qnn_net_numbers(QfQnnNet *net, uint32_t dtype, const void *values, uint32_t rank,
                                const uint32_t *dims);

QfQnnNetOp *qf_qnn_net_op(QfQnnNet *net, const char *type);
void qf_qnn_op_input(QfQnnNetOp *op, QfQnnTensor *t);
void qf_qnn_op_output(QfQnnNetOp *op, QfQnnTensor *t);
void qf_qnn_op_scalar(QfQnnNetOp *op, const char *name, uint32_t dtype, uint32_t bits); /* bool: 0 or 1 */
void qf_qnn_op_float(QfQnnNetOp *op, const char *name, float value);
void qf_qnn_op_tensor(QfQnnNetOp *op, const char *name, QfQnnTensor *t);

/* The operator as the library takes it; its arrays live as long as the net. */
QfQnnOp qf_qnn_op_view(QfQnnNet *net, QfQnnNetOp *op);

/* Of weighted operators: integer weights and bias as the library takes them; kernels HWIO are made signed bytes, and
 * rows of FullyConnected get the node's shape behind it. In weights.c. */
gboolean qf_qnn_emit_bias(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why);
gboolean qf_qnn_emit_kernel(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why);
gboolean qf_qnn_emit_rows(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why);

/* Adds what @node is there. FALSE: it has no counterpart, and @why gets the reason. In emit.c. */
gboolean qf_qnn_emit(QfQnnNet *net, const QfNode *node, GString *why);

#endif
