/* SPDX-License-Identifier: MIT */
/*
 * model.h - loading a model file and looking at it.
 *
 * A QfModel is compiled and frozen: immutable, reference counted, and shared by any number of sessions
 * and threads. Everything that can be wrong with a file or unsupported in it is told by qf_model_load();
 * after that nothing parses, decides or allocates.
 */
#ifndef QNNFLOW_MODEL_H
#define QNNFLOW_MODEL_H

#include <qnnflow/tensor.h>

G_BEGIN_DECLS

typedef struct _QfModel QfModel;

/* One input's dimensions, given by the caller because the file leaves some open. */
typedef struct {
  const char *name;          /* input name; NULL: the input with the same index as this entry */
  int32_t rank;              /* must be the input's rank */
  int64_t dims[QF_MAX_RANK]; /* every dimension >= 0 */
} QfInputDims;

/* Options of qf_model_load(). Zero-initialise, then set what you need: zero always means the default. */
typedef struct {
  const char *backend; /* "auto" (default), "cpu", "ref", ...; see qf_device_list() */
  /* What a unit gets that needs more than its name: the path of a vendor's library, and of a JSON file with its settings. NULL: the
   * backend looks in its usual places, and takes its defaults */
  const char *backend_library, *backend_config;
  /* Nodes that the backend refuses: "cpu" (default) runs them there, which qf_model_explain() tells; "none" makes them an error */
  const char *fallback;
  /* Integer arithmetic: "float" (default), "fixed" or "tflite". A backend that has one of its own (htp, htp-sim: fixed) computes in that, and
   * the CPU what it refuses in "float". Where "fixed" or "tflite" is named, "ref" runs whatever the backend does not compute so */
  const char *requant;
  const QfInputDims
      *input_dims; /* for open dimensions, an open first dimension (batch) becomes 1 by itself */
  uint32_t n_input_dims;
  gboolean
      no_optimize; /* TRUE: no fusion, no layout change: for debugging, each node of the file runs alone */
  /* TRUE: every tensor that a node makes is an output, in the nodes' order behind the model's own: to look inside. Nothing is computed
   * otherwise than without it, but all of it is kept */
  gboolean all_tensors;
  /* TRUE: an image input may be described in the form that the model computes with, which saves a conversion: NHWC in place of NCHW, and 8 bits
   * in place of float32 when these hold 0..1 as pixels of 0..255 do. FALSE: as in the file */
  gboolean direct_inputs;
  /* TFLite: the signature to load, where a file has several entries, by its key; inputs and outputs have its names. NULL: the first
   * graph, with the names of its only signature if there is exactly one */
  const char *signature;
  /* File with the weights of a format that keeps them apart (Caffe); NULL: the one beside the model. Any format: a GGUF file, whose tensors
   * inputs of the same name and dimensions take as constants; matrices in blocks are multiplied with as they are */
  const char *weights;
  uint32_t
      seed_weights; /* not 0: weights that the model is without are made up from this seed (Caffe): to measure, not to use */
  /* TRUE: the CPU may multiply float32 in bfloat16, with sums in float32: convolutions and products with constant weights, where the CPU
   * has instructions that make it faster (AVX512-BF16, or bfdot on aarch64; else the log says that float32 is used, and nothing changes). A layer's error is
   * 0.3 % of the root mean square of its outputs, 1.2 % where Winograd's method serves a 3x3 convolution; a network's outputs were off by
   * 0.2 to 2 % on those tried. `qnnflow compare --chain --fast-math MODEL` says how far on one's own */
  gboolean enable_fast_math;
  gboolean
      no_packed; /* qf_model_convert(): TRUE leaves constants packed for this machine's kernels out of the file */
  gboolean
      check_data; /* TRUE: compare the constants of a .qnnf file with its checksum, which reads all of it */
} QfModelOptions;

/*
 * Reads, compiles and freezes a model. The format (ONNX, TFLite, ...) is recognised from the content.
 * @options may be NULL (all defaults). Returns a reference to be released with qf_model_unref(), or NULL
 * with QF_ERROR_FILE, _FORMAT, _UNSUPPORTED, _SHAPE, _TYPE, _LIMIT or _DEVICE. Thread-safe.
 */
QF_API QfModel *qf_model_load(const char *path, const QfModelOptions *options, GError **error);

/* As qf_model_load(), from memory. @name stands for the file in messages (NULL: "model"). */
QF_API QfModel *qf_model_load_bytes(GBytes *bytes, const char *name, const QfModelOptions *options,
                                    GError **error);

/*
 * Imports the model file @path and writes it as a native file (.qnnf), which loads without being parsed and whose constants stay in the
 * mapped file. The graph is written as it runs, after optimisation; with no_optimize as the importer made it, to be optimised at each load.
 * Both give the same numbers as @path itself. Open dimensions are settled by @options->input_dims. @output, which may be @path, is replaced
 * as a whole or not touched. FALSE with the errors of qf_model_load(), or QF_ERROR_FILE. Thread-safe.
 */
