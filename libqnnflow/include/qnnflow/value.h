/* SPDX-License-Identifier: MIT */
/*
 * value.h - what goes into and comes out of a run when that is more than tensors of known shape.
 *
 * A QfValue is a tensor with its actual dimensions, a sequence of values, or none (an optional that is empty).
 * It is immutable and reference counted, so that it can be handed on and shared between threads without a copy.
 * See qf_session_evaluate().
 */
#ifndef QNNFLOW_VALUE_H
#define QNNFLOW_VALUE_H

#include <qnnflow/tensor.h>

G_BEGIN_DECLS

typedef struct _QfValue QfValue;

typedef enum {
  QF_VALUE_NONE = 0, /* an optional without a value */
  QF_VALUE_TENSOR,
  QF_VALUE_SEQUENCE,
} QfValueKind;

/*
 * A tensor over @bytes (a reference is taken): dense, row-major, exactly the size of the shape. NULL with QF_ERROR_SHAPE
 * when the size does not fit, _TYPE when @dtype is none. @rank is 0 to QF_MAX_RANK, each of @dims >= 0.
 */
QF_API QfValue *qf_value_new_tensor(QfDType dtype, const int64_t *dims, int32_t rank, GBytes *bytes,
                                    GError **error);

/* A sequence of @n values; a reference to each is taken. @n may be 0. */
QF_API QfValue *qf_value_new_sequence(QfValue *const *items, uint32_t n);

/* An optional without a value. */
QF_API QfValue *qf_value_new_none(void);

/* Takes or releases a reference. unref(NULL) does nothing. Thread-safe. */
QF_API QfValue *qf_value_ref(QfValue *value);
QF_API void qf_value_unref(QfValue *value);

/* What it is: a tensor, a sequence or none. */
QF_API QfValueKind qf_value_kind(const QfValue *value);

/* Of a tensor: its type, dimensions ([rank], valid as long as the value) and bytes. QF_DTYPE_INVALID, 0 and NULL otherwise. */
QF_API QfDType qf_value_dtype(const QfValue *value);
QF_API int32_t qf_value_rank(const QfValue *value);
QF_API const int64_t *qf_value_dims(const QfValue *value);
QF_API const void *qf_value_data(const QfValue *value);
QF_API GBytes *qf_value_bytes(const QfValue *value); /* borrowed */

/* Of a sequence: how many items, and one of them (borrowed); 0 and NULL otherwise, and when @index is out of range. */
QF_API uint32_t qf_value_n_items(const QfValue *value);
QF_API QfValue *qf_value_item(const QfValue *value, uint32_t index);

/* "float32 2x3", "sequence of 3", "none": for messages. Free with g_free(). */
QF_API char *qf_value_describe(const QfValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfValue, qf_value_unref)

G_END_DECLS

#endif
