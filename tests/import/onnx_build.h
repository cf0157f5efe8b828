/* SPDX-License-Identifier: MIT */
/*
 * onnx_build.h - ONNX models from a few lines of text, packed with the importer's own schema.
 *
 *   opset 13                          once, for the standard operators
 *   in x f32 1,3,8,8                  a graph input; ? is an open dimension, "scalar" no dimensions
 *   w k f32 4,3,3,3 = 1 2 3           an initializer; values repeat; without = they are a fixed pattern
 *   node Conv x,k -> y strides=[2,2]  a node; - is an absent input; attributes name=value: 3, 0.5, [1,2], [0.5,1.5], word
 *   body then                         the lines until "end" are a graph, which an attribute of a later node names: then_branch=@then
 *   out y                             a graph output; "out y f32 1,3" declares its type and dimensions
 *
 * Types: f32 f16 bf16 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool str. An operator of another domain is written domain:Op.
 */
#ifndef QF_TESTS_ONNX_BUILD_H
#define QF_TESTS_ONNX_BUILD_H

#include <glib.h>

/* The file's bytes. A line that cannot be understood is a bug in the test and aborts. */
GBytes *onnx_build(const char *text);

#endif
