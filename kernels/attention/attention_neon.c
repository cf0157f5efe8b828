/* SPDX-License-Identifier: MIT */
/* attention_neon.c - the loops of attention_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "attention_vec.h"
