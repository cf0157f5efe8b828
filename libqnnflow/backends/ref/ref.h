/* SPDX-License-Identifier: MIT */
/*
 * ref.h - the reference backend: one row an operator in ref_ops.inc, lowered to the plain C kernels (*_ref.c) that are the truth for all
 * others. It runs every operator on every type that makes sense for it.
 */
#ifndef QF_BACKENDS_REF_REF_H
#define QF_BACKENDS_REF_REF_H

#include "../backend.h"
#include "../../ops/attrs.h"

#define QF_REF_UNIT "ref"

/* Appends the step of @node; FALSE with an error that says what it does not do. */
typedef gboolean (*QfRefLowerFunc)(QfLower *lower, QfNode *node, GError **error);

#define QF_REF_OP(op, function) gboolean function(QfLower *lower, QfNode *node, GError **error);
#include "ref_ops.inc"
#undef QF_REF_OP

/* A computation on plain arrays; absent inputs are NULL. */
typedef void (*QfRefFunc)(const void *params, const void *const *in, void *const *out);

/* Inputs, and outputs, of a node at most. */
#define QF_REF_MAX_PORTS 1024

/* Bits for qf_ref_lower_real(): port i is 1 << i. */
#define QF_REF_ALL_PORTS UINT32_MAX

/*
 * A step that computes on real numbers as float32, whatever the tensors hold: the ports in @real_in and @real_out are converted on the way
 * (others are passed as they are). From integers: (float)(q + offset) * scale; to integers: clamp(rint(real / scale) - offset), half to
 * even; without an encoding scale is 1 and offset 0. Tensors that are float32 already are not copied.
 */
void qf_ref_lower_real(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                       const void *params, uint32_t real_in, uint32_t real_out);

/* Which ports are converted, and to what. */
typedef struct {
  QfDType as; /* FLOAT32 as above; FLOAT64 and INT64 without encodings: integers wrap around on the way out */
  uint32_t in, out;   /* bits of the converted ports */
  uint32_t index_out; /* outputs among them that the computation makes as int64 whatever @as is: indices */
  size_t scratch;     /* bytes that the computation needs; it finds them behind the last output */
} QfRefPorts;

/* The general form of qf_ref_lower_real(). */
void qf_ref_lower_as(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                     const void *params, QfRefPorts ports);

/* FLOAT32 for real numbers, encoded ones too, FLOAT64, or INT64 for plain integers and bool. */
QfDType qf_ref_domain(const QfTensor *tensor);

/* The function for numbers of that domain; uint64 has one of its own, as its upper half is negative in INT64. */
QfRefFunc qf_ref_by_domain(const QfTensor *tensor, QfRefFunc f32, QfRefFunc f64, QfRefFunc i64,
                           QfRefFunc u64);

/* A step that computes on the tensors as they are. */
void qf_ref_lower_plain(QfLower *lower, const QfNode *node, const char *kernel, QfRefFunc run,
                        const void *params);

/* Sets QF_ERROR_UNSUPPORTED, naming file, node and op, and returns FALSE. */
gboolean qf_ref_unsupported(const QfNode *node, GError **error, const char *why, const char *remedy);

#endif
