/* SPDX-License-Identifier: MIT */
/* attention_ref.c - the loops of attention_vec.h, compiled for plain C. */
#define QFK_ISA ref
#include "attention_vec.h"
