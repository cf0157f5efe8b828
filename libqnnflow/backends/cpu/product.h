/* SPDX-License-Identifier: MIT */
/*
 * product.h - a product of two run-time matrices from the tensors it is between.
 */
#ifndef QF_BACKENDS_CPU_PRODUCT_H
#define QF_BACKENDS_CPU_PRODUCT_H

#include "cpu.h"
#include "kernels/gemm/product.h"

/* Kernel, constants and encodings of y = a b; p->s.k and p->s.n are set. FALSE: other types. In matmul.c. */
gboolean qf_cpu_product(QfLower *lower, QfkProduct *p, const QfTensor *a, const QfTensor *b,
                        const QfTensor *y);

#endif
