/* SPDX-License-Identifier: MIT */
/*
 * build.h - a part of a graph on its way into a blob for the Hexagon program (dsp/net.h): tensors in the forms that kernels want, steps,
 * constants. Emit functions (ops.inc) add what a node is; the build converts forms where a node wants another one.
 *
 * Within a part 8-bit tensors are uint8: int8 is turned over at the border and has 128 added to its zero point (qf_htp_encoding()).
 */
#ifndef QF_BACKENDS_HTP_BUILD_H
#define QF_BACKENDS_HTP_BUILD_H

#include "../backend.h"
#include "dsp/step.h"
#include "kernels/binary/binary.h"

typedef enum {
  QF_HTP_FLAT, /* row after row, as the graph has it */
  QF_HTP_D4, /* images in planes of four channels; other ranks than 4: the last dimension is channels; 8 and 16 bits */
  QF_HTP_N_FORMS
} QfHtpForm;

#define QF_HTP_NONE UINT32_MAX

typedef struct {
  QfLower lower;         /* for functions of the reference backend: the `fixed` scheme, memory of the build */
  gboolean dry;          /* only asked: constants have no values */
  uint32_t n_threads;    /* to make jobs for */
  uint32_t tile_bytes;   /* that a job's scratch memory should keep to */
  size_t vtcm_bytes;     /* for tensors: what is left of VTCM then; 0: none */
  GArray *roots;         /* memory: Root in build.c */
  GArray *tensors;       /* View in build.c: parts of roots */
  GArray *steps;         /* QfDspStepRecord; offsets count from the start of their arrays */
  GArray *refs;          /* uint32_t */
  GByteArray *params;    /* each begins at a multiple of 4 */
  GPtrArray *constants;  /* their memory */
  GArray *borders;       /* QfDspBorder */
  GHashTable *by_tensor; /* QfTensor -> Forms in build.c */
  GArray *nodes;         /* of each step, for reports: const QfNode * */
  const QfNode *node;    /* whose steps are added now */
} QfHtpBuild;

QfHtpBuild *qf_htp_build_new(const char *model, gboolean dry, uint32_t n_threads, uint32_t tile_bytes);
void qf_htp_build_free(QfHtpBuild *build);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfHtpBuild, qf_htp_build_free)

/* Declares the caller's memory for @t: an input, which is there from the start, or an output. In the order of the run's borders. */
void qf_htp_build_input(QfHtpBuild *build, const QfTensor *t);
/* Adds the steps that bring what has been computed to the caller, after all nodes. */
void qf_htp_build_output(QfHtpBuild *build, const QfTensor *t);

/* Adds what @node is. FALSE: it is not for the DSP, and @why gets the reason. */
gboolean qf_htp_build_node(QfHtpBuild *build, const QfNode *node, GString *why);
/* Places tensors and writes the blob; NULL with @why. Free with qf_aligned_free() of runtime/memory.h. */
void *qf_htp_build_finish(QfHtpBuild *build, uint32_t *size_bytes, GString *why);

/* For emit functions: */

/* The DSP's tensor for @t in @form, converted when it is only there in the other one. */
uint32_t qf_htp_in(QfHtpBuild *build, const QfTensor *t, QfHtpForm form);
/* The flat @t as the caller has it, if it is only there: for rows that read borders, of types that borders do not turn over. */
uint32_t qf_htp_in_place(QfHtpBuild *build, const QfTensor *t);
/* The form that it is there in already. */
QfHtpForm qf_htp_form(QfHtpBuild *build, const QfTensor *t);
/* Memory for output @t. */
uint32_t qf_htp_out(QfHtpBuild *build, const QfTensor *t, QfHtpForm form);
/* Memory for output @t, which is tensors @in [n] one after the other. Those that have memory of their own become parts of it, so that
 * nothing is to be done for them: placed [n] says which. */
uint32_t qf_htp_out_joined(QfHtpBuild *build, const QfTensor *t, QfHtpForm form, const uint32_t *in,
                           uint32_t n, gboolean *placed);
/* Output @t is planes of the one image @x, from @plane on. */
void qf_htp_planes(QfHtpBuild *build, const QfTensor *t, const QfTensor *x, int64_t plane);
/* Memory for flat output @t that has @bytes, so many that whole planes can be written. */
uint32_t qf_htp_out_planes(QfHtpBuild *build, const QfTensor *t, size_t bytes);
/* Memory like that of a tensor, for what is between steps of a node. */
uint32_t qf_htp_temp(QfHtpBuild *build, uint32_t like);
/* Memory of @bytes, likewise. */
uint32_t qf_htp_memory(QfHtpBuild *build, size_t bytes);
/* What a Convert from one to the other is, as of uint8; and a step that applies a table, which gives a temporary tensor. In pointwise.c. */
gboolean qf_htp_convert_table(const QfTensor *from, const QfTensor *to, uint8_t *table, GString *why);
/* A Convert from or to 16 bits. In encode.c. */
gboolean qf_htp_convert_wide(QfHtpBuild *build, const QfNode *node, GString *why);
uint32_t qf_htp_through(QfHtpBuild *build, uint32_t tensor, const uint8_t *table);
/* A mean of images over height and width as a pool. In window.c. */
gboolean qf_htp_mean_pool(QfHtpBuild *build, const QfNode *node, GString *why);
/* Flat @from, of the shape and type of @like, as images in planes; a temporary tensor. */
uint32_t qf_htp_to_planes(QfHtpBuild *build, const QfTensor *like, uint32_t from);
/* @t broadcast to the shape of @y, in @form; a temporary tensor. QF_HTP_NONE with @why. In pad.c. */
uint32_t qf_htp_expand(QfHtpBuild *build, const QfTensor *t, const QfTensor *y, QfHtpForm form, GString *why);
/* Output @t is the same bytes as @x, whose elements are as many, in the same order and encoding. */
void qf_htp_same(QfHtpBuild *build, const QfTensor *t, const QfTensor *x);
/* A constant of the kernel's; *@fill gets its memory, zeroed; NULL when dry. */
uint32_t qf_htp_constant(QfHtpBuild *build, size_t size_bytes, void *fill);
/* A step with @params and @more behind them (NULL: nothing). @in: tensors. */
void qf_htp_step(QfHtpBuild *build, QfDspRowId row, const void *params, size_t params_bytes, const void *more,
                 size_t more_bytes, const uint32_t *in, uint32_t n_in, uint32_t out);

/* FALSE, with what of a node has no kernel. */
static inline gboolean qf_htp_refuse(GString *why, const char *what)
{
  g_string_append(why, what);
  return FALSE;
}

/* 8 bits with one encoding for the whole; @e is as of uint8. FALSE with @why. */
gboolean qf_htp_encoding(const QfTensor *t, QfkEncoding *e, GString *why);
/* Likewise 8 or 16 bits; of 16 as it is, for these are not turned over. */
gboolean qf_htp_any_encoding(const QfTensor *t, QfkEncoding *e, GString *why);
/* The bytes of a part's @t turned over at the border. */
uint8_t qf_htp_flip(const QfTensor *t);
/* Images of @t in planes: number, pixels, channels. */
void qf_htp_images(const QfTensor *t, int32_t *n, int32_t *pixels, int32_t *channels);

#define QF_HTP_OP(op, function) gboolean function(QfHtpBuild *build, const QfNode *node, GString *why);
#include "ops.inc"
#undef QF_HTP_OP

#endif
