/* SPDX-License-Identifier: MIT */
/*
 * graph.h - the intermediate representation: tensors and nodes.
 *
 * Invariants, which qf_graph_verify() checks after every pass: nodes stand in topological order; a tensor has at
 * most one producer, and none when it is constant or a graph input; shapes are known; every node satisfies its QfOpDef.
 * A graph owns its tensors and nodes: they live as long as it does, also when a pass has unlinked them.
 * Bodies of control flow are complete graphs of their own; whatever they use of the outer graph is an input of theirs.
 * Images are NHWC, convolution weights HWIO (depthwise: H, W, 1, C x multiplier), FullyConnected weights [out, in].
 */
#ifndef QF_GRAPH_GRAPH_H
#define QF_GRAPH_GRAPH_H

#include "../ops/op.h"

typedef struct QfTensor QfTensor;
typedef struct QfGraph QfGraph;
typedef struct QfUse QfUse;           /* of edit.c */
typedef struct QfDeferred QfDeferred; /* of deferred.c */
typedef struct QfPackedStore QfPackedStore;

/* Encodings of a tensor in the graph; owns its entries. */
typedef struct {
  uint32_t count;         /* 0: not quantized */
  int32_t axis;           /* with count > 1 */
  QfScaleOffset *entries; /* [count], owned by the graph's memory */
} QfEncoding;

struct QfTensor {
  char *name;
  uint32_t id; /* index in graph->tensors */
  QfDType dtype;
  int32_t rank;
  int64_t dims[QF_MAX_RANK];
  QfLayout layout; /* hint of the source format for graph inputs and outputs */
  QfEncoding enc;
  /* Constant's bytes (dense, row-major), NULL otherwise; borrowed from graph->constants. With @deferred they are in another order: read
   * them by qf_tensor_data(), hand them on by qf_tensor_share_data() */
  GBytes *data;
  QfDeferred *deferred; /* NULL: data holds the bytes as they are */
  QfNode *producer;     /* NULL: constant, graph input, or dangling */
  QfUse *uses;          /* nodes that may read it: for edit.c, behind qf_graph_users() */
};

struct QfNode {
  char *name; /* as in the file; never NULL */
  const QfOpDef *op;
  void *attrs; /* op->attrs_size bytes */
  QfTensor **inputs;
  uint32_t n_inputs; /* absent optional inputs are NULL */
  QfTensor **outputs;
  uint32_t n_outputs;
  QfGraph *graph;
  QfGraph **subgraphs; /* bodies of If, While, Loop and Scan (ops/control.c says which); owned by @graph */
  uint32_t n_subgraphs;
  gboolean dead;   /* unlinked by a pass; dropped by qf_graph_compact() */
  gboolean listed; /* it has been added to the graph, for edit.c */
  uint32_t stamp;  /* for edit.c */
};

/* Computes a node on constant inputs and stores its outputs as constants; given by the reference backend. */
typedef gboolean (*QfEvaluateFunc)(QfNode *node, GError **error);

/*
 * A value that outlives a run: the graph's last n_states inputs and last n_states outputs are pairs, the value before the run
 * and the value after it. To everything that rewrites graphs they are ordinary inputs and outputs, but both of a pair keep one
 * shape, type, encoding and layout. Sessions keep the values, the public model does not show them.
 */
typedef struct {
  GBytes *initial; /* of the size of the tensor; NULL: zero bytes */
} QfState;

/* How deep bodies may be nested in bodies. */
#define QF_MAX_DEPTH 16

struct QfGraph {
  char *name;         /* the file, for messages */
  const char *format; /* "onnx", ... static */
  const char *source; /* of a native file: the format that the model came from; NULL: format itself */
  gboolean optimized; /* the passes have run, here or before it was written */
  GPtrArray *tensors; /* QfTensor*, by id */
  GPtrArray *nodes;   /* QfNode*, in topological order */
  GPtrArray *inputs;  /* QfTensor* */
  GPtrArray *outputs; /* QfTensor* */
  GStringChunk *strings;
  GPtrArray *blocks;    /* memory that lives as long as the graph */
  GPtrArray *constants; /* GBytes* of all constants ever made */
  GPtrArray *deferred;  /* QfDeferred* of all constants, bodies' too; in the outermost graph */
  void *spare;          /* memory of a deferred constant that was released, for the next; likewise */
  size_t spare_size;
  const uint8_t
      *mapped; /* the model's file where it is mapped, so that its pages can be given back; NULL: it is not */
  size_t mapped_size;      /* of the outermost graph, as above */
  QfPackedStore *packed;   /* packed constants, in the outermost graph: packed.h */
  QfEvaluateFunc evaluate; /* NULL: qf_graph_add_node() does not fold */
  gboolean open_dims;      /* the file leaves dimensions of inputs open: it can be imported with others */
  uint64_t folded_bytes;   /* constants that evaluate has made so far; counted in the outermost graph */
  uint64_t folded_work;    /* operations that it took, likewise */
  uint64_t
      file_bytes; /* of the model's files (or of what stands for them): what folding may cost grows with it */
  QfState *states;      /* [n_states] */
  uint32_t n_states;    /* of the outermost graph only: bodies have none */
  QfGraph *outer;       /* whose node's body this is (or will be); NULL: the model itself */
  uint32_t depth;       /* 0: the model itself */
  GPtrArray *subgraphs; /* QfGraph*: all ever made for nodes of this graph; freed with it */
  GPtrArray *
      dim_names; /* const char *[QF_MAX_RANK] by input, as in QfTensorDesc; shorter, or NULL entries: none is open */
  GHashTable *output_counts; /* tensor -> how often it is an output, for edit.c; NULL: not asked for yet */
  guint n_counted;           /* outputs that it knows */
  gboolean indexed;          /* the tensors' uses are known, for edit.c */
  uint32_t stamp;            /* for edit.c */
};

