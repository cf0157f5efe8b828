/* SPDX-License-Identifier: MIT */
/*
 * onnx-case.h - one published ONNX backend case: a folder with model.onnx and test_data_set_K/input_N.pb and output_N.pb.
 */
#ifndef QF_TESTS_CONFORMANCE_ONNX_CASE_H
#define QF_TESTS_CONFORMANCE_ONNX_CASE_H

#include <glib.h>

/* Runs every data set of the case in @folder on @backend. FALSE with the first difference or the engine's message. */
gboolean qf_onnx_case_run(const char *folder, const char *backend, GError **error);

/*
 * Reads a table of cases that are left out: "case PATTERN WHY" (a glob on the folder's name) or "operator NAME WHY"
 * (a glob on DOMAIN.OPERATOR, the standard domain being empty), one a line; # starts a comment.
 */
GPtrArray *qf_onnx_skips_read(const char *path, GError **error);

/* Why the case in @folder is left out; NULL: it is not. */
const char *qf_onnx_skips_find(const GPtrArray *skips, const char *folder);

#endif
