/* SPDX-License-Identifier: MIT */
/*
 * archive.h - what torch.export.save() writes, taken apart: the program as JSON, and tensors by name.
 *
 * Two layouts: a PT2 archive (ROOT/models/model.json, ROOT/data/weights/weight_N as raw bytes, described by JSON), and the older one of
 * PyTorch 2.1 to 2.7 (serialized_exported_program.json beside pickled state).
 */
#ifndef QF_IMPORT_PT2_ARCHIVE_H
#define QF_IMPORT_PT2_ARCHIVE_H

#include "zip.h"

#include <cjson/cJSON.h>
#include <qnnflow/tensor.h>

/* A stored tensor: a strided view of some bytes. */
typedef struct {
  GBytes *storage; /* NULL: pickled in a way that is not read */
  int32_t scalar;  /* torch's number of the data type */
  int32_t rank;
  int64_t dims[QF_MAX_RANK], strides[QF_MAX_RANK], offset; /* in elements */
} QfPt2Tensor;

typedef struct {
  QfZip *zip;
  cJSON *program;
  GHashTable *tensors; /* name -> QfPt2Tensor: parameters, buffers and constants */
} QfPt2Archive;

/* torch's data types by their number in these files: the type, and ONNX's number for it (0: none). */
QfDType qf_pt2_dtype(int64_t scalar, int32_t *onnx);

/* Checks sizes, not yet whether the views fit their storage. */
QfPt2Archive *qf_pt2_archive_open(GBytes *bytes, const char *name, GError **error);
void qf_pt2_archive_free(QfPt2Archive *archive);

/* The values of a tensor, dense; refers to the archive where they are so already. NULL when the view does not fit its storage. */
GBytes *qf_pt2_tensor_values(const QfPt2Tensor *t);

/* JSON without crashing on what is missing: NULL, the default. */
const cJSON *qf_pt2_get(const cJSON *object, const char *key);
const char *qf_pt2_text(const cJSON *value);               /* NULL unless it is a string */
int64_t qf_pt2_int(const cJSON *value, int64_t otherwise); /* also of a number beyond 2^53, saturated */

/* Fills @t from a "tensor_meta" object; FALSE: it makes no sense. Open dimensions become -1. */
gboolean qf_pt2_read_meta(const cJSON *meta, QfPt2Tensor *t);

/* In pickle.c: the tensors of a file written by torch.save() of a dictionary, added to @tensors. */
gboolean qf_pt2_read_pickled(GBytes *file, const char *name, GHashTable *tensors, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfPt2Archive, qf_pt2_archive_free)

#endif