/* An empty graph. @name stands for the file in messages. */
QfGraph *qf_graph_new(const char *name);
void qf_graph_free(QfGraph *graph);

/* Zeroed memory that lives as long as the graph. */
void *qf_graph_alloc(QfGraph *graph, size_t size_bytes);

/* An empty graph that may become the body of a node of @outer, with its name, format and evaluate; owned by @outer. NULL with
 * QF_ERROR_LIMIT when bodies are nested more than QF_MAX_DEPTH deep. */
QfGraph *qf_graph_new_subgraph(QfGraph *outer, GError **error);
/* Makes @body, made by qf_graph_new_subgraph(node->graph), complete and compacted, the node's next one. Between new_node() and
 * add_node(). Nodes with bodies are never folded. */
void qf_node_add_subgraph(QfNode *node, QfGraph *body);
/* Adds @before to the inputs and @after to the outputs, behind all others, as a pair of a state. Called when all ordinary inputs
 * and outputs are there. @initial is referenced; NULL: zeros. */
void qf_graph_add_state(QfGraph *graph, QfTensor *before, QfTensor *after, GBytes *initial);

/* A new tensor without a shape (rank -1) and without a dtype; @name is copied, NULL makes one up. */
QfTensor *qf_graph_add_tensor(QfGraph *graph, const char *name);

/* Notes that the file leaves dimension @dim of input @index open, and what it calls it. */
void qf_graph_name_dim(QfGraph *graph, uint32_t index, int32_t dim, const char *name);

/* A new constant. Takes over the reference to @data, whose size must be that of the shape (else it is a bug). */
QfTensor *qf_graph_add_constant(QfGraph *graph, const char *name, QfDType dtype, const int64_t *dims,
                                int32_t rank, GBytes *data);
/* The same from values that are copied. */
QfTensor *qf_graph_add_constant_copy(QfGraph *graph, const char *name, QfDType dtype, const int64_t *dims,
                                     int32_t rank, const void *values);

/* The first from @data that may be aligned to nothing: a large one is copied when it is read first. */
QfTensor *qf_graph_add_loose(QfGraph *graph, const char *name, QfDType dtype, const int64_t *dims,
                             int32_t rank, GBytes *data);
/* A constant of @dims with the bytes of constant @from (and its dtype), and a tensor that becomes one. They share the bytes. */
QfTensor *qf_graph_add_shared(QfGraph *graph, const char *name, const int64_t *dims, int32_t rank,
                              const QfTensor *from);
void qf_tensor_share_data(QfGraph *graph, QfTensor *tensor, const QfTensor *from);
/* A reference to a constant's bytes, in its order; a copy where that is not theirs. NULL when it is none. */
GBytes *qf_tensor_ref_bytes(const QfTensor *tensor);
/* Of a Transpose of a large constant: makes its output a constant that is computed when it is read. FALSE: another node. */
gboolean qf_node_defer(QfNode *node);
/* The constant is not read for now: what can be made again is freed, and pages of its file are given back. Addresses that qf_tensor_data()
 * gave are no longer valid. */
void qf_tensor_release(QfGraph *graph, const QfTensor *tensor);
/* Gives back what is kept for making constants: called when all have been read that will be for now. */
void qf_graph_trim(QfGraph *graph);
/* For qf_tensor_data() and qf_graph_free(). */
const void *qf_deferred_data(const QfTensor *tensor);
void qf_graph_release_deferred(QfGraph *graph);

/* A graph of @node alone: its inputs that are no constants, each once, in their order, then its outputs; constants share their bytes. Nodes
 * with bodies cannot be taken out. NULL when the operator refuses its shapes. */
QfGraph *qf_graph_extract(const QfNode *node, GError **error);

/* Sets the encoding of a tensor; @entries are copied. */
void qf_tensor_set_encoding(QfGraph *graph, QfTensor *tensor, uint32_t count, int32_t axis,
                            const QfScaleOffset *entries);
