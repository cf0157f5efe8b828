/* SPDX-License-Identifier: MIT */
/*
 * case.h - one reference case: a folder with case.json, input_k.npy and output_k.npy, and the model file it is about.
 */
#ifndef QF_TESTS_MODELS_CASE_H
#define QF_TESTS_MODELS_CASE_H

#include "npy.h"

/* How far the peer's own kernels are from the saved outputs: the largest of its runs. */
typedef struct {
  uint32_t runs; /* other ways the peer ran the model; 0: the case gives no differences */
  double max;    /* largest absolute difference of any element, in the output's own numbers */
  double mean;   /* largest mean absolute difference; NAN: not given */
  double share;  /* largest share of elements that differ, 0..1; NAN: not given */
} QfPeer;

typedef struct {
  char *directory; /* of case.json */
  char *name;      /* "tflite/face_landmark": the last two parts, or what is below "refs" */
  char *model;     /* path of the model file; NULL: not found */
  char *wanted;    /* the model file as case.json names it */
  char *runtime;   /* what made the outputs */
  QfPeer peer;
  gboolean has_top; /* the case lists the largest elements of output 0 */
  int64_t top_index[2];
  double top_value[2];
} QfCase;

/* All folders with a case.json below @directory, sorted; char *. */
GPtrArray *qf_case_find(const char *directory);

/* Reads case.json. NULL with QF_ERROR_FILE or _FORMAT. */
QfCase *qf_case_read(const char *directory, GError **error);
void qf_case_free(QfCase *c);

/* Reads input_k.npy or output_k.npy (@kind "input" or "output") into @array. */
gboolean qf_case_array(const QfCase *c, const char *kind, uint32_t index, QfNpy *array, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfCase, qf_case_free)

#endif