QF_API gboolean qf_model_convert(const char *path, const char *output, const QfModelOptions *options,
                                 GError **error);

/*
 * The same file for other dimensions of its inputs, with the options @model was loaded with. @dims are as in QfModelOptions: by name
 * or by position, those of the file (before direct_inputs); inputs that are not among them stay as in @model.
 *
 * The file is neither read nor recognised again, and an ONNX file's records are not parsed again. What is done again is what shapes
 * decide: mapping operators, folding, rewriting, packing weights for kernels, planning memory. Constants that no
 * rewrite changes share their bytes with @model. Sessions of @model go on undisturbed; a new session is made for the new model.
 *
 * The last 8 shapes are kept as long as the model that was loaded first lives: asking for one of them again gives the same QfModel
 * at once. Returns a reference. NULL with QF_ERROR_SHAPE when the file does not leave these dimensions open, _ARGUMENT when it
 * has no such input or is a dynamic model (which takes any shape anyway), or what loading gives. Thread-safe.
 */
QF_API QfModel *qf_model_reshape(QfModel *model, const QfInputDims *dims, uint32_t n_dims, GError **error);

/* Takes or releases a reference. unref(NULL) does nothing. Thread-safe. */
QF_API QfModel *qf_model_ref(QfModel *model);
QF_API void qf_model_unref(QfModel *model);

/* Numbers of inputs and outputs. */
QF_API uint32_t qf_model_n_inputs(const QfModel *model);
QF_API uint32_t qf_model_n_outputs(const QfModel *model);

/* TRUE when the model cannot be one frozen graph, because shapes follow from values or because of sequences: it runs through
 * qf_session_evaluate() (or qf_session_run() when all inputs have fixed dimensions), and compiles for shapes as it meets them. Its
 * descriptions have -1 for open dimensions, rank -1 where the file declares none or no tensor, and size_bytes 0 then. */
QF_API gboolean qf_model_is_dynamic(const QfModel *model);

/* Description of one input or output, valid as long as the model; NULL when @index is out of range. */
QF_API const QfTensorDesc *qf_model_input(const QfModel *model, uint32_t index);
QF_API const QfTensorDesc *qf_model_output(const QfModel *model, uint32_t index);

/* The file name given at load, and the format it was recognised as ("onnx", "tflite"). Never NULL. */
QF_API const char *qf_model_name(const QfModel *model);
QF_API const char *qf_model_format(const QfModel *model);

/* The backend that runs the model or parts of it; what runs the nodes that it refuses, when these are all. */
QF_API const char *qf_model_backend(const QfModel *model);
/* Whether that backend can map memory of qf_shared_alloc(): inputs and outputs there need not be copied for it. */
QF_API gboolean qf_model_maps_memory(const QfModel *model);

/* The operators that the importer of @format ("onnx", ...) knows, one a line, sorted, "DOMAIN.NAME" or "NAME". Free with g_free(). NULL
 * with QF_ERROR_ARGUMENT when there is no such format or it does not tell. */
QF_API char *qf_format_operators(const char *format, GError **error);

/* Figures of a compiled model. */
typedef struct {
  uint32_t n_nodes;     /* nodes after optimisation */
  uint32_t n_steps;     /* steps of one run */
  uint32_t n_fallback;  /* nodes that the wanted backend does not run and the CPU does */
  uint32_t n_parts;     /* calls of a unit other than the CPU in one run */
  uint64_t macs;        /* multiply-accumulates of one run */
  uint64_t param_bytes; /* constants as stored in the file, in bytes */
  uint64_t
      packed_bytes; /* constants as runs read them: packed for kernels, or as they are; all sessions share them */
  uint64_t arena_bytes;   /* intermediate tensors of one session, in bytes */
  uint64_t live_bytes;    /* most of them that are needed at one time, each rounded up to QF_ALIGNMENT */
  uint64_t scratch_bytes; /* scratch memory of one thread of a session, in bytes */
  uint32_t n_states;      /* values that a session keeps from run to run: see qf_session_reset() */
  uint64_t state_bytes;   /* of all states together; a session holds them twice */
} QfModelStats;

/* Fills in @stats. Thread-safe. */
QF_API void qf_model_stats(const QfModel *model, QfModelStats *stats);

/* Which unit runs how much of the model, and which nodes it refused and why: text of several lines for people. Free with g_free(). */
QF_API char *qf_model_explain(const QfModel *model);

typedef enum {
  QF_DUMP_TEXT,     /* one line a node: name, operator, inputs, outputs, attributes, unit, kernel */
  QF_DUMP_GRAPHVIZ, /* a `dot` digraph */
} QfDumpFormat;

/* The compiled graph as text. Free with g_free(). */
QF_API char *qf_model_dump(const QfModel *model, QfDumpFormat format);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfModel, qf_model_unref)

G_END_DECLS

#endif