/* Makes @tensor a constant. Takes over the reference to @data. */
void qf_tensor_set_data(QfGraph *graph, QfTensor *tensor, GBytes *data);
void qf_tensor_set_shape(QfTensor *tensor, QfDType dtype, const int64_t *dims, int32_t rank);
int64_t qf_tensor_count(const QfTensor *tensor);     /* elements */
size_t qf_tensor_size_bytes(const QfTensor *tensor); /* bytes */
/* Constant's bytes, or NULL. Valid until it is released. Thread-safe. */
const void *qf_tensor_data(const QfTensor *tensor);
/* Integer constant (int32, int64, ...) to int64 values: number of them, or -1 when not constant, not integer, or more
 * than @max. */
int32_t qf_tensor_get_ints(const QfTensor *tensor, int64_t *values, int32_t max);
/* Value @index of a constant as a real number (dequantized). */
double qf_tensor_get_real(const QfTensor *tensor, int64_t index);
gboolean qf_tensor_is_quantized(const QfTensor *tensor);
gboolean qf_encoding_equal(const QfEncoding *a, const QfEncoding *b);

/*
 * Making a node takes two calls, with the attributes set in between:
 *   QfNode *n = qf_graph_new_node (graph, "Conv2d", name, inputs, 3, outputs, 1);
 *   QfConv2dAttrs *a = n->attrs; a->stride[0] = ...;
 *   if (!qf_graph_add_node (n, error)) return FALSE;
 * new_node() returns a node with default attributes that is not in the graph yet (NULL entries in @inputs are absent
 * optional ones); add_node() checks arity, infers shapes and dtypes of the outputs, appends the node, and, when all
 * inputs are constant and graph->evaluate is set, computes it right away and makes the outputs constants, so that
 * shape arithmetic of an importer resolves while it imports. A dimension or dtype that was set on an output
 * before and differs from the inferred one is an error that names both.
 */
QfNode *qf_graph_new_node(QfGraph *graph, const char *op, const char *name, QfTensor *const *inputs,
                          uint32_t n_inputs, QfTensor *const *outputs, uint32_t n_outputs);
gboolean qf_graph_add_node(QfNode *node, GError **error);
/* As add_node, but inserts before @position instead of appending, and never folds. For passes. */
gboolean qf_graph_insert_node(QfNode *node, const QfNode *position, GError **error);
/* Replaces the list of inputs (copied; trailing NULLs are dropped). */
void qf_node_set_inputs(QfNode *node, QfTensor *const *inputs, uint32_t n_inputs);
/* Replaces one input. Inputs of nodes in a graph change by these two and by qf_graph_replace_uses() only. */
void qf_node_set_input(QfNode *node, uint32_t index, QfTensor *tensor);
/* Runs op->infer with the message completed by file, node and op. */
gboolean qf_node_infer(QfNode *node, GError **error);

/* Editing, for passes. Unlinked nodes and tensors stay allocated until the graph goes. */
void qf_graph_replace_uses(QfGraph *graph, QfTensor *old, QfTensor *with); /* in nodes and graph outputs */
void qf_node_remove(QfNode *node); /* marks it dead; outputs lose their producer */
/* Makes @tensor output @index of the model, in place of the one that it is. */
void qf_graph_set_output(QfGraph *graph, guint index, QfTensor *tensor);
void qf_graph_compact(QfGraph *graph); /* drops dead nodes, renumbers tensors in use */
uint32_t qf_graph_count_uses(const QfGraph *graph, const QfTensor *tensor); /* graph outputs count */
QfNode *qf_graph_single_user(const QfGraph *graph,
                             const QfTensor *tensor); /* NULL unless exactly one node input uses it */
/* The nodes that use it, each once, mostly in order. Free with g_ptr_array_unref(). */
GPtrArray *qf_graph_users(const QfGraph *graph, const QfTensor *tensor);
gboolean qf_graph_is_output(const QfGraph *graph, const QfTensor *tensor);
gboolean qf_graph_is_input(const QfGraph *graph, const QfTensor *tensor);

/* Checks every invariant. QF_ERROR_FORMAT naming file, node, op and rule. */
gboolean qf_graph_verify(const QfGraph *graph, GError **error);

/* Text, one line a node, or a Graphviz digraph. */
char *qf_graph_dump(const QfGraph *graph, gboolean graphviz);
/* One node's operator, attributes and tensors as text. */
char *qf_node_describe(const QfNode *node);

#define qf_foreach_node(node, graph)                                                                         \
  for (guint node##_i = 0; node##_i < (graph)->nodes->len; node##_i++)                                       \
    for (QfNode *node = g_ptr_array_index((graph)->nodes, node##_i); node && !node->dead; node = NULL)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfGraph, qf_graph_free)

#endif
