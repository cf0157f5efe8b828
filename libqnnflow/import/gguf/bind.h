/* SPDX-License-Identifier: MIT */
/*
 * bind.h - gives inputs of a graph that have the names of tensors in a GGUF file these tensors' values.
 */
#ifndef QF_IMPORT_GGUF_BIND_H
#define QF_IMPORT_GGUF_BIND_H

#include "../../graph/graph.h"

/* TRUE when the file begins like a GGUF file. */
gboolean qf_gguf_is_file(const char *path);

/*
 * Inputs with the name and the dimensions of a tensor become constants. Where such a matrix, in blocks, is the right side of a product
 * (transposed, as [out, in]), it stays as it is: the product becomes BlockQuantMatMul. Everything else is decoded. An error when no
 * input has a tensor, or dimensions differ.
 */
gboolean qf_gguf_bind(QfGraph *graph, const char *path, GError **error);

#endif
